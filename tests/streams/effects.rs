//! Calls that outlive their callers.

use std::{pin::pin, sync::Arc};

use futures_util::FutureExt;
use meshrpc::{Context, mesh_service};
use tokio::sync::Semaphore;

use crate::support::{CAP, Count, serve, within};

#[mesh_service]
trait Work {
    #[mesh(oneway)]
    async fn notes(&self, line: &str) -> anyhow::Result<()>;
    #[mesh(oneway)]
    async fn casts(&self, line: String);
    #[mesh(oneway)]
    fn blocks(&self, line: &str);
    #[mesh(run_to_completion, deadline = "50ms")]
    async fn charges(&self) -> anyhow::Result<u64>;
    async fn waits(&self) -> anyhow::Result<u64>;
}

#[derive(Clone)]
struct Far {
    begun: Count,
    done: Count,
    dropped: Count,
    /// One permit ends one call.
    gate: Arc<Semaphore>,
}

impl Far {
    fn new() -> Self {
        Self {
            begun: Count::new(),
            done: Count::new(),
            dropped: Count::new(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    async fn pass(&self) {
        let counted = Counted(self.dropped.clone());
        self.begun.add();
        self.gate
            .acquire()
            .await
            .expect("it is never closed")
            .forget();
        self.done.add();
        drop(counted);
    }
}

struct Counted(Count);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.add();
    }
}

impl Work for Far {
    async fn notes(&self, line: &str) -> anyhow::Result<()> {
        self.pass().await;
        anyhow::bail!("nobody hears of {line}")
    }

    async fn casts(&self, _line: String) {
        self.pass().await;
    }

    fn blocks(&self, _line: &str) {
        self.begun.add();
        self.done.add();
    }

    async fn charges(&self) -> anyhow::Result<u64> {
        assert_eq!(
            Context::current().deadline(),
            None,
            "its own calls are to be done as well"
        );
        self.pass().await;
        Ok(7)
    }

    async fn waits(&self) -> anyhow::Result<u64> {
        self.pass().await;
        Ok(8)
    }
}

#[tokio::test]
async fn a_oneway_call_returns_before_its_method_does() {
    let far = Far::new();
    let served = serve(WorkHandler::new(far.clone())).await;
    let work: WorkClient = served.client();
    work.notes("a line").await.unwrap();
    work.casts("a line".to_owned()).await;
    far.begun.reaches(2, "both begin").await;
    assert_eq!(far.done.get(), 0);
    far.gate.add_permits(2);
    far.done.reaches(2, "both are done").await;
    tokio::task::spawn_blocking({
        let work = work.clone();
        move || work.blocks("a line")
    })
    .await
    .unwrap();
    far.done.reaches(3, "the blocking one is done").await;
}

#[tokio::test]
async fn a_drain_waits_for_what_was_accepted() {
    let far = Far::new();
    let served = serve(WorkHandler::new(far.clone())).await;
    let work: WorkClient = served.client();
    work.notes("a line").await.unwrap();
    far.begun.reaches(1, "it begins").await;
    let mut drain = pin!(served.serving.drain(CAP));
    // The client goes; the work is still there.
    drop((work, served.mesh));
    assert!((&mut drain).now_or_never().is_none());
    far.gate.add_permits(1);
    let drained = within("the drain", drain).await.unwrap();
    assert_eq!((drained.cut, far.done.get()), (0, 1));
}

#[tokio::test]
async fn what_runs_to_completion_is_not_dropped_with_its_caller() {
    let far = Far::new();
    let served = serve(WorkHandler::new(far.clone())).await;
    let work: WorkClient = served.client();
    {
        let mut call = pin!(work.waits());
        tokio::select! {
            answer = &mut call => panic!("answered: {answer:?}"),
            () = far.begun.reaches(1, "it begins") => {}
        }
    }
    far.dropped.reaches(1, "an ordinary call is dropped").await;
    assert_eq!(far.done.get(), 0);

    // Its deadline passes.
    assert!(work.charges().await.is_err());
    {
        let mut call = pin!(work.charges());
        tokio::select! {
            _ = &mut call => {}
            () = far.begun.reaches(3, "it begins") => {}
        }
    }
    assert_eq!(far.dropped.get(), 1);
    let mut drain = pin!(served.serving.drain(CAP));
    assert!((&mut drain).now_or_never().is_none());
    far.gate.add_permits(2);
    let drained = within("the drain", drain).await.unwrap();
    assert_eq!((drained.cut, far.done.get()), (0, 2));
}

#[tokio::test]
async fn a_caller_that_stays_has_the_answer() {
    let far = Far::new();
    let served = serve(WorkHandler::new(far.clone())).await;
    let work: WorkClient = served.client();
    far.gate.add_permits(2);
    assert_eq!(work.charges().await.unwrap(), 7);
    assert_eq!(work.waits().await.unwrap(), 8);
}
