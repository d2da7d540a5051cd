//! What a handler knows of the call it serves, and what its own calls inherit.
//!
//! The server sets a [`Context`] around every handler. A client call made inside inherits what is
//! left of the deadline and the trace context, so that a chain of calls ends together:
//!
//! ```
//! # use std::time::{Duration, Instant};
//! # use meshrpc::Context;
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let context = Context::current().with_deadline(Instant::now() + Duration::from_secs(1));
//! let left = context.scope(async {
//!     // Carried into a task by `meshrpc::spawn`, lost by `tokio::spawn`.
//!     meshrpc::spawn(async { Context::current().time_left() }).await
//! });
//! assert!(left.await.unwrap().is_some());
//! # }
//! ```

mod unfinished;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
pub(crate) use unfinished::Unfinished;

use crate::{
    connection,
    wire::{Metadata, Peer},
};

tokio::task_local! {
    static CURRENT: Context;
}

/// The call a task works for. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `None` outside of a call, so that asking there costs nothing.
    call: Option<Arc<Call>>,
}

#[derive(Clone, Debug, Default)]
struct Call {
    deadline: Option<Instant>,
    trace: Option<Arc<str>>,
    session: Option<Arc<str>>,
    metadata: Metadata,
    source: Option<Arc<Source>>,
}

/// Where a server's calls come from: the same for all of a connection.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) peer: Arc<Peer>,
    /// What the server waits for when it stops.
    pub(crate) unfinished: Unfinished,
}

/// What the server knows of a call when it builds the context.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) deadline: Option<Instant>,
    pub(crate) trace: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) source: Option<Arc<Source>>,
}

impl Context {
    /// The context of this task; an empty one outside of a call.
    pub fn current() -> Context {
        CURRENT.try_with(Context::clone).unwrap_or_default()
    }

    pub(crate) fn of_call(origin: Origin) -> Context {
        let Origin {
            deadline,
            trace,
            session,
            metadata,
            source,
        } = origin;
        let call = Call {
            deadline,
            trace: trace.map(Arc::from),
            session: session.map(Arc::from),
            metadata,
            source,
        };
        Context {
            call: Some(Arc::new(call)),
        }
    }

    /// When the caller stops waiting, by tokio's clock.
    pub fn deadline(&self) -> Option<Instant> {
        self.call.as_ref()?.deadline
    }

    /// Time until the deadline, zero once it has passed, `None` if there is none.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline()
            .map(|deadline| deadline.saturating_duration_since(connection::now()))
    }

    /// W3C trace context of the call, as in the header `traceparent`.
    pub fn trace(&self) -> Option<&str> {
        self.call.as_ref()?.trace.as_deref()
    }

    /// Session key the caller gave.
    pub fn session(&self) -> Option<&str> {
        self.call.as_ref()?.session.as_deref()
    }

    /// What the caller attached to the call. It is not passed on to nested calls.
    pub fn metadata(&self) -> &Metadata {
        static NOTHING: Metadata = Metadata::new();
        self.call.as_ref().map_or(&NOTHING, |call| &call.metadata)
    }

    /// The client the call came from.
    pub fn peer(&self) -> Option<&Peer> {
        let source = self.call.as_ref()?.source.as_ref()?;
        Some(&source.peer)
    }

    /// The same context, ending at `deadline` unless it ends earlier.
    pub fn with_deadline(&self, deadline: Instant) -> Context {
        let mut call = self.call.as_deref().cloned().unwrap_or_default();
        call.deadline = Some(call.deadline.map_or(deadline, |own| own.min(deadline)));
        Context {
            call: Some(Arc::new(call)),
        }
    }

    /// The same context with another trace context, as in the header `traceparent`.
    pub fn with_trace(&self, trace: impl Into<Arc<str>>) -> Context {
        let mut call = self.call.as_deref().cloned().unwrap_or_default();
        call.trace = Some(trace.into());
        Context {
            call: Some(Arc::new(call)),
        }
    }

    /// Runs `future` in this context.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs `f` in this context: what [`scope`](Self::scope) is to a task, this is to a thread.
    ///
    /// ```
    /// # use meshrpc::Context;
    /// let context = Context::current();
    /// let thread = std::thread::spawn(move || {
    ///     context.sync_scope(|| {
    ///         // Calls made here inherit the deadline and the trace context.
    ///     });
    /// });
    /// # thread.join().unwrap();
    /// ```
    pub fn sync_scope<T>(self, f: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, f)
    }

    /// Where work is counted that goes on when the call has ended.
    pub(crate) fn unfinished(&self) -> Unfinished {
        let source = self.call.as_ref().and_then(|call| call.source.as_ref());
        let unfinished = source.map(|source| source.unfinished.clone());
        unfinished.unwrap_or_default()
    }
}

/// Spawns a task that works for the same call as this one: its client calls inherit the deadline
/// and the trace context. It is not ended when the call ends.
///
/// # Panics
/// Outside of a tokio runtime, as [`tokio::spawn`] does.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(Context::current().scope(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_deadline_is_never_later_than_the_outer_one() {
        let now = Instant::now();
        let outer = Context::default().with_deadline(now + Duration::from_secs(1));
        assert_eq!(
            outer.with_deadline(now + Duration::from_secs(9)).deadline(),
            outer.deadline()
        );
        assert_eq!(outer.with_deadline(now).deadline(), Some(now));
    }

    #[tokio::test]
    async fn a_spawned_task_works_for_the_same_call() {
        let context = Context::default().with_trace("00-1-2-01");
        let inside = context.scope(async { spawn(async { Context::current() }).await });
        assert_eq!(inside.await.unwrap().trace(), Some("00-1-2-01"));
        assert_eq!(Context::current().trace(), None);
    }
}
