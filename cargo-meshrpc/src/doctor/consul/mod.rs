//! `consul:`: the agent, what it lists, and the way to it.
//!
//! # Layout
//! - `agent`: whether it can be asked at all
//! - `instances`: what is registered, and how healthy
//! - `checks`: what the checks of those say
//! - `sidecars`: the proxies' own listeners
//! - `callers`: the callers on this agent: intentions, upstreams, the handshake

mod agent;
mod callers;
mod checks;
mod instances;
mod sidecars;

use meshrpc::{
    discovery::Instance,
    mesh::{
        Environment,
        consul::{Consul, Route, agent::Entry},
    },
};

use self::callers::Calls;
use super::{
    finding::{Cause, Finding},
    path::{self, Prober},
    report::Report,
};
use crate::WrongUsage;

/// Looks at the agent, and at `deployments` as `caller` would call them.
pub(super) async fn examine(
    url: &str,
    environment: &Environment,
    deployments: &[String],
    caller: Option<&str>,
    report: &mut Report,
) -> Result<(), WrongUsage> {
    let consul = match Consul::open(url, environment) {
        Ok(consul) => consul,
        Err(error) => {
            report.failed("url", Cause::MeshUrl, &error);
            return Ok(());
        }
    };
    fits(&consul, caller)?;
    let prober = match Prober::new(consul.dialer(), environment) {
        Ok(prober) => prober,
        Err(error) => {
            report.failed("keys", Cause::Environment, &error);
            return Ok(());
        }
    };
    if !agent::examine(&consul, deployments, report).await {
        return Ok(());
    }
    for deployment in deployments {
        let known = match instances::examine(&consul, deployment, report).await {
            Ok(known) => known,
            Err(error) => {
                report.finding(&agent::trouble("registered", &error).of(deployment));
                continue;
            }
        };
        if consul.options().route() == Route::Plain {
            for endpoint in &known.direct {
                report.finding(&prober.handshake(endpoint).await);
            }
            continue;
        }
        sidecars::examine(&known, report).await;
        let calls = Calls {
            consul: &consul,
            prober: &prober,
            deployment,
            known: &known,
        };
        calls.examine(caller, report).await;
    }
    Ok(())
}

/// Whether `caller` can be looked at in the way that calls travel.
fn fits(consul: &Consul, caller: Option<&str>) -> Result<(), WrongUsage> {
    let identity = consul.options().identity();
    match (consul.options().route(), caller) {
        (Route::Plain, Some(_)) => Err(WrongUsage(
            "with via=plain it makes no difference who calls: leave out --caller".to_owned(),
        )),
        (Route::Instance, Some(caller)) if caller != identity => Err(WrongUsage(format!(
            "with via=instance the caller is whom `as=` names, which is `{identity}`, and --caller \
             is `{caller}`"
        ))),
        _ => Ok(()),
    }
}

/// Who an entry is, or stands for.
fn instance(entry: &Entry) -> Instance {
    let service = &entry.service;
    service.instance().unwrap_or_else(|| Instance {
        name: service.subject_id().into(),
        epoch: 0,
    })
}
