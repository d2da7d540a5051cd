//! Runtimes that belong to no caller. They are started when first needed, and stay.

use std::{
    cell::Cell,
    future::pending,
    io,
    sync::{Mutex, PoisonError},
    thread,
};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Kind};

static IO: Mutex<Option<Handle>> = Mutex::new(None);
static WORKERS: Mutex<Option<Runtime>> = Mutex::new(None);

thread_local! {
    static IS_IO: Cell<bool> = const { Cell::new(false) };
}

/// The thread that connections of waiting callers live on.
///
/// # Errors
/// `Unavailable` if it cannot be started; the next request tries again.
pub(crate) fn io() -> Result<Handle, Error> {
    let mut started = IO.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*started {
        return Ok(handle.clone());
    }
    let handle = start_io().map_err(unavailable)?;
    Ok(started.insert(handle).clone())
}

/// True on the thread that [`io`] started.
pub(crate) fn is_io_thread() -> bool {
    IS_IO.get()
}

/// The runtime of programs that have none, or whose only thread waits.
///
/// # Errors
/// `Unavailable` if it cannot be started; the next request tries again.
pub(crate) fn workers() -> Result<Handle, Error> {
    let mut started = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*started {
        return Ok(runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("meshrpc")
        .build()
        .map_err(unavailable)?;
    Ok(started.insert(runtime).handle().clone())
}

fn start_io() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .thread_name("meshrpc-io")
        .build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("meshrpc-io".to_owned())
        .spawn(move || {
            IS_IO.set(true);
            runtime.block_on(pending::<()>());
        })?;
    Ok(handle)
}

fn unavailable(error: io::Error) -> Error {
    let message = format!("no thread for calls that are waited for: {error}");
    Error::new(Kind::Unavailable, message).with_source(error)
}
