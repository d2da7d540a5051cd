//! Services, upstreams and sidecars by hand: `meshrpc::mesh::consul::control`.

mod agents;
mod registrations;
mod services;
mod sidecars;

use std::{fs, net::SocketAddr, sync::Arc};

use meshrpc::{
    Mesh,
    discovery::Address,
    mesh::consul::{Consul, ConsulError, Service, SidecarState, Started},
};
use meshrpc_tests::{process::eventually, real::Agent};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::place::{EVERY, Place, each};

/// What is no server of meshrpc: whatever comes in goes back, after a byte of its own.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Echo {
    pub(crate) async fn start(mark: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut byte = [0];
                    // Whoever only looks whether the port accepts says nothing.
                    while stream.read_exact(&mut byte).await.is_ok() {
                        if stream.write_all(&[mark, byte[0]]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn service(&self, name: &str) -> Service {
        Service::new(name, Address::Tcp(self.address))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The mark of whoever answers there.
pub(crate) async fn answered(at: SocketAddr) -> Option<u8> {
    let exchange = async {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(b"x").await?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer[0])
    };
    exchange.await.ok()
}

/// A mesh on which this process is called `name`, and Consul behind it.
pub(crate) async fn consul(agent: &Agent, options: &str, name: &str) -> (Mesh, Arc<Consul>) {
    let url = agent.url(&format!("{options}&as={name}"));
    let mesh = Mesh::open(&url).await.expect("the mesh can be joined");
    let consul = mesh.consul().cloned().expect("it is one of Consul");
    (mesh, Arc::new(consul))
}

/// Ids and names of everything that this agent has registered, sidecars included.
pub(crate) async fn everything(agent: &Agent) -> Vec<String> {
    let services = agent.json("/v1/agent/services").await;
    let ids = services.as_object().expect("it is a map").keys();
    ids.cloned().collect()
}

/// The commands in the list of processes with `text` in them.
pub(crate) fn shown(text: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc")
        .expect("there are processes")
        .flatten();
    let commands = processes.filter_map(|process| {
        let command = fs::read(process.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&command).replace('\0', " "))
    });
    commands.filter(|command| command.contains(text)).collect()
}

#[test]
fn what_listens_becomes_a_service_and_a_service_becomes_a_port() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let options = format!("proxy={}", place.kind);
        let echo = Echo::start(b'a').await;
        let (_mesh, serving) = consul(&agent, &options, "one").await;
        let started = serving.start(echo.service("echo")).await;
        assert_eq!(started.expect("it starts"), Started::New);
        let info = serving.info("echo").expect("it is known");
        assert_eq!(agent.passing("echo").await.expect("it says"), [&*info.id]);
        assert_eq!(serving.list(), std::slice::from_ref(&info));
        assert_eq!(info.application, Some(echo.address.to_string()));
        let sidecar = info.sidecar.expect("it has one");
        assert_eq!(
            (sidecar.state, sidecar.restarts),
            (SidecarState::Running, 0)
        );

        let again = serving.start(echo.service("echo")).await;
        assert_eq!(again.expect("it is started"), Started::Already);
        let another = serving.start(echo.service("echo").instance("other")).await;
        let refusal = another.expect_err("it is started otherwise");
        assert!(
            matches!(refusal, ConsulError::InvalidState { .. }),
            "{refusal}"
        );

        let (mesh, calling) = consul(&agent, &options, "two").await;
        let connected = calling.connect(["echo"]).await.expect("it connects");
        let [upstream] = &connected[..] else {
            panic!("{connected:?}");
        };
        eventually("it answers", async || {
            answered(upstream.address).await == Some(b'a')
        })
        .await;
        let again = calling.connect(["echo"]).await.expect("it is connected");
        assert_eq!(again, connected);
        assert_eq!(calling.upstreams(), connected);

        // One more while the other goes on.
        let other = Echo::start(b'b').await;
        serving
            .start(other.service("other"))
            .await
            .expect("it starts");
        let both = calling
            .connect(["echo", "other"])
            .await
            .expect("it connects");
        assert_eq!(both[0], connected[0]);
        eventually("the other answers", async || {
            answered(both[1].address).await == Some(b'b')
        })
        .await;
        assert_eq!(answered(upstream.address).await, Some(b'a'));
        assert_eq!(calling.list().len(), 1, "one registration carries both");

        calling.disconnect(["echo", "nobody"]).await;
        assert_eq!(calling.upstreams(), both[1..]);
        assert_eq!(answered(both[1].address).await, Some(b'b'));
        calling.disconnect(["other"]).await;
        assert_eq!((calling.upstreams(), calling.list()), (vec![], vec![]));

        serving.stop("echo").await.expect("it stops");
        let gone = serving.stop("echo").await.expect_err("it is stopped");
        assert!(matches!(gone, ConsulError::NotOwned { .. }), "{gone}");
        assert!(matches!(
            serving.info("echo"),
            Err(ConsulError::NotOwned { .. })
        ));
        let again = serving.start(echo.service("echo")).await;
        assert_eq!(again.expect("it starts again"), Started::New);

        drop((serving, calling, mesh, _mesh));
        eventually("nothing is left", async || {
            everything(&agent).await.is_empty()
        })
        .await;
    });
}
