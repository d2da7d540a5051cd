//! Methods that block, served.

use std::panic::resume_unwind;

use tokio::task::{AbortHandle, spawn_blocking};

use crate::{
    codec::DecodeError,
    context::Context,
    error::Started,
    server::Response,
    wire::{Reason, Status},
};

/// Runs a method that is not async on a thread where it may block, in the context of the call.
///
/// Once it runs it cannot be stopped: if the caller goes meanwhile, what it answers is discarded,
/// and the server waits for its end before it stops.
///
/// # Errors
/// Those of `work`.
///
/// # Panics
/// When `work` does.
pub async fn blocking<F>(work: F) -> Result<Response, DecodeError>
where
    F: FnOnce() -> Result<Response, DecodeError> + Send + 'static,
{
    let context = Context::current();
    let (waiting, working) = context.unfinished().begin();
    let task = spawn_blocking(move || {
        let result = context.sync_scope(work);
        drop(working);
        result
    });
    let _queued = Queued(task.abort_handle());
    let ended = task.await;
    drop(waiting);
    match ended {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Ok(stopping()),
        },
    }
}

/// As [`blocking`], for a method whose caller has its answer already.
///
/// # Panics
/// When `work` does.
pub async fn blocking_work<F: FnOnce() + Send + 'static>(work: F) {
    let worked = blocking(|| {
        work();
        Ok(Response::ended())
    });
    // There is nobody left to be told.
    let _ = worked.await;
}

/// Work that has not begun when nobody waits for it any more never begins.
struct Queued(AbortHandle);

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The runtime is shutting down, and begins no such work any more.
fn stopping() -> Response {
    let message = "the instance is stopping";
    Response::of(Status::refusal(Reason::Draining, Started::No, message))
}
