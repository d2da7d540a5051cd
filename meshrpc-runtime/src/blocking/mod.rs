//! Calls that a thread waits for.
//!
//! The connections that such calls use live on one thread of this crate's own, which is started
//! with the first of them. A caller that waits may be the only thread that its runtime has: then
//! nothing on that runtime makes progress, and whatever the call needed there would never come. The
//! connections, their timers, dials and the registry's news therefore depend on nobody's runtime.
//! Nothing of the program's own runs on that thread.
//!
//! - `runtimes`: the thread, and the runtime of programs that have none
//! - `wait`: parks the caller; a worker of a multi-threaded runtime hands its work to another first

mod runtimes;
mod wait;

use std::future::Future;

pub(crate) use runtimes::{io, is_io_thread, workers};

use crate::error::{Code, Error, Kind};

/// Runs a future on the calling thread until it is done, in programs and on threads without a
/// runtime: to serve, or to wait until a client is ready.
///
/// ```no_run
/// # use std::time::Duration;
/// # use meshrpc::{Mesh, Server, shutdown_signal};
/// # fn main() -> Result<(), meshrpc::Error> {
/// let mesh = Mesh::from_env_blocking()?;
/// let server = Server::builder().build();
/// meshrpc::block_on(async {
///     let serving = mesh.serve("greeter", server).await?;
///     serving.until(shutdown_signal()).drain(Duration::from_secs(20)).await
/// })?;
/// # Ok(())
/// # }
/// ```
///
/// Tasks that it spawns run on a multi-threaded runtime of this crate's own, which is started for
/// the first of them and stays. It may also be called inside of a runtime, as long as the future
/// waits for nothing that only the calling thread could do.
///
/// # Panics
/// If the system gives no threads for the runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    match runtimes::workers() {
        Ok(runtime) => wait::wait(&runtime, future),
        Err(error) => panic!("{error}"),
    }
}

/// Waits for a call whose connections live on the I/O thread.
///
/// # Errors
/// If there is no such thread, or this is it: it would wait for itself.
pub(crate) fn wait_for_call<F: Future>(future: F) -> Result<F::Output, Error> {
    if is_io_thread() {
        let message = "a call that waits was made on the thread that carries such calls";
        return Err(Error::new(Kind::Unavailable, message).with_code(Code::FailedPrecondition));
    }
    Ok(wait::wait(&io()?, future))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_io_thread_never_waits_for_itself() {
        let runtime = io().unwrap();
        let nested = runtime.spawn(async { wait_for_call(std::future::ready(())) });
        let error = block_on(nested).unwrap().unwrap_err();
        assert_eq!(error.code(), Code::FailedPrecondition);
    }
}
