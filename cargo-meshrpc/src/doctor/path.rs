//! The handshake with whoever answers at an endpoint.

use std::{error::Error as _, io, sync::Arc, time::Duration};

use meshrpc::{
    Error, Kind,
    client::Connect,
    discovery::{Endpoint, Via},
    mesh::{Environment, KeyFile},
    wire::{Config, LocalIdentity},
};

use super::finding::{Cause, Finding};

/// A path that takes longer is of no use to calls.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How hands are shaken.
pub(super) struct Prober {
    connect: Arc<dyn Connect>,
    config: Arc<Config>,
}

impl Prober {
    /// By `connect`, with the keys that `environment` names.
    ///
    /// # Errors
    /// If there is something wrong with their file.
    pub(super) fn new(connect: Arc<dyn Connect>, environment: &Environment) -> Result<Self, Error> {
        let mut config = Config {
            identity: LocalIdentity {
                name: format!("doctor-{}", std::process::id()),
                epoch: 0,
            },
            ..Config::default()
        };
        if let Some(file) = environment.key_file() {
            config.keys = Some(Arc::new(KeyFile::open(file)?));
        }
        let config = Arc::new(config);
        Ok(Self { connect, config })
    }

    /// Shakes hands at `endpoint` and compares who answers with who is registered.
    pub(super) async fn handshake(&self, endpoint: &Endpoint) -> Finding {
        let address = &endpoint.dial;
        let subject = match &endpoint.instance {
            Some(instance) => instance.name.to_string(),
            None => address.to_string(),
        };
        let connected = self.connect.connect(endpoint, Arc::clone(&self.config));
        let finding = match tokio::time::timeout(PATIENCE, connected).await {
            Err(_) => {
                let detail = format!("{address}: no answer within {PATIENCE:?}");
                Finding::failed("handshake", Cause::HandshakeFailed, detail)
            }
            Ok(Err(error)) => {
                Finding::failed("handshake", cause(&error, endpoint), error.to_string())
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
}

fn cause(error: &Error, endpoint: &Endpoint) -> Cause {
    match error.source() {
        _ if error.kind() == Kind::Denied && matches!(endpoint.via, Via::Sidecar { .. }) => {
            Cause::CertificateRefused
        }
        Some(source) if source.is::<io::Error>() => Cause::InstanceUnreachable,
        _ => Cause::HandshakeFailed,
    }
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
