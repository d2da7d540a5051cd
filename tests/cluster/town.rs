//! Instances and clients of one deployment, and what goes wrong with the instances.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use meshrpc::{
    Error, HandlerExt as _, Mesh, Server, Serving,
    mesh::{Environment, local::Registry},
};
use tokio::time::{Instant, sleep};

use crate::{
    DEPLOYMENT, Till, TillClient, TillHandler,
    directory::{Directory, Seat},
    sick::Sickness,
    wires::{Phone, Reach, Wires},
};

/// How long after a trouble a client may still be at a loss: the longest wait between dials and the
/// time of one, twice.
const AFTERMATH: Duration = Duration::from_secs(40);

/// How long an instance may be left out because it failed.
const LEFT_OUT: Duration = Duration::from_secs(120);

/// The deployment.
pub(crate) struct Town {
    pub(crate) directory: Directory,
    pub(crate) wires: Arc<Wires>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) clients: Vec<TillClient>,
    /// The clients live as long as these.
    _meshes: Vec<Mesh>,
}

/// Where an instance lives.
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) drawer: Drawer,
    mesh: Mesh,
    serving: Mutex<Option<Serving>>,
    /// Until when what clients do about it is excused.
    excused: Mutex<Option<Instant>>,
}

/// An implementation that counts how often each call ran.
#[derive(Clone, Debug)]
pub(crate) struct Drawer {
    name: String,
    ran: Arc<Mutex<BTreeMap<u64, u64>>>,
    /// Milliseconds that an answer takes.
    pub(crate) slow: Arc<AtomicU64>,
    /// It says that it is unavailable.
    pub(crate) sick: Arc<AtomicBool>,
}

impl Town {
    /// So many instances, not yet started, and clients, with a registry in a folder of their own.
    pub(crate) fn new(hosts: usize, clients: usize, folder: &std::path::Path) -> Self {
        let environment = Environment::from_vars([
            ("MESHRPC_RUNTIME_DIR", folder.as_os_str()),
            ("MESHRPC_NAMESPACE", "cluster".as_ref()),
        ]);
        let environment = environment.expect("a good environment");
        let registry = Registry::open(&environment).expect("a folder of its own");
        let wires = Arc::new(Wires::new());
        let directory = Directory::new(registry, Arc::clone(&wires));
        let mesh = |name: String, client| {
            let (directory, wires) = (directory.clone(), Arc::clone(&wires));
            let seat = Seat {
                directory: directory.clone(),
                name,
            };
            Mesh::from_parts(
                Arc::new(seat),
                Arc::new(directory),
                Arc::new(Phone { client, wires }),
            )
        };
        let host = |number| {
            let name = format!("{DEPLOYMENT}-{number}");
            Host {
                drawer: Drawer::named(&name),
                mesh: mesh(name.clone(), usize::MAX),
                name,
                serving: Mutex::default(),
                excused: Mutex::default(),
            }
        };
        let hosts = (0..hosts).map(host).collect();
        let meshes: Vec<Mesh> = (0..clients)
            .map(|client| mesh(format!("client-{client}"), client))
            .collect();
        let connect = |mesh| TillClient::connect(mesh, DEPLOYMENT);
        Self {
            clients: meshes.iter().map(connect).collect(),
            directory,
            wires,
            hosts,
            _meshes: meshes,
        }
    }

    /// Starts an instance that does not run.
    pub(crate) async fn start(&self, host: usize) {
        let host = &self.hosts[host];
        let handler = TillHandler::new(host.drawer.clone());
        let sickness = Sickness(Arc::clone(&host.drawer.sick));
        let server = Server::builder().service(handler.layer(sickness)).build();
        let serving = host.mesh.serve(DEPLOYMENT, server).await;
        *host.serving() = Some(serving.expect("a free name"));
        host.aftermath();
    }

