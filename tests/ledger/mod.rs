//! A service that keeps books on disk, so that what ran can be counted even after `kill -9`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    process,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use meshrpc::{Call, Context, Mesh, mesh_service, server::Counters};
use serde::{Deserialize, Serialize};

/// Keeps books.
#[mesh_service]
pub trait Ledger {
    /// Who this is.
    #[mesh(idempotent)]
    async fn who(&self) -> anyhow::Result<Who>;
    /// Enters `call`, and answers after `pause` milliseconds.
    async fn add(&self, call: u64, pause: u64, ballast: &[u8]) -> anyhow::Result<Who>;
    /// The same, and may be repeated.
    #[mesh(idempotent)]
    async fn lookup(&self, call: u64, pause: u64) -> anyhow::Result<Who>;
    /// Enters `call` at the instance of `account`.
    #[mesh(sticky = account)]
    async fn book(&self, call: u64, account: &str) -> anyhow::Result<Who>;
    /// Never answers; enters when it is begun and when it is dropped.
    #[mesh(deadline = "none")]
    async fn hold(&self, call: u64) -> anyhow::Result<()>;
    /// Blocks its thread until the file `release` is in the folder of the books, but for at most a
    /// minute; before that it awaits something, if `late`.
    #[mesh(deadline = "none")]
    async fn block(&self, call: u64, late: bool) -> anyhow::Result<()>;
    /// Fails.
    async fn fail(&self) -> anyhow::Result<()>;
    /// Panics.
    async fn panic(&self) -> anyhow::Result<()>;
    /// Takes bytes; says how many.
    async fn store(&self, bytes: Vec<u8>) -> anyhow::Result<u64>;
    /// Gives `len` bytes, the lowest eight bits of their places.
    async fn fetch(&self, len: u64) -> anyhow::Result<Vec<u8>>;
    /// Milliseconds until the caller stops waiting.
    async fn time_left(&self) -> anyhow::Result<Option<u64>>;
    /// What is left here, and then at an instance of `deployment` that is given an hour.
    async fn relay_time_left(&self, deployment: &str) -> anyhow::Result<[Option<u64>; 2]>;
    /// Holds `call` at an instance of `deployment`.
    #[mesh(deadline = "none")]
    async fn relay_hold(&self, deployment: &str, call: u64) -> anyhow::Result<()>;
    /// Calls a method that panics at an instance of `deployment`, and passes its error on.
    async fn relay_panic(&self, deployment: &str) -> anyhow::Result<()>;
    /// What the server has counted.
    async fn counts(&self) -> anyhow::Result<Counts>;
    /// Logs `text`.
    async fn mark(&self, text: &str) -> anyhow::Result<()>;
}

/// An instance, and one life of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Who {
    /// Stable name.
    pub name: String,
    /// Process.
    pub pid: u32,
}

/// What a server has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that ended with an error.
    pub broken_connections: u64,
    /// Calls handed to a handler.
    pub calls: u64,
    /// Handlers that panicked.
    pub panics: u64,
}

/// One line of the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who wrote it.
    pub by: Who,
    /// What happened.
    pub what: String,
    /// The call.
    pub call: u64,
}

/// The ledger as it is served.
pub struct Books {
    mesh: Arc<Mesh>,
    who: Who,
    folder: std::path::PathBuf,
    file: Arc<Mutex<File>>,
    /// Known once the server runs.
    pub counters: Arc<OnceLock<Arc<Counters>>>,
}

impl Books {
    /// Books of the instance `name` in `folder`.
    ///
    /// # Errors
    /// If no file can be written there.
    pub fn open(mesh: Arc<Mesh>, name: String, folder: &Path) -> io::Result<Self> {
        let who = Who {
            name,
            pid: process::id(),
        };
        let path = folder.join(format!("{}.{}.book", who.name, who.pid));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            mesh,
            who,
            folder: folder.to_owned(),
            file: Arc::new(Mutex::new(file)),
            counters: Arc::default(),
        })
    }

    fn enter(&self, what: &str, call: u64) -> io::Result<()> {
        enter(&self.file, what, call)
    }
}

