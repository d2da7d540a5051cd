//! `cargo meshrpc doctor`: whether calls would pass from here, and if not, why.

mod consul;
mod finding;
mod local;
mod path;
mod report;

use anyhow::Context as _;
use clap::Args;
use meshrpc::mesh::Environment;

use self::{
    finding::{Cause, Finding},
    report::Report,
};
use crate::{Format, Outcome, WrongUsage};

/// Look at the mesh from here: registry, instances, and the way to them.
///
/// Each line says what was looked at and what was found; what is wrong has a cause, what to do
/// about it, and where the guides say more. Nothing is changed, and nothing is registered.
///
/// Exit codes: 0 calls would pass, 1 something failed, 2 wrong usage.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Deployments to look at; with `local:` all unless named.
    #[arg(value_name = "DEPLOYMENT")]
    deployments: Vec<String>,
    /// With `consul:`, the service that calls: its intentions and upstreams are looked at [default:
    /// every service on the agent that has an upstream to the deployment]. With
    /// `via=instance` it is the name that `as=` gives in the URL, and with `via=plain` nobody asks.
    #[arg(long, value_name = "SERVICE")]
    caller: Option<String>,
    /// The mesh [default: MESHRPC_MESH, else `local:`].
    #[arg(long, value_name = "URL")]
    mesh: Option<String>,
    /// How results are printed; `json` is one object a line.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    message_format: Format,
}

/// Runs the verb.
///
/// # Errors
/// If the environment cannot be read, or the arguments do not fit the mesh.
pub(crate) fn run(arguments: &DoctorArgs) -> anyhow::Result<Outcome> {
    let environment = Environment::read()?;
    let url = match &arguments.mesh {
        Some(url) => url.clone(),
        None => environment.mesh().value.to_owned(),
    };
    let mut report = Report::new(arguments.message_format);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(examine(&url, &environment, arguments, &mut report))?;
    Ok(report.finished())
}

async fn examine(
    url: &str,
    environment: &Environment,
    arguments: &DoctorArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    for variable in environment.unknown() {
        let detail = format!("{variable} is not read by this version");
        report.finding(&Finding::warning("environment", Cause::Environment, detail));
    }
    let DoctorArgs {
        deployments,
        caller,
        ..
    } = arguments;
    let refused = |why: String| Err(WrongUsage(why).into());
    match url.split_once(':') {
        Some(("local", _)) if caller.is_some() => {
            refused("--caller belongs to a `consul:` mesh".to_owned())
        }
        Some(("local", _)) => {
            local::examine(environment, deployments, report).await;
            Ok(())
        }
        Some(("consul" | "consul+tls" | "consul+unix", _)) if deployments.is_empty() => {
            refused("name the deployments to look at".to_owned())
        }
        Some(("consul" | "consul+tls" | "consul+unix", _)) => {
            let caller = caller.as_deref();
            consul::examine(url, environment, deployments, caller, report).await?;
            Ok(())
        }
        _ => refused(format!(
            "`doctor` looks at `local:` and `consul:`, and the mesh is `{url}`"
        )),
    }
}
