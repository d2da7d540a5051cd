//! Parking a thread until a future is done.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{block_in_place, unconstrained, yield_now},
};

/// Runs `future` on this thread. Its timers, and the tasks it spawns, are `runtime`'s.
pub(super) fn wait<F: Future>(runtime: &Handle, future: F) -> F::Output {
    yield_worker(|| {
        let _entered = runtime.enter();
        // Inside of a task there is a budget, and nobody here to renew it once it is spent.
        let mut future = pin!(unconstrained(future));
        // One for each wait: a future may call what waits again.
        let parked = Arc::new(Parked {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&parked));
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            while !parked.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    })
}

/// A thread that waits.
struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Runs `f`, which blocks; a worker of a multi-threaded runtime lets another thread take its place
/// meanwhile.
fn yield_worker<T>(f: impl FnOnce() -> T) -> T {
    let multi_threaded = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if multi_threaded && is_worker() {
        block_in_place(f)
    } else {
        f()
    }
}

/// Whether this thread runs the tasks of a runtime right now.
///
/// `block_in_place` panics on a thread that only waits for a `LocalSet` of such a runtime, and
/// nothing tells the two apart by name. Yielding does: a worker puts the waker off until it has
/// looked at its other tasks; anybody else wakes it at once.
fn is_worker() -> bool {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let yielded = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
    yielded.is_pending() && !woken.0.load(Ordering::Relaxed)
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{runtime::Runtime, task::LocalSet};

    use super::*;

    #[test]
    fn only_a_worker_that_runs_tasks_is_one() {
        assert!(!is_worker(), "no runtime");
        let runtime = Runtime::new().unwrap();
        assert!(!runtime.block_on(async { is_worker() }), "block_on");
        let spawned = async { (is_worker(), block_in_place(is_worker)) };
        let spawned = runtime.block_on(async { runtime.spawn(spawned).await.unwrap() });
        assert_eq!(
            spawned,
            (true, false),
            "a task, and one that has yielded already"
        );
        let blocking = async { tokio::task::spawn_blocking(is_worker).await.unwrap() };
        assert!(!runtime.block_on(blocking), "a thread for blocking work");
        let local = LocalSet::new();
        let local = local.run_until(async {
            let spawned = tokio::task::spawn_local(async { is_worker() });
            (is_worker(), spawned.await.unwrap())
        });
        assert_eq!(runtime.block_on(local), (false, false), "a local set");
    }

    #[test]
    fn a_task_waits_longer_than_its_budget() {
        let runtime = Runtime::new().unwrap();
        let many = async {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            for number in 0..1000 {
                sender.send(number).unwrap();
            }
            drop(sender);
            let mut count = 0;
            while receiver.recv().await.is_some() {
                count += 1;
            }
            count
        };
        let local = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        assert_eq!(local.block_on(async { wait(&handle, many) }), 1000);
    }
}
