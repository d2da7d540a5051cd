//! The handshake with whoever answers at an endpoint.

use std::{error::Error as _, io, sync::Arc, time::Duration};

use meshrpc::{
    Code, Error, Kind,
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
                let cause = match &endpoint.via {
                    Via::Opaque { .. } => Cause::PathBroken,
                    _ => Cause::InstanceSilent,
                };
                let detail = format!("{address} accepts, and says nothing for {PATIENCE:?}");
                Finding::failed("handshake", cause, detail)
            }
            Ok(Err(error)) => {
                let text = error.to_string();
                let address = address.to_string();
                let detail = match text.contains(&address) {
                    true => text,
                    false => format!("{address}: {text}"),
                };
                Finding::failed("handshake", cause(&error, &endpoint.via), detail)
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

fn cause(error: &Error, via: &Via) -> Cause {
    // Behind a dialer's error is that of the connection, or of the system.
    let within = error.source().and_then(|source| source.downcast_ref());
    let error = within.unwrap_or(error);
    let system: Option<&io::Error> = error.source().and_then(|source| source.downcast_ref());
    let is_refused = system.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    match (error.kind(), via) {
        (Kind::Denied, _) if error.code() == Code::Unauthenticated => Cause::KeyRefused,
        (Kind::Denied, Via::Sidecar { .. }) => Cause::CertificateRefused,
        (Kind::Unavailable, Via::Opaque { .. }) if is_refused => Cause::UpstreamDown,
        (Kind::Unavailable, Via::Opaque { .. }) => Cause::PathBroken,
        (Kind::Unavailable, Via::Sidecar { .. }) if is_refused => Cause::SidecarDown,
        // It has answered, and found nobody behind it.
        (Kind::Unavailable, Via::Sidecar { .. }) => Cause::InstanceUnreachable,
        (_, Via::Direct) if system.is_some() => Cause::InstanceUnreachable,
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
