//! What this process has registered in one mesh.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::Kept;
use crate::mesh::consul::sidecar::Sidecar;

/// What this process has registered in one mesh, by id.
#[derive(Debug, Default)]
pub(crate) struct Registered(Mutex<BTreeMap<String, Entry>>);

/// A registration and its sidecar, unless somebody else runs that.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) kept: Arc<Kept>,
    /// Whoever owns the registration ends it.
    sidecar: Option<Weak<Sidecar>>,
}

impl Registered {
    pub(super) fn insert(&self, kept: &Arc<Kept>, sidecar: Option<&Arc<Sidecar>>) {
        let entry = Entry {
            kept: Arc::clone(kept),
            sidecar: sidecar.map(Arc::downgrade),
        };
        self.lock().insert(kept.id().to_owned(), entry);
    }

    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Entry> {
        self.lock().values().cloned().collect()
    }

    /// Those of `service`, which may be an id as well.
    pub(crate) fn of(&self, service: &str) -> Vec<Entry> {
        let mut all = self.all();
        all.retain(|entry| [&entry.kept.draft.service, entry.kept.id()].contains(&service));
        all
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    pub(crate) fn sidecar(&self) -> Option<Arc<Sidecar>> {
        self.sidecar.as_ref()?.upgrade()
    }
}
