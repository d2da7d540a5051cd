//! Which services there are: metadata of the workspace and its packages.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use serde::Deserialize;

use super::{Wanted, build::cargo};
use crate::WrongUsage;

/// What to build and start.
#[derive(Debug)]
pub(super) struct Plan {
    /// The directory of the workspace.
    pub(super) root: PathBuf,
    /// In the order they start.
    pub(super) services: Vec<Service>,
}

/// One program, any number of times.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) package: PackageId,
    pub(super) bin: String,
    pub(super) replicas: u32,
    pub(super) ready: Ready,
    pub(super) http: Option<SocketAddr>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    curl: Vec<String>,
}

/// When a replica counts as ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ready {
    /// The registry lists its instance as ready.
    Registered,
    /// Its process runs.
    Running,
    /// It accepts connections at its HTTP address.
    #[serde(skip)]
    Accepting,
}

/// More is a typing error.
pub(super) const MAX_REPLICAS: u32 = 1000;

/// `[workspace.metadata.meshrpc.up.<service>]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    bin: Option<String>,
    package: Option<String>,
    replicas: Option<u32>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    http: Option<SocketAddr>,
    ready: Option<Ready>,
    curl: Vec<String>,
}

impl Plan {
    /// Reads the workspace around `root`, or at `manifest`, seen from there.
    pub(super) fn read(
        root: &Path,
        manifest: Option<&Path>,
        wanted: &[Wanted],
    ) -> anyhow::Result<Self> {
        let mut command = MetadataCommand::new();
        command.cargo_path(cargo()).current_dir(root).no_deps();
        if let Some(manifest) = manifest {
            command.manifest_path(manifest);
        }
        let metadata = command.exec().context("the workspace cannot be read")?;
        let tables = tables(&metadata)?;
        let mut services = Vec::new();
        if !wanted.is_empty() {
            for Wanted {
                service: name,
                replicas,
            } in wanted
            {
                if services.iter().any(|known: &Service| known.name == *name) {
                    bail!(WrongUsage(format!("the service `{name}` is named twice")));
                }
                let mut service = match tables.get(name) {
                    Some(table) => Service::new(&metadata, name, table)?,
                    None => Service::new(&metadata, name, &Table::default()).map_err(|_| {
                        let known = known(&metadata, &tables);
                        WrongUsage(format!("unknown service `{name}`: there are {known}"))
                    })?,
                };
                service.replicas = replicas.unwrap_or(service.replicas);
                services.push(service);
            }
        } else if !tables.is_empty() {
            for (name, table) in &tables {
                services.push(Service::new(&metadata, name, table)?);
            }
        } else {
            for (package, bin) in default_services(&metadata) {
                let package = Some(package.name.to_string());
                let table = Table {
                    package,
                    ..Table::default()
                };
                services.push(Service::new(&metadata, bin, &table)?);
            }
        }
        if services.is_empty() {
            bail!(
                "there is nothing to start: no [workspace.metadata.meshrpc.up.…] and no binary \
                 whose package depends on meshrpc-runtime"
            );
        }
        Ok(Self {
            root: metadata.workspace_root.into(),
            services,
        })
    }

    /// The names of all instances.
    pub(super) fn instances(&self) -> impl Iterator<Item = String> {
        self.services
            .iter()
            .flat_map(|service| (1..=service.replicas).map(|replica| service.instance(replica)))
    }
}

impl Service {
    fn new(metadata: &Metadata, name: &str, table: &Table) -> anyhow::Result<Self> {
        let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
        if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(plain)
        {
            bail!("`{name}` cannot be the name of a service");
        }
        let replicas = table.replicas.unwrap_or(1);
        if !(1..=MAX_REPLICAS).contains(&replicas) {
            bail!("`{name}`: replicas are a number from 1 to {MAX_REPLICAS}");
        }
        let bin = table.bin.as_deref().unwrap_or(name);
        let package = package_of(metadata, bin, table.package.as_deref())
            .with_context(|| format!("service `{name}`"))?;
        let ready = match (table.ready, table.http) {
            (Some(ready), _) => ready,
            (None, Some(_)) => Ready::Accepting,
            (None, None) if depends_on_meshrpc(package) => Ready::Registered,
            (None, None) => Ready::Running,
        };
        let service = Self {
            name: name.to_owned(),
            package: package.id.clone(),
            bin: bin.to_owned(),
            replicas,
            ready,
            http: table.http,
            args: table.args.clone(),
            env: table.env.clone(),
            curl: table.curl.clone(),
        };
        let texts = service
            .args
            .iter()
            .chain(service.env.values())
            .chain(&service.curl);
        if service.http.is_none() && texts.into_iter().any(|text| text.contains("{http}")) {
            bail!("`{name}` uses {{http}} and has no `http`");
        }
        if service.http.is_none() && service.curl.iter().any(|line| line.starts_with('/')) {
            bail!("`{name}` has paths to curl and no `http`");
        }
        Ok(service)
    }

