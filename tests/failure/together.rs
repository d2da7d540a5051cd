//! Calls that come in one read with one whose handler blocks its thread.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use meshrpc::{Mesh, Server, mesh_service};

/// Calls beside the one that blocks.
const OTHERS: usize = 15;
/// Cap on every wait.
const CAP: Duration = Duration::from_secs(20);

/// Lets calls pass.
#[mesh_service]
trait Gate {
    /// Blocks its thread until all others have their answers; tells how many have.
    async fn block(&self) -> Result<usize, String>;
    /// Answers at once.
    async fn pass(&self) -> Result<usize, String>;
}

#[derive(Clone, Default)]
struct Passed(Arc<(Mutex<usize>, Condvar)>);

impl Passed {
    fn one(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.1.notify_all();
    }
}

impl Gate for Passed {
    async fn block(&self) -> Result<usize, String> {
        let (count, more) = &*self.0;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = more.wait_timeout_while(count, CAP, |count| *count < OTHERS);
        let (count, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Ok(*count)
    }

    async fn pass(&self) -> Result<usize, String> {
        Ok(0)
    }
}

/// The blocked call is the `place`th of those that come together.
async fn all_others_pass(place: usize) {
    let (mesh, passed) = (Mesh::in_process(), Passed::default());
    let server = Server::builder()
        .service(GateHandler::new(passed.clone()))
        .build();
    let _serving = mesh.serve("gate", server).await.expect("it is served");
    let gate = GateClient::connect(&mesh, "gate");
    gate.pass().await.expect("it is answered");
    // One task makes them all, so that they leave in one write.
    let calls = (0..=OTHERS).map(|call| {
        let (gate, passed) = (gate.clone(), passed.clone());
        async move {
            if call == place {
                return gate.block().await;
            }
            let answer = gate.pass().await;
            passed.one();
            answer
        }
    });
    let answers = join_all(calls).await;
    assert_eq!(
        answers[place],
        Ok(OTHERS),
        "the others were answered while call {place} blocked its thread"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_that_blocks_holds_up_none_that_came_with_it() {
    all_others_pass(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_blocks_holds_up_neither_answers_before_it_nor_calls_behind_it() {
    all_others_pass(OTHERS / 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_that_blocks_holds_up_no_answer() {
    all_others_pass(OTHERS).await;
}
