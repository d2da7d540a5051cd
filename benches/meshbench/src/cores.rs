//! Where processes run, while one of them waits for the other.
//!
//! With one call at a time, what is measured is mostly how a core wakes another one: half of it
//! where both processes happen to share a core, and twice as much where a core has gone to sleep.
//! So client and server have a core each, and something of the lowest class keeps these awake.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::{
    process::getppid,
    thread::{CpuSet, sched_setaffinity},
};

/// Whether there are two cores to choose from.
pub fn two() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// From now on this process runs on one core, with the threads and processes that it starts.
pub fn stay_on(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("core {core} cannot be had"))
}

/// Keeps the first two cores awake, until it is dropped.
pub struct Awake(Vec<Child>);

impl Awake {
    /// Begins.
    pub fn keep() -> Result<Self> {
        let mut awake = Self(Vec::new());
        for core in ["0", "1"] {
            let child = Command::new("chrt")
                .args(["--idle", "0"])
                .arg(std::env::current_exe()?)
                .args(["--core", core, "idle"])
                .stdin(Stdio::null())
                .spawn()
                .context("`chrt` of util-linux gives processes the lowest class")?;
            awake.0.push(child);
        }
        Ok(awake)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What [`Awake`] starts: does nothing, without pause, while whoever started it is there.
pub fn idle() {
    let parent = getppid();
    while getppid() == parent {
        let until = Instant::now() + Duration::from_millis(10);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
    }
}
