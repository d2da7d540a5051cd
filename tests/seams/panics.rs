//! Handlers that panic, among calls that do not.

use std::time::Duration;

use fastrand::Rng;
use meshrpc::{Code, Error, Kind, Server, Started, mesh_service, testing::Network};
use tokio::{task::JoinSet, time::sleep};

const RUNS: u64 = 40;

/// Does as it is told.
#[mesh_service]
pub(crate) trait Puppet {
    async fn act(&self, call: u64, act: Act, note: &str) -> Result<String, Error>;
}

/// What a handler does.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Act {
    Answer,
    AnswerAfter(u64),
    Panic,
    PanicAfter(u64),
}

struct Stage;

impl Puppet for Stage {
    async fn act(&self, call: u64, act: Act, note: &str) -> Result<String, Error> {
        match act {
            Act::AnswerAfter(time) | Act::PanicAfter(time) => {
                sleep(Duration::from_millis(time)).await;
            }
            Act::Answer | Act::Panic => {}
        }
        match act {
            Act::Answer | Act::AnswerAfter(_) => Ok(format!("{call}:{note}")),
            Act::Panic | Act::PanicAfter(_) => panic!("{call}: told to"),
        }
    }
}

/// Whatever panics when, whether at once or after it waited: that call fails and says that it ran,
/// every other one is answered, on the same connection, and each panic is counted once.
#[tokio::test(start_paused = true)]
async fn fault_25_a_panic_fails_its_own_call_and_no_other() {
    for run in 0..RUNS {
        let mut rng = Rng::with_seed(run);
        let network = Network::new();
        let server = Server::builder().service(PuppetHandler::new(Stage)).build();
        let serving = network.mesh().serve("puppet", server).await.unwrap();
        let client = PuppetClient::connect(network.mesh(), "puppet");
        let mut calls = JoinSet::new();
        for call in 0..rng.u64(1..60) {
            let act = match rng.u8(..6) {
                0 => Act::Panic,
                1 => Act::PanicAfter(rng.u64(..50)),
                2 => Act::Answer,
                _ => Act::AnswerAfter(rng.u64(..50)),
            };
            let note = "note ".repeat(rng.usize(..40) * rng.usize(..100));
            let (client, begin) = (client.clone(), Duration::from_millis(rng.u64(..50)));
            calls.spawn(async move {
                sleep(begin).await;
                let answer = client.act(call, act, &note).await;
                (call, act, note, answer)
            });
        }
        let mut panics = 0;
        for (call, act, note, answer) in calls.join_all().await {
            match (act, answer) {
                (Act::Answer | Act::AnswerAfter(_), Ok(answer)) => {
                    assert_eq!(answer, format!("{call}:{note}"), "run {run}");
                }
                (Act::Panic | Act::PanicAfter(_), Err(error)) => {
                    panics += 1;
                    assert_eq!(
                        (error.kind(), error.code(), error.started()),
                        (Kind::Remote, Code::Internal, Started::Yes),
                        "run {run}, call {call}: {error}"
                    );
                    assert_eq!(error.attempts(), 1, "run {run}, call {call}");
                }
                (act, answer) => panic!("run {run}, call {call} was told {act:?}: {answer:?}"),
            }
        }
        let counters = serving.counters();
        assert_eq!((counters.panics(), counters.connections()), (panics, 1));
    }
}
