//! The handshake with whoever answers at an endpoint.

use std::{sync::Arc, time::Duration};

use meshrpc::{
    client::{Connect, Dialer},
    discovery::{Endpoint, Via},
    wire::{Config, LocalIdentity},
};

use super::finding::{Cause, Finding};

/// A path that takes longer is of no use to calls.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Shakes hands at `endpoint` and compares who answers with who is registered.
pub(super) async fn handshake(connect: &dyn Connect, endpoint: &Endpoint) -> Finding {
    let address = &endpoint.dial;
    let subject = match (&endpoint.via, &endpoint.instance) {
        (Via::Direct | Via::Sidecar { .. }, Some(instance)) => instance.name.to_string(),
        _ => address.to_string(),
    };
    let finding = match tokio::time::timeout(PATIENCE, connect.connect(endpoint, config())).await {
        Err(_) => {
            let detail = format!("{address}: no answer within {PATIENCE:?}");
            Finding::failed("handshake", Cause::HandshakeFailed, detail)
        }
        Ok(Err(error)) => {
            let cause = match std::error::Error::source(&error) {
                Some(source) if source.is::<std::io::Error>() => Cause::InstanceUnreachable,
                _ => Cause::HandshakeFailed,
            };
            Finding::failed("handshake", cause, error.to_string())
        }
        Ok(Ok(connection)) => {
            let peer = connection.peer();
            let answered = (&*peer.name, peer.epoch);
            connection.close();
            compare(endpoint, answered)
        }
    };
    finding.of(subject)
}

/// [`handshake`], with the transports that need no key.
pub(super) async fn direct(endpoint: &Endpoint) -> Finding {
    handshake(&Dialer, endpoint).await
}

fn compare(endpoint: &Endpoint, (name, epoch): (&str, u64)) -> Finding {
    let address = &endpoint.dial;
    let expected = match (&endpoint.via, &endpoint.instance) {
        (Via::Opaque { expected }, _) => expected.as_slice(),
        (_, instance) => instance.as_slice(),
    };
    // A registry that knows addresses only has no epochs.
    let known = |instance: &&meshrpc::discovery::Instance| {
        *instance.name == *name && (instance.epoch == epoch || instance.epoch == 0)
    };
    if expected.is_empty() || expected.iter().any(|instance| known(&instance)) {
        return Finding::ok("handshake", format!("`{name}` answers at {address}"));
    }
    let detail =
        format!("`{name}` (epoch {epoch}) answers at {address}, which is not registered there");
    Finding::failed("handshake", Cause::WrongInstance, detail)
}

/// A handshake that names no contract.
fn config() -> Arc<Config> {
    Arc::new(Config {
        identity: LocalIdentity {
            name: format!("doctor-{}", std::process::id()),
            epoch: 0,
        },
        ..Config::default()
    })
}
