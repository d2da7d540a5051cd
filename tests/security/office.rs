//! A service that says who asks, at an address of the test's choice.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use meshrpc::{
    Context, Error, Mesh, Server, Serving,
    client::Dialer,
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Health, Instance,
        Registrar, Resolver, Via,
    },
    mesh_service,
    wire::Identity,
};
use tokio::sync::watch;

/// How long anything may take.
pub(crate) const CAP: Duration = Duration::from_secs(30);

#[mesh_service]
pub(crate) trait Doorman {
    /// What is known of the caller.
    #[mesh(idempotent)]
    async fn who(&self) -> Result<String, Error>;
}

pub(crate) struct Door;

impl Doorman for Door {
    async fn who(&self) -> Result<String, Error> {
        let context = Context::current();
        let peer = context.peer().expect("a call has a caller");
        Ok(match &peer.identity {
            Identity::Tls(certificate) => format!("tls {}", certificate.names.join(" ")),
            Identity::Uid(uid) => format!("uid {uid}"),
            Identity::Key => "key".to_owned(),
            Identity::Unverified => "unverified".to_owned(),
            other => format!("{other:?}"),
        })
    }
}

/// A registry of one deployment, in this test.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    bind: Address,
    behind_proxy: bool,
    endpoints: watch::Sender<Arc<Endpoints>>,
    last: Arc<Mutex<Option<Address>>>,
}

struct Notice(Office, Instance);

impl Office {
    /// Its servers listen on a loopback port.
    pub(crate) fn on_tcp() -> Self {
        Self::at(Address::Tcp(([127, 0, 0, 1], 0).into()))
    }

    pub(crate) fn at(bind: Address) -> Self {
        Self {
            bind,
            behind_proxy: false,
            endpoints: watch::Sender::default(),
            last: Arc::default(),
        }
    }

    /// Its servers are behind proxies, it says.
    pub(crate) fn behind_proxy(self) -> Self {
        Self {
            behind_proxy: true,
            ..self
        }
    }

    /// A mesh on which its servers are found.
    pub(crate) fn mesh(&self) -> Mesh {
        let office = Arc::new(self.clone());
        Mesh::from_parts(office.clone(), office, Arc::new(Dialer))
    }

    /// Where the last server listens.
    pub(crate) fn address(&self) -> Address {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().expect("a server listens")
    }
}

/// Serves on `mesh`.
pub(crate) async fn open(mesh: &Mesh, server: impl FnOnce(ServerOf) -> ServerOf) -> Serving {
    try_open(mesh, server).await.expect("it is served")
}

pub(crate) async fn try_open(
    mesh: &Mesh,
    server: impl FnOnce(ServerOf) -> ServerOf,
) -> Result<Serving, Error> {
    let builder = Server::builder().service(DoormanHandler::new(Door));
    mesh.serve("doorman", server(builder).build()).await
}

pub(crate) type ServerOf = meshrpc::server::ServerBuilder;

/// What the server knows of a caller on `mesh`.
pub(crate) async fn ask(mesh: &Mesh) -> Result<String, Error> {
    let client = DoormanClient::connect(mesh, "doorman");
    let answer = tokio::time::timeout(CAP, client.who()).await;
    answer.expect("an answer in time")
}

/// Why a caller on `mesh` reaches nobody, however often it tries.
pub(crate) async fn trouble(mesh: &Mesh) -> String {
    let client = DoormanClient::connect(mesh, "doorman");
    let call = meshrpc::Call::new().deadline(Duration::from_millis(200));
    let error = client.with(call).who().await.expect_err("nobody is there");
    error.to_string()
}

impl Registrar for Office {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        let instance = Instance {
            name: "doorman-1".into(),
            epoch: advertisement.epoch,
        };
        let notice = Notice(self.clone(), instance);
        Box::pin(async move { Ok(Box::new(notice) as Box<dyn Advert>) })
    }
}

impl Resolver for Office {
    fn watch(&self, _: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        Ok(self.endpoints.subscribe())
    }
}

impl Advert for Notice {
    fn bind(&self) -> Address {
        self.0.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.1
    }

    fn behind_proxy(&self) -> bool {
        self.0.behind_proxy
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(address);
        Box::pin(async { Ok(()) })
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        let endpoint = || Endpoint {
            dial: self.0.address(),
            instance: Some(self.1.clone()),
            via: Via::Direct,
            weight: 1,
            zone: None,
        };
        let ready = match health {
            Health::Ready => vec![endpoint()],
            _ => Vec::new(),
        };
        let endpoints = Endpoints {
            ready,
            live: true,
            ..Endpoints::default()
        };
        self.0.endpoints.send_replace(Arc::new(endpoints));
        Box::pin(async { Ok(()) })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}
