//! A service without futures, as programs had them before there were any.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use meshrpc::{Call, Context, Mesh, mesh_service};

/// Measures.
#[mesh_service]
pub trait Gauge {
    /// Both, in order.
    fn join(&self, number: u64, text: &str) -> anyhow::Result<String>;
    /// Answers when `all` calls of it are there at one time.
    fn meet(&self, all: usize) -> anyhow::Result<()>;
    /// Makes the file `held`, and answers when there is a file `release` beside it, but after a
    /// minute at most; makes the file `done` then.
    #[mesh(deadline = "none")]
    fn hold(&self) -> anyhow::Result<()>;
    /// Panics.
    fn panic(&self) -> anyhow::Result<()>;
    /// Milliseconds until the caller stops waiting, and the trace context.
    fn context(&self) -> anyhow::Result<(Option<u64>, Option<String>)>;
    /// The same at an instance of `deployment`, which is given an hour.
    fn relay_context(&self, deployment: &str) -> anyhow::Result<(Option<u64>, Option<String>)>;
}

/// The gauge as it is served.
pub struct Dial {
    mesh: Arc<Mesh>,
    folder: PathBuf,
    met: Mutex<usize>,
    meeting: Condvar,
}

impl Dial {
    /// A gauge with its files in `folder`.
    pub fn new(mesh: Arc<Mesh>, folder: PathBuf) -> Self {
        Self {
            mesh,
            folder,
            met: Mutex::default(),
            meeting: Condvar::new(),
        }
    }
}

impl Gauge for Dial {
    fn join(&self, number: u64, text: &str) -> anyhow::Result<String> {
        Ok(format!("{number} {text}"))
    }

    fn meet(&self, all: usize) -> anyhow::Result<()> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        *met += 1;
        self.meeting.notify_all();
        let met = self.meeting.wait_while(met, |met| *met < all);
        drop(met.unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    fn hold(&self) -> anyhow::Result<()> {
        fs::write(self.folder.join("held"), "")?;
        let end = Instant::now() + Duration::from_secs(60);
        while !self.folder.join("release").exists() && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        fs::write(self.folder.join("done"), "")?;
        Ok(())
    }

    fn panic(&self) -> anyhow::Result<()> {
        panic!("as it was told to")
    }

    fn context(&self) -> anyhow::Result<(Option<u64>, Option<String>)> {
        let context = Context::current();
        let left = context.time_left().map(|left| left.as_millis() as u64);
        Ok((left, context.trace().map(str::to_owned)))
    }

    fn relay_context(&self, deployment: &str) -> anyhow::Result<(Option<u64>, Option<String>)> {
        let hour = Call::new().deadline(Duration::from_secs(3600));
        GaugeClient::connect(&self.mesh, deployment)
            .with(hour)
            .context()
    }
}