    pub(super) fn set_http(&mut self, address: SocketAddr) {
        self.http = Some(address);
    }

    /// Stable name of a replica.
    pub(super) fn instance(&self, replica: u32) -> String {
        format!("{}-{replica}", self.name)
    }

    pub(super) fn args(&self, replica: u32) -> Vec<String> {
        self.args
            .iter()
            .map(|text| self.fill(text, replica))
            .collect()
    }

    pub(super) fn env(&self, replica: u32) -> Vec<(String, String)> {
        let filled = |(name, value): (&String, &String)| (name.clone(), self.fill(value, replica));
        self.env.iter().map(filled).collect()
    }

    /// Commands to paste.
    pub(super) fn curl(&self) -> impl Iterator<Item = String> {
        self.curl.iter().map(|line| {
            let line = self.fill(line, 1);
            match self.http {
                Some(http) if line.starts_with('/') => format!("curl http://{http}{line}"),
                _ => format!("curl {line}"),
            }
        })
    }

    fn fill(&self, text: &str, replica: u32) -> String {
        let http = self.http.map(|http| http.to_string()).unwrap_or_default();
        text.replace("{http}", &http)
            .replace("{instance}", &self.instance(replica))
            .replace("{replica}", &replica.to_string())
    }
}

fn tables(metadata: &Metadata) -> anyhow::Result<BTreeMap<String, Table>> {
    let mut tables = BTreeMap::new();
    add_tables(&mut tables, &metadata.workspace_metadata, None)
        .context("[workspace.metadata.meshrpc.up]")?;
    for package in metadata.workspace_packages() {
        add_tables(&mut tables, &package.metadata, Some(&package.name))
            .with_context(|| format!("[package.metadata.meshrpc.up] of {}", package.name))?;
    }
    Ok(tables)
}

fn add_tables(
    tables: &mut BTreeMap<String, Table>,
    metadata: &serde_json::Value,
    package: Option<&str>,
) -> anyhow::Result<()> {
    let Some(found) = metadata
        .get("meshrpc")
        .and_then(|meshrpc| meshrpc.get("up"))
    else {
        return Ok(());
    };
    for (name, table) in found.as_object().context("expected tables")? {
        let mut table = Table::deserialize(table).with_context(|| format!("service `{name}`"))?;
        if table.package.is_none() {
            table.package = package.map(str::to_owned);
        }
        if tables.insert(name.clone(), table).is_some() {
            bail!("the service `{name}` is listed twice");
        }
    }
    Ok(())
}

fn package_of<'a>(
    metadata: &'a Metadata,
    bin: &str,
    name: Option<&str>,
) -> anyhow::Result<&'a Package> {
    let packages = metadata.workspace_packages();
    if let Some(name) = name
        && !packages.iter().any(|package| *package.name == name)
    {
        bail!("the workspace has no package `{name}`");
    }
    let mut found = packages.into_iter().filter(|package| {
        name.is_none_or(|name| *package.name == name) && bins(package).any(|known| known == bin)
    });
    match (found.next(), found.next()) {
        (Some(package), None) => Ok(package),
        (Some(_), Some(_)) => bail!("several packages have a binary `{bin}`: say `package`"),
        (None, _) => bail!("there is no binary `{bin}`"),
    }
}

fn default_services(metadata: &Metadata) -> impl Iterator<Item = (&Package, &str)> {
    let packages = metadata.workspace_packages().into_iter();
    packages
        .filter(|package| depends_on_meshrpc(package))
        .flat_map(|package| bins(package).map(move |bin| (package, bin)))
}

fn bins(package: &Package) -> impl Iterator<Item = &str> {
    package
        .targets
        .iter()
        .filter(|target| target.is_bin())
        .map(|target| target.name.as_str())
}

fn depends_on_meshrpc(package: &Package) -> bool {
    package.dependencies.iter().any(|dependency| {
        dependency.name == "meshrpc-runtime" && dependency.kind == DependencyKind::Normal
    })
}

fn known(metadata: &Metadata, tables: &BTreeMap<String, Table>) -> String {
    let known: Vec<&str> = match tables.is_empty() {
        false => tables.keys().map(String::as_str).collect(),
        true => default_services(metadata).map(|(_, bin)| bin).collect(),
    };
    match known.is_empty() {
        false => known.join(", "),
        true => "none".to_owned(),
    }
}
