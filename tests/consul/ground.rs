//! What the other tests stand on.

use meshrpc_tests::{
    process::eventually,
    real::{Agent, free},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::place::{EVERY, Place, RELEASES, each};

#[test]
fn an_agent_finds_its_own_after_a_restart() {
    each(RELEASES, async |place: Place| {
        let mut agent = place.agent().kept().start().await;
        let service = json!({"ID": "echo-1", "Name": "echo", "Port": 7});
        agent.put("/v1/agent/service/register", &service).await;
        agent.kill();
        agent.start_again();
        agent.is_ready().await;
        eventually("it tells the catalog", async || {
            let registered = agent.registered("echo").await;
            registered.is_ok_and(|ids| ids == ["echo-1"])
        })
        .await;
    });
}

#[test]
fn a_secured_agent_asks_for_a_token() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let service = json!({"ID": "echo-1", "Name": "echo", "Port": 7});
        let path = "/v1/agent/service/register";
        let refused = agent.ask(http::Method::PUT, path, None, Some(&service));
        assert_eq!(refused.await.expect("it answers").status, 403);
        agent.put(path, &service).await;
    });
}

#[test]
fn bytes_pass_through_two_sidecars() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let echo = tokio::spawn(echo(listener));
        register(&agent, &server(port, free())).await;
        let upstream = free();
        register(&agent, &client(free(), upstream)).await;
        let _sidecars = ["echo-1", "client-1"].map(|id| place.kind.start(&agent, id));
        eventually("the upstream answers", async || answers(upstream).await).await;
        eventually("the list shows it", async || {
            agent.passing("echo").await.expect("it says") == ["echo-1"]
        })
        .await;
        echo.abort();
    });
}

async fn register(agent: &Agent, service: &Value) {
    let path = "/v1/agent/service/register?replace-existing-checks=true";
    agent.put(path, service).await;
}

fn server(port: u16, sidecar: u16) -> Value {
    json!({
        "ID": "echo-1", "Name": "echo", "Address": "127.0.0.1", "Port": port,
        "Connect": {"SidecarService": {"Port": sidecar, "Checks": [{
            "CheckID": "echo-1:sidecar-tcp", "Name": "sidecar port", "Status": "critical",
            "TCP": format!("127.0.0.1:{sidecar}"), "Interval": "1s", "Timeout": "1s",
        }]}},
    })
}

fn client(sidecar: u16, upstream: u16) -> Value {
    json!({
        "ID": "client-1", "Name": "client", "Address": "127.0.0.1", "Port": 1,
        "Connect": {"SidecarService": {"Port": sidecar, "Proxy": {"Upstreams": [{
            "DestinationName": "echo", "LocalBindAddress": "127.0.0.1", "LocalBindPort": upstream,
        }]}}},
    })
}

/// Whether what is sent to the upstream comes back.
async fn answers(upstream: u16) -> bool {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", upstream)).await?;
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer == *b"ping")
    };
    exchange.await.unwrap_or(false)
}

async fn echo(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let (mut reader, mut writer) = stream.split();
            // A probe ends without a word.
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        });
    }
}
