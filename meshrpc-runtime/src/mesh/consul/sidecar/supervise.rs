//! The task that keeps one proxy running.

use std::{io, process::ExitStatus, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{GRACE, Hooks, Plan, START, SidecarEvent, SidecarInfo, SidecarState, process::Process};
use crate::{client::Backoff, discovery::BoxFuture};

/// Bounds of the wait before a proxy is started again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// A proxy that ran this long is started again as if it had never failed.
const STABLE: Duration = Duration::from_secs(10);

/// What the owner wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) run: bool,
    /// Each ends the run that there is.
    pub(super) restarts: u64,
    /// Each ends a back-off.
    pub(super) nudges: u64,
    /// Never again.
    pub(super) over: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            run: true,
            restarts: 0,
            nudges: 0,
            over: false,
        }
    }
}

pub(super) struct Supervisor<P> {
    pub(super) subject: Arc<str>,
    pub(super) plan: P,
    pub(super) hooks: Hooks,
    pub(super) wished: watch::Receiver<Wish>,
    pub(super) info: watch::Sender<SidecarInfo>,
}

/// How a run ended.
enum End {
    /// By itself.
    Exited(io::Result<ExitStatus>),
    /// It never answered.
    Silent,
    /// Its owner wants it so.
    Wished,
}

/// Whether a run ended as its owner wanted.
enum Ended {
    Asked,
    Unasked,
}

impl<P: Plan> Supervisor<P> {
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1);
        loop {
            let wish = self.wished.borrow_and_update().clone();
            if wish.over {
                return;
            }
            if !wish.run {
                self.state(SidecarState::Stopped);
                if self.wished.changed().await.is_err() {
                    return;
                }
                backoff.reset();
                continue;
            }
            self.state(SidecarState::Starting);
            let begun = Instant::now();
            let ended = self.once(&wish).await;
            if begun.elapsed() >= STABLE {
                backoff.reset();
            }
            if let Ended::Unasked = ended {
                let wait = backoff.next(fastrand::f64());
                // Whatever is wished now is looked at above.
                let _ = tokio::time::timeout(wait, self.wished.changed()).await;
                let is_wanted = self.wished.borrow().run;
                if is_wanted {
                    self.info.send_modify(|info| info.restarts += 1);
                }
            }
        }
    }

    /// One run, from its start to its end.
    async fn once(&mut self, wish: &Wish) -> Ended {
        let launch = tokio::time::timeout(START, self.plan.launch());
        let (launch, answered) = match launch.await {
            Ok(Ok(launch)) => launch,
            Ok(Err(reason)) => {
                self.died(reason);
                return Ended::Unasked;
            }
            Err(_) => {
                self.died("the agent does not answer".to_owned());
                return Ended::Unasked;
            }
        };
        let (hooks, service_id) = (self.hooks.clone(), Arc::clone(&self.subject));
        let output = move |stream, line: String| {
            tracing::debug!(service = &*service_id, line, "sidecar");
            let service_id = Arc::clone(&service_id);
            hooks.tell(&SidecarEvent::Output {
                service_id,
                stream,
                line,
            });
        };
        let mut process = match Process::spawn(&launch, output) {
            Ok(process) => process,
            Err(error) => {
                self.died(format!("it cannot be started: {error}"));
                return Ended::Unasked;
            }
        };
        let pid = process.pid();
        self.info.send_modify(|info| info.pid = pid);
        self.hooks.tell(&SidecarEvent::Started {
            service_id: Arc::clone(&self.subject),
            pid: pid.unwrap_or_default(),
        });
        let end = self.watch(&mut process, answered, wish).await;
        match &end {
            End::Wished => process.terminate(GRACE).await,
            End::Silent => process.kill().await,
            End::Exited(_) => {}
        }
        let last_words = process.last_words().await;
        self.info.send_modify(|info| {
            info.pid = None;
            info.state = match end {
                End::Wished => SidecarState::Stopped,
                End::Exited(_) | End::Silent => SidecarState::BackingOff,
            };
        });
        let how = match end {
            End::Wished => {
                let service_id = Arc::clone(&self.subject);
                self.hooks.tell(&SidecarEvent::Stopped { service_id });
                return Ended::Asked;
            }
            End::Silent => format!("killed: no answer on its port within {START:?}"),
            End::Exited(Ok(status)) => status.to_string(),
            End::Exited(Err(error)) => format!("it cannot be waited for: {error}"),
        };
        self.died(match last_words.as_str() {
            "" => how,
            last_words => format!("{how}; it wrote: {last_words}"),
        });
        Ended::Unasked
    }

    async fn watch(
        &mut self,
        process: &mut Process,
        answered: BoxFuture<'static, ()>,
        wish: &Wish,
    ) -> End {
        let ours = |now: &Wish| !now.run || now.over || now.restarts != wish.restarts;
        tokio::select! {
            // The owner first: an end that it wished for is no failure.
            biased;
            _ = self.wished.wait_for(ours) => return End::Wished,
            status = process.ended() => return End::Exited(status),
            up = tokio::time::timeout(START, answered) => if up.is_err() {
                return End::Silent;
            },
        }
        self.state(SidecarState::Running);
        self.hooks.tell(&SidecarEvent::Up {
            service_id: Arc::clone(&self.subject),
        });
        tokio::select! {
            biased;
            _ = self.wished.wait_for(ours) => End::Wished,
            status = process.ended() => End::Exited(status),
        }
    }

    fn died(&self, end: String) {
        let mut restarts = 0;
        self.info.send_modify(|info| {
            restarts = info.restarts;
            info.state = SidecarState::BackingOff;
            info.last_end = Some(end.clone());
        });
        tracing::warn!(service = &*self.subject, end, restarts, "the sidecar ended");
        self.hooks.tell(&SidecarEvent::Died {
            service_id: Arc::clone(&self.subject),
            end,
            restarts,
        });
    }

    fn state(&self, state: SidecarState) {
        self.info.send_if_modified(|info| {
            let news = info.state != state;
            info.state = state;
            news
        });
    }
}
