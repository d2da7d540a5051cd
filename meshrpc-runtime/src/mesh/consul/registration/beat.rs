//! Beats: what the checks of a registration are told, every second.
//!
//! They are a task on the runtime that serves, so that they stop when it does: a process that hangs
//! is dropped from the lists though the kernel accepts for it. What they say never changes while all
//! is well; a changed text would wake every client.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::Kept;
use crate::mesh::consul::{agent::CheckStatus, sidecar::Sidecar};

/// Time between two beats; three have to fail before a check turns critical.
const BEAT: Duration = Duration::from_secs(1);
/// Time until an agent that did not take one is asked again: as soon as it is back it has to know
/// what is alive, before its lists are read.
const AGAIN: Duration = Duration::from_millis(250);
/// Time for the agent to take one.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time for a sidecar to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// Sidecars are started again with a new token within this time, each at another moment: the others
/// take over what one cuts.
const STAGGER: Duration = Duration::from_secs(5);
/// A sidecar whose process lives and that did not answer for so long is started again.
const HUNG: Duration = Duration::from_secs(60);

/// Beats for the checks of the service.
pub(super) async fn of_service(kept: Arc<Kept>) {
    let mut status = kept.status.subscribe();
    let mut told = kept.told.subscribe();
    let mut log = Log::default();
    loop {
        let begun = Instant::now();
        told.mark_unchanged();
        let (now, note) = status.borrow_and_update().clone();
        let done = tell(&kept, &kept.ttl(), now, &note).await;
        log.note(&kept, &done);
        tokio::select! {
            () = sleep_until(next(begun, &done)) => {}
            _ = status.changed() => {}
            // A registration that is new has the status of its template.
            _ = told.changed() => {}
        }
    }
}

/// Beats for the checks of the sidecar: while it answers. `sidecar` is none if somebody else runs
/// it. `passing` is set when the agent was told so for the first time.
pub(super) async fn of_sidecar(
    kept: Arc<Kept>,
    sidecar: Option<Arc<Sidecar>>,
    passing: watch::Sender<bool>,
) {
    let mut told = kept.told.subscribe();
    let mut info = sidecar.as_ref().map(|sidecar| sidecar.follow());
    let mut log = Log::default();
    let mut answered = Instant::now();
    let mut is_passing = false;
    let mut replaced = 0;
    // When the connections of listeners that Envoy has replaced are to be replaced: an intention
    // that denies new ones leaves them most of the time that they have.
    let mut cut = None;
    let mut renewal: Option<Instant> = None;
    loop {
        let begun = Instant::now();
        let mut due = begun + BEAT;
        told.mark_unchanged();
        let runs = info
            .as_mut()
            .is_none_or(|info| info.borrow_and_update().is_running());
        let probe = kept.probe.borrow().clone();
        let answers = match &probe {
            Some(probe) if runs => probe.answers(ANSWER).await,
            _ => false,
        };
        if let Some(probe) = probe.filter(|_| answers) {
            let before = std::mem::replace(&mut replaced, probe.replaced(ANSWER).await);
            if replaced > before {
                cut = Some(Instant::now() + kept.drain_time() / 4);
            }
        }
        if cut.is_some_and(|cut| cut <= Instant::now()) {
            cut = None;
            kept.cuts.send_modify(|cuts| *cuts += 1);
        }
        if runs
            && let Some(sidecar) = &sidecar
            && kept.has_new_token()
        {
            let due = || begun + STAGGER.mul_f64(fastrand::f64());
            if *renewal.get_or_insert_with(due) <= begun {
                renewal = None;
                let id = kept.id();
                tracing::warn!(
                    id,
                    "there is another token: starting the sidecar again with it"
                );
                sidecar.renew();
            }
        }
        let checks = kept.sidecar_ttl();
        if answers {
            answered = Instant::now();
            let done = tell(&kept, &checks, CheckStatus::Passing, "it answers").await;
            is_passing = done.is_ok();
            due = next(begun, &done);
            log.note(&kept, &done);
            if is_passing {
                passing.send_replace(true);
            }
        } else if !runs {
            answered = Instant::now();
            // Known to be dead: nobody has to wait for the check's time to end.
            if is_passing {
                let done = tell(&kept, &checks, CheckStatus::Critical, "it does not run").await;
                is_passing = done.is_err();
                log.note(&kept, &done);
            }
        } else if answered.elapsed() >= HUNG
            && let Some(sidecar) = &sidecar
        {
            tracing::warn!(
                id = kept.id(),
                "the sidecar does not answer: starting it again"
            );
            answered = Instant::now();
            sidecar.renew();
        }
        let changed = async {
            match &mut info {
                // Its end is the end of the process's interest in it.
                Some(info) => info.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep_until(due) => {}
            _ = told.changed() => {}
            alive = changed => if !alive {
                return;
            },
        }
    }
}

/// Why the agent was not told.
struct Untold {
    why: String,
    /// It may be told in a moment.
    is_transient: bool,
}

/// Tells the agent, and registers again if it has forgotten.
async fn tell(
    kept: &Kept,
    checks: &[String],
    status: CheckStatus,
    note: &str,
) -> Result<(), Untold> {
    let seen = *kept.told.borrow();
    for check in checks {
        let update = kept.setting.agent.update_check(check, status, note);
        match timeout(PATIENCE, update).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_unknown() => {
                let again = kept.register_again(seen).await;
                return again.map_err(|error| Untold {
                    why: error.to_string(),
                    is_transient: false,
                });
            }
            Ok(Err(error)) => {
                return Err(Untold {
                    why: error.to_string(),
                    is_transient: error.is_transient(),
                });
            }
            Err(_) => {
                return Err(Untold {
                    why: format!("no answer from the agent within {PATIENCE:?}"),
                    is_transient: true,
                });
            }
        }
    }
    Ok(())
}

/// When the next beat is due after one at `begun`.
fn next(begun: Instant, done: &Result<(), Untold>) -> Instant {
    match done {
        Err(untold) if untold.is_transient => Instant::now() + AGAIN,
        _ => begun + BEAT,
    }
}

/// Says once that something is wrong, and once that it is well again.
#[derive(Default)]
struct Log {
    is_wrong: bool,
}

impl Log {
    fn note(&mut self, kept: &Kept, done: &Result<(), Untold>) {
        let is_wrong = done.is_err();
        match done {
            Ok(()) if self.is_wrong => {
                tracing::info!(id = kept.id(), "the agent is told again that this is alive");
            }
            Err(untold) if !self.is_wrong => {
                tracing::warn!(
                    id = kept.id(),
                    error = untold.why,
                    "the agent cannot be told that this is alive: trying on"
                );
            }
            _ => {}
        }
        self.is_wrong = is_wrong;
    }
}
