//! Work that goes on after its call has ended, and that a server waits for when it stops.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio::sync::watch;

const RUNNING: u8 = 0;
const DONE: u8 = 1;
const LEFT: u8 = 2;

/// How much of such work there is. Clones are the same count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished(Arc<watch::Sender<usize>>);

/// Held by whoever waits for work. Dropped before the work is done, it leaves the work behind, to be
/// counted until it is done.
#[derive(Debug)]
pub(crate) struct Waiting(Shared);

/// Held by the work. Dropped when it is done.
#[derive(Debug)]
pub(crate) struct Working(Shared);

#[derive(Clone, Debug)]
struct Shared {
    state: Arc<AtomicU8>,
    unfinished: Unfinished,
}

impl Unfinished {
    /// Work that begins, and who waits for it.
    pub(crate) fn begin(self) -> (Waiting, Working) {
        let shared = Shared {
            state: Arc::new(AtomicU8::new(RUNNING)),
            unfinished: self,
        };
        (Waiting(shared.clone()), Working(shared))
    }

    /// What nobody waits for and is not done.
    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Resolves when there is nothing left.
    pub(crate) async fn finished(&self) {
        let mut count = self.0.subscribe();
        // The sender is here, so waiting cannot fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    fn add(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    fn subtract(&self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Shared { state, unfinished } = &self.0;
        if state.load(Ordering::Acquire) == DONE {
            return;
        }
        // Counted first, so that work which is done just now finds itself counted.
        unfinished.add();
        let left = state.compare_exchange(RUNNING, LEFT, Ordering::AcqRel, Ordering::Acquire);
        if left.is_err() {
            unfinished.subtract();
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let Shared { state, unfinished } = &self.0;
        if state.swap(DONE, Ordering::AcqRel) == LEFT {
            unfinished.subtract();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_that_nobody_waits_for_is_counted() {
        let unfinished = Unfinished::default();
        let (waiting, working) = unfinished.clone().begin();
        assert_eq!(unfinished.count(), 0, "somebody waits");
        drop(waiting);
        assert_eq!(unfinished.count(), 1, "nobody does");
        drop(working);
        assert_eq!(unfinished.count(), 0, "it is done");
    }

    #[test]
    fn work_that_was_waited_for_is_never_counted() {
        let unfinished = Unfinished::default();
        let (waiting, working) = unfinished.clone().begin();
        drop(working);
        drop(waiting);
        assert_eq!(unfinished.count(), 0);
    }
}