    /// Stops it in good order.
    pub(crate) async fn stop(&self, host: usize) {
        let host = &self.hosts[host];
        let serving = host.serving().take().expect("it runs");
        host.aftermath();
        self.wires.set_draining(&host.name, true);
        let drained = serving.drain(Duration::from_secs(60)).await;
        drained.expect("the registry can be told");
        self.wires.set_draining(&host.name, false);
        host.aftermath();
    }

    /// Ends it as `kill -9` does. Nothing listens there from now on; if its machine is `gone`, nobody
    /// is told either.
    pub(crate) async fn kill(&self, host: usize, gone: bool) {
        let host = &self.hosts[host];
        host.aftermath();
        let reach = if gone { Reach::Gone } else { Reach::Refused };
        self.wires.set_reach(&host.name, reach);
        drop(host.serving().take().expect("it runs"));
        self.directory.settle(&host.name, None).await;
    }

    /// Starts it anew.
    pub(crate) async fn restart(&self, host: usize) {
        self.wires.set_reach(&self.hosts[host].name, Reach::Whole);
        if self.hosts[host].drawer.sick.load(Ordering::Relaxed) {
            self.cure(host);
        }
        self.start(host).await;
        self.directory.be_true(&self.hosts[host].name);
    }

    /// How often a call ran at all of them.
    pub(crate) fn ran(&self, call: u64) -> u64 {
        self.hosts.iter().map(|host| host.drawer.ran(call)).sum()
    }

    /// It does not run for a while.
    pub(crate) async fn stall(&self, host: usize, time: Duration) {
        let host = &self.hosts[host];
        host.excuse(time + AFTERMATH);
        self.wires.set_reach(&host.name, Reach::Stalled);
        sleep(time).await;
        self.wires.set_reach(&host.name, Reach::Whole);
        host.aftermath();
    }

    /// It says that it is unavailable.
    pub(crate) fn fall_sick(&self, host: usize) {
        self.hosts[host].excuse(Duration::from_secs(3600));
        self.hosts[host].drawer.sick.store(true, Ordering::Relaxed);
    }

    /// It is well again.
    pub(crate) fn cure(&self, host: usize) {
        self.hosts[host].drawer.sick.store(false, Ordering::Relaxed);
        *self.hosts[host].excused() = Some(Instant::now() + LEFT_OUT);
    }
}

impl Host {
    /// Excuses what clients do about it for so long.
    pub(crate) fn excuse(&self, time: Duration) {
        let mut excused = self.excused();
        let until = Instant::now() + time;
        *excused = Some(excused.map_or(until, |known| known.max(until)));
    }

    /// Excuses what clients do while they find out that it is mended.
    pub(crate) fn aftermath(&self) {
        self.excuse(AFTERMATH);
    }

    /// Nothing is wrong with it.
    pub(crate) fn is_well(&self) {
        *self.excused() = None;
    }

    /// Whether something was wrong with it at this time or shortly before.
    pub(crate) fn is_excused(&self, at: Instant) -> bool {
        self.excused().is_some_and(|until| until >= at)
    }

    fn excused(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.excused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serving(&self) -> std::sync::MutexGuard<'_, Option<Serving>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawer {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ran: Arc::default(),
            slow: Arc::default(),
            sick: Arc::default(),
        }
    }

    /// How often a call ran here.
    pub(crate) fn ran(&self, call: u64) -> u64 {
        let ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        ran.get(&call).copied().unwrap_or(0)
    }

    async fn run(&self, call: u64) -> Result<String, Error> {
        {
            let mut ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
            *ran.entry(call).or_default() += 1;
        }
        sleep(Duration::from_millis(self.slow.load(Ordering::Relaxed))).await;
        Ok(format!("{}:{call}", self.name))
    }
}

impl Till for Drawer {
    async fn charge(&self, call: u64) -> Result<String, Error> {
        self.run(call).await
    }

    async fn look(&self, call: u64) -> Result<String, Error> {
        self.run(call).await
    }
}
