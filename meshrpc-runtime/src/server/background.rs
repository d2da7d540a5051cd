//! Work that goes on without its caller.

use tokio::sync::watch;

/// Counts work that goes on without its caller, and ends it when the server does.
#[derive(Debug)]
pub(crate) struct Background {
    running: watch::Sender<usize>,
    cut: watch::Sender<bool>,
}

impl Background {
    /// Runs `work` to its end, or to the server's. It counts from now on.
    pub(super) fn run<F: Future>(&self, work: F) -> impl Future<Output = ()> + use<F> {
        let counted = Counted::new(&self.running);
        let mut cut = self.cut.subscribe();
        async move {
            let _counted = counted;
            tokio::select! {
                _ = work => {}
                // An error: the server is gone without a word.
                _ = cut.wait_for(|cut| *cut) => {}
            }
        }
    }

    /// Waits until none is left.
    pub(super) async fn idle(&self) {
        // The sender is kept here, so waiting cannot fail.
        let _ = self.running.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Ends what is left; returns how much that was.
    pub(super) fn cut(&self) -> usize {
        let left = *self.running.borrow();
        self.cut.send_replace(true);
        left
    }
}

impl Default for Background {
    fn default() -> Self {
        Self {
            running: watch::Sender::new(0),
            cut: watch::Sender::new(false),
        }
    }
}

/// One that runs.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(running: &watch::Sender<usize>) -> Self {
        running.send_modify(|count| *count += 1);
        Self(running.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
