//! The proxies' own listeners, as somebody sees them who has no certificate.

use std::{io, time::Duration};

use meshrpc::{
    discovery::{Address, Endpoint},
    mesh::consul::sidecar_answers,
};

use super::{Cause, Finding, Report, checks::Silent, instances::Known};

/// A proxy that lives answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn examine(known: &Known, report: &mut Report) {
    for endpoint in &known.sidecars {
        report.finding(&probe(endpoint, &known.silent).await);
    }
}

async fn probe(endpoint: &Endpoint, silent: &Silent) -> Finding {
    let name = endpoint
        .instance
        .as_ref()
        .map_or("?", |instance| &instance.name);
    let Address::Tcp(address) = endpoint.dial else {
        return Finding::not_run("sidecar", format!("{} is no TCP address", endpoint.dial))
            .of(name);
    };
    let finding = match sidecar_answers(address, PATIENCE).await {
        Ok(()) => Finding::ok("sidecar", format!("{address} answers")),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let detail = format!("{address} accepts and says nothing for {PATIENCE:?}");
            Finding::failed("sidecar", Cause::SidecarFrozen, detail)
        }
        Err(error) => {
            let cause = match error.kind() {
                // It ends with the process that would start it again.
                io::ErrorKind::ConnectionRefused if silent.has(name) => Cause::InstanceUnreachable,
                // The built-in proxy takes nobody in whom it cannot lead to the instance.
                io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
                    Cause::InstanceUnreachable
                }
                // It is no TLS that is spoken there.
                io::ErrorKind::InvalidData => Cause::WrongInstance,
                _ => Cause::SidecarDown,
            };
            Finding::failed("sidecar", cause, format!("{address}: {error}"))
        }
    };
    finding.of(name)
}
