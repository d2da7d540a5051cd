//! A thread that sees when a handler keeps a worker.
//!
//! A runtime does not know that a task of it blocks its thread: what stands behind it waits, and if
//! the other workers sleep, nobody looks at sockets and timers either. To wake one of them for each
//! read, just in case, costs more than a small call. So this looks, now and then, whether something
//! that was begun is still not done, and then has another worker go on. While nothing is begun it
//! sleeps.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use tokio::runtime::Handle;

/// Time to the next look when something was there.
const PERIOD: Duration = Duration::from_micros(250);
/// The same when all that was begun had ended. Each look takes a core from whoever has it, and may
/// do so in the middle of a call.
const CALM: Duration = Duration::from_millis(1);
/// What was there at so many looks before is late.
const LATE: u8 = 2;
/// Looks between which nothing begins until it sleeps.
const PATIENCE: u32 = 10;

/// Something that has to end soon, or else somebody has to take over.
pub(super) trait Watched: Send + Sync + 'static {
    /// Goes on with it on another thread of the runtime. Runs in a task.
    fn take_over(self: Arc<Self>);
}

/// Watches what is begun on one runtime. Its drop ends the thread.
#[derive(Debug)]
pub(crate) struct Watch<W> {
    shared: Arc<Shared<W>>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared<W> {
    begun: Mutex<Begun<W>>,
    sleeps: AtomicBool,
    ended: AtomicBool,
}

#[derive(Debug)]
struct Begun<W> {
    /// With its ticket, and the looks that it has seen.
    things: Vec<(u64, u8, Arc<W>)>,
    next: u64,
}

impl<W: Watched> Watch<W> {
    /// Watches what is begun on `runtime`.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(super) fn new(runtime: Handle) -> io::Result<Self> {
        let begun = Begun {
            things: Vec::new(),
            next: 0,
        };
        let shared = Arc::new(Shared {
            begun: Mutex::new(begun),
            sleeps: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let watched = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("meshrpc-watch".to_owned())
            .spawn(move || run(&watched, &runtime))?;
        Ok(Self {
            shared,
            thread: thread.thread().clone(),
        })
    }

    /// Something begins; the ticket is for its [`end`](Self::end).
    pub(super) fn begin(&self, thing: Arc<W>) -> u64 {
        let mut begun = self.shared.lock();
        let ticket = begun.next;
        begun.next += 1;
        begun.things.push((ticket, 0, thing));
        drop(begun);
        // Under the lock it went to sleep, or it will see this.
        if self.shared.sleeps.load(Ordering::Relaxed) {
            self.shared.sleeps.store(false, Ordering::Relaxed);
            self.thread.unpark();
        }
        ticket
    }

    pub(super) fn end(&self, ticket: u64) {
        let mut begun = self.shared.lock();
        let found = begun.things.iter().position(|(known, ..)| *known == ticket);
        let thing = found.map(|place| begun.things.swap_remove(place));
        drop(begun);
        drop(thing);
    }
}

impl<W> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, Begun<W>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Drop for Watch<W> {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Looks until there is nobody to look for.
fn run<W: Watched>(shared: &Shared<W>, runtime: &Handle) {
    let (mut nothing, mut seen) = (0, 0);
    while !shared.ended.load(Ordering::Acquire) {
        let mut begun = shared.lock();
        let calm = begun.things.is_empty();
        // To be woken costs whoever begins something more than a look: so it sleeps only where
        // nothing begins, not where all ends in time.
        nothing = if calm && begun.next == seen {
            nothing + 1
        } else {
            0
        };
        seen = begun.next;
        let mut late = Vec::new();
        begun.things.retain_mut(|(_, looks, thing)| {
            *looks += 1;
            let is_late = *looks > LATE;
            if is_late {
                late.push(Arc::clone(thing));
            }
            !is_late
        });
        let sleeps = nothing > PATIENCE;
        if sleeps {
            shared.sleeps.store(true, Ordering::Relaxed);
        }
        drop(begun);
        for thing in late {
            runtime.spawn(async move { thing.take_over() });
        }
        if sleeps {
            thread::park();
            nothing = 0;
        } else {
            thread::sleep(if calm { CALM } else { PERIOD });
        }
    }
}
