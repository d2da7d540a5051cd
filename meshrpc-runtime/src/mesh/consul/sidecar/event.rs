//! What programs are told about the sidecars of their process.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

/// Something that happened to a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SidecarEvent {
    /// It was started.
    Started {
        /// The registration it stands beside.
        service_id: Arc<str>,
        /// Its process.
        pid: u32,
    },
    /// Its port answers.
    Up {
        /// The registration it stands beside.
        service_id: Arc<str>,
    },
    /// It wrote a line, at most 8 KiB of it.
    Output {
        /// The registration it stands beside.
        service_id: Arc<str>,
        /// Where it wrote.
        stream: OutputStream,
        /// What it wrote, without the end of the line.
        line: String,
    },
    /// Its process ended, or was killed because it did not answer in time.
    Died {
        /// The registration it stands beside.
        service_id: Arc<str>,
        /// How, such as `signal: 9 (SIGKILL)`.
        end: String,
        /// How often it was started again before, without having been told to end.
        restarts: u64,
    },
    /// It was told to end, and did.
    Stopped {
        /// The registration it stands beside.
        service_id: Arc<str>,
    },
}

/// Where a process writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

type Hook = Arc<dyn Fn(&SidecarEvent) + Send + Sync>;

/// Who is told. Clones are the same list.
#[derive(Clone, Default)]
pub(crate) struct Hooks(Arc<Mutex<Vec<Hook>>>);

impl Hooks {
    pub(crate) fn add(&self, hook: impl Fn(&SidecarEvent) + Send + Sync + 'static) {
        let mut hooks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hooks.push(Arc::new(hook));
    }

    /// Calls every hook. One that panics is a fault of the program, and must not end the task that
    /// keeps the proxy running.
    pub(crate) fn tell(&self, event: &SidecarEvent) {
        let hooks = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for hook in hooks {
            if catch_unwind(AssertUnwindSafe(|| hook(event))).is_err() {
                tracing::error!("a hook for events of sidecars panicked");
            }
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
