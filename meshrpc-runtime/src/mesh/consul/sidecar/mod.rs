//! The proxy process beside a service: started, watched, started again, and gone when this process is.
//!
//! A [`Sidecar`] is a task that keeps one proxy running. It is *up* once its port answers a TLS
//! handshake; a proxy that does not get there within [`START`] is killed and started again, because
//! some of them hang at their start. One that ends is started again after a back-off with jitter,
//! and counted. The application is never restarted for it.
//!
//! - `command`: which program, with which arguments and environment
//! - `process`: one run of it, in a process group of its own that does not outlive this process
//! - `supervise`: the task
//! - `probe`: whether its port answers
//! - `event`: what is told about it
//! - `options`: what a mesh URL says of it

mod command;
mod event;
pub(super) mod options;
mod probe;
mod process;
mod supervise;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::watch, task::AbortHandle};

pub(crate) use command::{Access, Launch, Subject};
pub use command::{Envoy, Proxy};
pub(crate) use event::Hooks;
pub use event::{OutputStream, SidecarEvent};
pub(crate) use probe::Probe;
use supervise::{Supervisor, Wish};

use crate::discovery::BoxFuture;

/// How long a proxy may take from its start to the first answer on its port.
pub(crate) const START: Duration = Duration::from_secs(5);
/// How long a proxy gets to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// What is known of a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SidecarInfo {
    /// What it does.
    pub state: SidecarState,
    /// Its process, while one runs.
    pub pid: Option<u32>,
    /// How often it was started again without having been told to end.
    pub restarts: u64,
    /// How its last run ended, and the last lines it wrote, if it has ended before.
    pub last_end: Option<String>,
}

/// What a sidecar does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SidecarState {
    /// It was started, and its port does not answer yet.
    Starting,
    /// Its port answered.
    Running,
    /// It ended, and is started again in a moment.
    BackingOff,
    /// It was told to end.
    Stopped,
    /// Somebody else runs it.
    External,
}

/// Resolves when whoever listens at `listener` answers a TLS handshake, as every sidecar does, also
/// to somebody without a certificate. Who answers is not verified.
///
/// # Errors
/// As the system and the other side say; [`io::ErrorKind::TimedOut`] after `time`.
pub async fn sidecar_answers(listener: SocketAddr, time: Duration) -> io::Result<()> {
    let probe = Probe {
        listener,
        admin: None,
    };
    match tokio::time::timeout(time, probe.handshake()).await {
        Ok(answered) => answered,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// One supervised proxy. Dropping it kills the proxy.
#[derive(Debug)]
pub(crate) struct Sidecar {
    wish: watch::Sender<Wish>,
    info: watch::Receiver<SidecarInfo>,
    task: AbortHandle,
}

/// What a sidecar is to run. Asked before every start, so that a start may take another port or a
/// newer token than the one before.
pub(crate) trait Plan: Send + 'static {
    /// The command for the next start, and a future that resolves once its port answers.
    ///
    /// # Errors
    /// Why it cannot be started now.
    fn launch(&mut self) -> BoxFuture<'_, Result<(Launch, BoxFuture<'static, ()>), String>>;
}

impl Sidecar {
    /// Starts a proxy and keeps it running. `subject` names it in logs and events.
    pub(crate) fn start(
        subject: Arc<str>,
        plan: impl Plan,
        hooks: Hooks,
        runtime: &Handle,
    ) -> Sidecar {
        let (wish, wished) = watch::channel(Wish::default());
        let (say, info) = watch::channel(SidecarInfo::new(SidecarState::Starting));
        let supervisor = Supervisor {
            subject,
            plan,
            hooks,
            wished,
            info: say,
        };
        let task = runtime.spawn(supervisor.run()).abort_handle();
        Sidecar { wish, info, task }
    }

    /// What it does now.
    pub(crate) fn info(&self) -> SidecarInfo {
        self.info.borrow().clone()
    }

    /// Follows what it does.
    pub(crate) fn follow(&self) -> watch::Receiver<SidecarInfo> {
        self.info.clone()
    }

    /// Ends the proxy; [`resume`](Self::resume) starts it again.
    pub(crate) fn pause(&self) {
        self.wish.send_modify(|wish| wish.run = false);
    }

    /// Starts a proxy that was paused, at once also if it backs off.
    pub(crate) fn resume(&self) {
        self.wish.send_modify(|wish| {
            wish.run = true;
            wish.nudges += 1;
        });
    }

    /// Ends this run of the proxy and starts the next, also of one that was paused.
    pub(crate) fn restart(&self) {
        self.wish.send_modify(|wish| {
            wish.run = true;
            wish.restarts += 1;
        });
    }

    /// Ends this run of the proxy and starts the next, unless it was paused meanwhile.
    pub(crate) fn renew(&self) {
        self.wish.send_modify(|wish| wish.restarts += 1);
    }

    /// Resolves once the proxy's state satisfies `wanted`, or as soon as somebody wants it to run,
    /// or not to, against `run`; whether it was the former.
    pub(crate) async fn until_wished(
        &self,
        run: bool,
        wanted: impl FnMut(&SidecarInfo) -> bool,
    ) -> bool {
        let mut wished = self.wish.subscribe();
        tokio::select! {
            biased;
            satisfied = self.until(wanted) => satisfied,
            _ = wished.wait_for(|wish| wish.run != run) => false,
        }
    }

    /// Resolves once the proxy's state satisfies `wanted`; false if it never will.
    pub(crate) async fn until(&self, wanted: impl FnMut(&SidecarInfo) -> bool) -> bool {
        self.info.clone().wait_for(wanted).await.is_ok()
    }

    /// Ends the proxy for good: SIGTERM, and SIGKILL to what is left after [`GRACE`].
    pub(crate) async fn end(&self) {
        self.wish.send_modify(|wish| {
            wish.run = false;
            wish.over = true;
        });
        // The task's end is the end of its news. It ends with its runtime at the latest.
        self.until(|_| false).await;
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // The run that it owns is killed as it is dropped.
        self.task.abort();
    }
}

impl SidecarInfo {
    /// Nothing is known but `state`.
    pub(crate) fn new(state: SidecarState) -> Self {
        Self {
            state,
            pid: None,
            restarts: 0,
            last_end: None,
        }
    }

    /// What is known of one that somebody else runs.
    pub(crate) fn external() -> Self {
        Self::new(SidecarState::External)
    }

    /// Whether its port answered when it was last asked.
    pub fn is_running(&self) -> bool {
        matches!(self.state, SidecarState::Running | SidecarState::External)
    }
}
