//! One thread for all the directories that this process follows and all the entries it holds.
//!
//! The kernel tells of entries that come, change and go, and of processes that end: their file is
//! closed then, which is an event of the directory. Where it cannot tell (another system, or a
//! user's quota of such watches is used up) the thread looks twenty times a second.

use std::{
    collections::HashMap,
    fs, io,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::watch;

use super::{
    super::{announce, host},
    entry::{self, Held, Record},
    lock,
};
use crate::discovery::{Endpoint, Endpoints, Instance, Via};

mod events;

use events::Events;

/// Time between two looks where nothing tells of changes.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// Time between two looks where something does, in case it fails to, and between two looks after
/// the entries of this process.
const CARE: Duration = Duration::from_secs(1);
/// At most one look in this time, however much happens.
const PACE: Duration = Duration::from_millis(5);
/// The event of a file that is closed comes a moment before its lock is gone: look once more.
const SETTLE: Duration = Duration::from_millis(10);

type Sender = Arc<watch::Sender<Arc<Endpoints>>>;

/// What the thread works for. It ends when there is nothing left.
#[derive(Debug, Default)]
struct Work {
    followed: HashMap<PathBuf, Sender>,
    held: Vec<Weak<Mutex<Held>>>,
    /// Wakes the thread; none while there is no thread.
    wake: Option<UnixStream>,
}

static WORK: Mutex<Option<Work>> = Mutex::new(None);

/// Follows the deployment in `directory`. Followers of one directory share one watch.
pub(super) fn follow(directory: &Path) -> io::Result<watch::Receiver<Arc<Endpoints>>> {
    with_thread(|work| {
        work.followed
            .entry(directory.to_owned())
            .or_default()
            .subscribe()
    })
}

/// Looks after an entry until it is dropped.
pub(super) fn keep(held: &Arc<Mutex<Held>>) -> io::Result<()> {
    with_thread(|work| work.held.push(Arc::downgrade(held)))
}

fn with_thread<T>(add: impl FnOnce(&mut Work) -> T) -> io::Result<T> {
    let mut work = work();
    let work = work.get_or_insert_default();
    if work.wake.is_none() {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        thread::Builder::new()
            .name("meshrpc-local".to_owned())
            .spawn(move || Follower::new(woken).run())?;
        work.wake = Some(wake);
    }
    let added = add(work);
    if let Some(mut wake) = work.wake.as_ref() {
        // A full buffer wakes as well.
        let _ = wake.write(&[0]);
    }
    Ok(added)
}

fn work() -> MutexGuard<'static, Option<Work>> {
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread.
struct Follower {
    woken: UnixStream,
    /// None before there is a directory to follow, and where there are none to be had.
    events: Option<Events>,
    directories: HashMap<PathBuf, Followed>,
    care: Instant,
}

struct Followed {
    sender: Sender,
    watched: bool,
    looked: Option<Instant>,
    due: Instant,
    settling: bool,
    failed: bool,
}

impl Follower {
    fn new(woken: UnixStream) -> Self {
        let events = Events::new();
        Self {
            woken,
            events,
            directories: HashMap::new(),
            care: Instant::now() + CARE,
        }
    }

    fn run(mut self) {
        while self.take_work() {
            self.wait();
            let now = Instant::now();
            for (path, followed) in &mut self.directories {
                if followed.due <= now {
                    followed.look(path, self.events.as_mut());
                }
            }
        }
    }

    /// False if nothing is left to do: the next request starts a new thread.
    fn take_work(&mut self) -> bool {
        let now = Instant::now();
        let mut guard = work();
        let Some(work) = guard.as_mut() else {
            return false;
        };
        work.followed
            .retain(|_, sender| sender.receiver_count() > 0);
        work.held.retain(|held| held.strong_count() > 0);
        if work.followed.is_empty() && work.held.is_empty() {
            work.wake = None;
            return false;
        }
        self.directories.retain(|path, _| {
            let followed = work.followed.contains_key(path);
            if !followed && let Some(events) = &mut self.events {
                events.forget(path);
            }
            followed
        });
        for (path, sender) in &work.followed {
            let known = self.directories.get(path);
            if known.is_none_or(|known| !Arc::ptr_eq(&known.sender, sender)) {
                self.directories
                    .insert(path.clone(), Followed::new(sender.clone(), now));
            }
        }
        let held = if self.care <= now {
            work.held.clone()
        } else {
            Vec::new()
        };
        drop(guard);
        if self.care <= now {
            self.care = now + CARE;
            for held in held.iter().filter_map(Weak::upgrade) {
                restore(&held);
            }
        }
        true
    }

    /// Waits for the next thing to do, and marks what events are about.
    fn wait(&mut self) {
        let now = Instant::now();
        let next = self.directories.values().map(|followed| followed.due);
        let next = next.chain([self.care]).min().unwrap_or(self.care);
        let timeout = next.saturating_duration_since(now);
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(1),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut waits = vec![PollFd::new(&self.woken, PollFlags::IN)];
        if let Some(events) = &self.events {
            waits.push(events.poll_fd());
        }
        if poll(&mut waits, Some(&timeout)).is_err() {
            // Interrupted, or out of memory: neither may become a busy loop.
            thread::sleep(PACE);
        }
        drop(waits);
        let _ = self.woken.read(&mut [0; 64]);
        let now = Instant::now();
        let Some(events) = &mut self.events else {
            return;
        };
        events.read(|path| match path {
            Some(path) => {
                if let Some(followed) = self.directories.get_mut(path) {
                    followed.touched(now);
                }
            }
            None => self
                .directories
                .values_mut()
                .for_each(|followed| followed.touched(now)),
        });
    }
}

impl Followed {
    fn new(sender: Sender, now: Instant) -> Self {
        Self {
            sender,
            watched: false,
            looked: None,
            due: now,
            settling: false,
            failed: false,
        }
    }

    fn touched(&mut self, now: Instant) {
        let soonest = self.looked.map_or(now, |looked| looked + PACE);
        self.due = self.due.min(soonest.max(now));
        self.settling = true;
    }

    fn look(&mut self, path: &Path, events: Option<&mut Events>) {
        // Watched first and read then, so that nothing falls between.
        let watched = watch_directory(path, events);
        self.watched = watched.as_ref().is_ok_and(|watched| *watched);
        let scan = watched.and_then(|_| entry::scan(path));
        match scan {
            Ok(scan) => {
                self.failed = false;
                if scan.dead
                    && let Err(error) = entry::sweep(path)
                {
                    tracing::debug!(directory = %path.display(), %error, "dead entries stay");
                }
                let ready = scan.alive.into_iter().filter_map(endpoint).collect();
                announce(&self.sender, Endpoints::live(ready));
            }
            Err(error) => {
                if !self.failed {
                    tracing::warn!(directory = %path.display(), %error, "registry not readable");
                }
                self.failed = true;
                let ready = self.sender.borrow().ready.clone();
                announce(&self.sender, Endpoints::last_known(ready, None));
            }
        }
        let now = Instant::now();
        self.looked = Some(now);
        let pause = match (self.watched, self.settling) {
            (true, true) => SETTLE,
            (true, false) => CARE,
            (false, _) => POLL,
        };
        self.settling = false;
        self.due = now + pause;
    }
}

/// Creates the directory if need be; whether events will tell of changes in it.
fn watch_directory(path: &Path, events: Option<&mut Events>) -> io::Result<bool> {
    if !fs::exists(path)? {
        if let Some(namespace) = path.parent()
            && !fs::exists(namespace)?
        {
            host::create_private(namespace)?;
        }
        host::create_private(path)?;
    }
    Ok(events.is_some_and(|events| events.watch(path)))
}

fn endpoint((name, record): (String, Record)) -> Option<Endpoint> {
    if !record.is_ready() {
        return None;
    }
    Some(Endpoint {
        dial: record.address?,
        instance: Some(Instance {
            name: name.into(),
            epoch: record.epoch,
        }),
        via: Via::Direct,
        weight: 1,
        zone: None,
    })
}

fn restore(held: &Mutex<Held>) {
    let mut held = lock(held);
    match held.restore() {
        Ok(false) => {}
        Ok(true) => tracing::warn!(
            instance = held.name(),
            "announced again: its entry was gone"
        ),
        Err(error) if held.complain() => {
            tracing::warn!(instance = held.name(), %error, "its entry is gone and cannot come back");
        }
        Err(_) => {}
    }
}