/// What all instances have entered in `folder`.
///
/// # Errors
/// If it cannot be read.
pub fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let named = path.file_stem().and_then(|stem| stem.to_str());
        let Some((name, pid)) = named.and_then(|stem| stem.rsplit_once('.')) else {
            continue;
        };
        let (name, pid) = (name.to_owned(), pid.parse().map_err(io::Error::other)?);
        let by = Who { name, pid };
        for line in fs::read_to_string(&path)?.lines() {
            let (what, call) = line
                .split_once(' ')
                .ok_or_else(|| io::Error::other(format!("`{line}` is no entry")))?;
            entries.push(Entry {
                by: by.clone(),
                what: what.to_owned(),
                call: call.parse().map_err(io::Error::other)?,
            });
        }
    }
    Ok(entries)
}

/// One write each, so that entries are whole whenever the process ends.
fn enter(file: &Mutex<File>, what: &str, call: u64) -> io::Result<()> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.write_all(format!("{what} {call}\n").as_bytes())
}

/// Enters the end of a call that is dropped.
struct Begun(Arc<Mutex<File>>, u64);

impl Drop for Begun {
    fn drop(&mut self) {
        // The test that waits for the entry fails without it.
        let _ = enter(&self.0, "dropped", self.1);
    }
}

impl Ledger for Books {
    async fn who(&self) -> anyhow::Result<Who> {
        Ok(self.who.clone())
    }

    async fn add(&self, call: u64, pause: u64, _: &[u8]) -> anyhow::Result<Who> {
        self.enter("add", call)?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(self.who.clone())
    }

    async fn lookup(&self, call: u64, pause: u64) -> anyhow::Result<Who> {
        self.enter("lookup", call)?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(self.who.clone())
    }

    async fn book(&self, call: u64, _: &str) -> anyhow::Result<Who> {
        self.enter("book", call)?;
        Ok(self.who.clone())
    }

    async fn hold(&self, call: u64) -> anyhow::Result<()> {
        self.enter("begun", call)?;
        let _begun = Begun(Arc::clone(&self.file), call);
        std::future::pending().await
    }

    async fn block(&self, call: u64, late: bool) -> anyhow::Result<()> {
        if late {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.enter("blocked", call)?;
        let release = self.folder.join("release");
        for _ in 0..6000 {
            if release.exists() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        anyhow::bail!("nobody released the thread")
    }

    async fn fail(&self) -> anyhow::Result<()> {
        anyhow::bail!("the books do not balance")
    }

    async fn panic(&self) -> anyhow::Result<()> {
        panic!("the books are on fire")
    }

    async fn store(&self, bytes: Vec<u8>) -> anyhow::Result<u64> {
        Ok(bytes.len() as u64)
    }

    async fn fetch(&self, len: u64) -> anyhow::Result<Vec<u8>> {
        self.enter("fetch", len)?;
        Ok((0..len).map(|place| place as u8).collect())
    }

    async fn time_left(&self) -> anyhow::Result<Option<u64>> {
        let left = Context::current().time_left();
        Ok(left.map(|left| left.as_millis() as u64))
    }

    async fn relay_time_left(&self, deployment: &str) -> anyhow::Result<[Option<u64>; 2]> {
        let own = self.time_left().await?;
        let other = LedgerClient::connect(&self.mesh, deployment);
        let hour = Call::new().deadline(Duration::from_secs(3600));
        Ok([own, other.with(hour).time_left().await?])
    }

    async fn relay_hold(&self, deployment: &str, call: u64) -> anyhow::Result<()> {
        LedgerClient::connect(&self.mesh, deployment)
            .hold(call)
            .await
    }

    async fn relay_panic(&self, deployment: &str) -> anyhow::Result<()> {
        LedgerClient::connect(&self.mesh, deployment).panic().await
    }

    async fn counts(&self) -> anyhow::Result<Counts> {
        let counters = self.counters.get();
        let counters = counters.ok_or_else(|| anyhow::anyhow!("the server does not run"))?;
        Ok(Counts {
            connections: counters.connections(),
            broken_connections: counters.broken_connections(),
            calls: counters.calls(),
            panics: counters.panics(),
        })
    }

    async fn mark(&self, text: &str) -> anyhow::Result<()> {
        tracing::info!("{text}");
        Ok(())
    }
}
