//! Follows directories on one thread.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::watch;

use super::entry::{LocalInstance, Locks, State, list};
use crate::discovery::{Endpoint, Endpoints, Instance, Via};

/// How often a directory is looked at.
pub(super) const POLL: Duration = Duration::from_millis(40);

/// The directories that somebody watches.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    state: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    folders: HashMap<PathBuf, watch::Sender<Arc<Endpoints>>>,
    running: bool,
}

impl Watchers {
    /// Follows `folder`. The first value is what is there now.
    pub(super) fn watch(self: &Arc<Self>, folder: PathBuf) -> watch::Receiver<Arc<Endpoints>> {
        let mut state = self.lock();
        if let Some(sender) = state.folders.get(&folder)
            && sender.receiver_count() > 0
        {
            return sender.subscribe();
        }
        let first = look(&folder, &mut Locks::default()).unwrap_or_default();
        let sender = watch::Sender::new(Arc::new(first));
        let receiver = sender.subscribe();
        state.folders.insert(folder, sender);
        if !state.running {
            state.running = true;
            let watchers = Arc::clone(self);
            let thread = thread::Builder::new().name("meshrpc-local".to_owned());
            if let Err(error) = thread.spawn(move || watchers.run()) {
                state.running = false;
                tracing::error!(%error, "the local registry is not followed");
            }
        }
        receiver
    }

    /// Looks again and again while anything is watched; then ends.
    fn run(&self) {
        let mut locks: HashMap<PathBuf, Locks> = HashMap::new();
        loop {
            let mut state = self.lock();
            state.folders.retain(|_, sender| sender.receiver_count() > 0);
            if state.folders.is_empty() {
                state.running = false;
                return;
            }
            let folders: Vec<_> = state.folders.keys().cloned().collect();
            drop(state);

            locks.retain(|folder, _| folders.contains(folder));
            for folder in folders {
                let now = look(&folder, locks.entry(folder.clone()).or_default());
                if let Some(sender) = self.lock().folders.get(&folder) {
                    publish(sender, now);
                }
            }
            thread::sleep(POLL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells watchers if anything changed. A directory that cannot be read leaves the last list.
fn publish(sender: &watch::Sender<Arc<Endpoints>>, now: Option<Endpoints>) {
    sender.send_if_modified(|known| {
        let now = now.unwrap_or_else(|| Endpoints { live: false, ..Endpoints::clone(known) });
        let changed = **known != now;
        if changed {
            *known = Arc::new(now);
        }
        changed
    });
}

fn look(folder: &Path, locks: &mut Locks) -> Option<Endpoints> {
    match list(folder, locks) {
        Ok(instances) => {
            let ready = instances.into_iter().filter(|instance| instance.state == State::Ready);
            Some(Endpoints { ready: ready.map(endpoint).collect(), live: true })
        }
        Err(error) => {
            tracing::debug!(folder = %folder.display(), %error, "the local registry cannot be read");
            None
        }
    }
}

fn endpoint(instance: LocalInstance) -> Endpoint {
    Endpoint {
        dial: instance.address,
        instance: Some(Instance { name: instance.name.into(), epoch: instance.epoch }),
        via: Via::Direct,
        weight: 1,
        zone: None,
    }
}
