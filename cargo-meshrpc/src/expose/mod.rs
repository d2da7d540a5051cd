//! `cargo meshrpc expose`: writes the files of traits under `#[mesh_service(exposed)]`.

mod plan;
mod source;
mod tree;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::{Outcome, complain};
use plan::{Change, Plan};
use source::Found;

/// Write handler and client of every trait under `#[mesh_service(exposed)]` beside it.
#[derive(Debug, Args)]
pub(crate) struct Expose {
    /// Only traits of this package [default: every package of the workspace].
    #[arg(short = 'P', long, value_name = "NAME")]
    pkg_name: Option<String>,
    /// Only traits under `exposed(prefix = "PREFIX")`; it is an error if there are others.
    #[arg(short = 'M', long, value_name = "PREFIX")]
    module_prefix: Option<String>,
    /// Only traits in this file or folder.
    #[arg(value_name = "SRC")]
    source: Option<PathBuf>,
    /// Write without asking.
    #[arg(short, long)]
    yes: bool,
    /// Write nothing; print what differs and exit with 100 if anything does.
    #[arg(long, conflicts_with_all = ["yes", "dry_run", "force"])]
    check: bool,
    /// Write nothing; print what would be done.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Overwrite files that were edited by hand, or are not ours.
    #[arg(long)]
    force: bool,
}

impl Expose {
    pub(crate) fn run(&self, root: &Path) -> Result<Outcome> {
        let root = root
            .canonicalize()
            .with_context(|| format!("there is no folder `{}`", root.display()))?;
        let (found, mut failed) = self.traits(&root)?;
        let (plan, refused) = Plan::of(&found, self.module_prefix.as_deref());
        for refusal in &refused {
            complain(refusal);
        }
        failed |= !refused.is_empty();

        if self.check {
            return Ok(match (failed, check(&plan, &root)) {
                (true, _) => Outcome::Failed,
                (false, true) => Outcome::Drift,
                (false, false) => Outcome::Done,
            });
        }
        let outcome = self.commit(&plan, &root)?;
        Ok(if failed && outcome == Outcome::Done {
            Outcome::Failed
        } else {
            outcome
        })
    }

    /// The exposed traits that were asked for, and whether anything could not be read.
    fn traits(&self, root: &Path) -> Result<(Vec<Found>, bool)> {
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .no_deps()
            .exec()
            .with_context(|| format!("`{}` is not in a cargo project", root.display()))?;
        let within = match &self.source {
            Some(source) => {
                let path = root.join(source);
                let path = path
                    .canonicalize()
                    .with_context(|| format!("there is no `{}`", path.display()))?;
                Some(path)
            }
            None => None,
        };
        let mut packages = metadata.workspace_packages();
        if let Some(name) = &self.pkg_name {
            packages.retain(|package| package.name.as_str() == name);
            anyhow::ensure!(
                !packages.is_empty(),
                "the workspace has no package `{name}`"
            );
        }
        let roots = packages
            .iter()
            .flat_map(|package| &package.targets)
            .map(|target| target.src_path.clone().into_std_path_buf());
        let mut walk = source::Walk::default();
        for source in roots {
            walk.crate_root(&source);
        }
        let (mut found, errors) = walk.finish();
        for error in &errors {
            complain(error.shown(root));
        }
        found.retain(|found| {
            within
                .as_ref()
                .is_none_or(|within| found.source.starts_with(within))
        });
        Ok((found, !errors.is_empty()))
    }

    fn commit(&self, plan: &Plan, root: &Path) -> Result<Outcome> {
        if plan.files.is_empty() {
            anstream::eprintln!("there is no trait under `#[mesh_service(exposed)]` here");
            return Ok(Outcome::Done);
        }
        let protected: Vec<_> = plan
            .files
            .iter()
            .filter(|file| file.change.is_protected())
            .collect();
        if !self.force {
            for file in &protected {
                complain(format!(
                    "`{}` {}: move what you need out of it, or overwrite it with --force",
                    file.shown(root),
                    if file.change == Change::Edited {
                        "was edited by hand"
                    } else {
                        "was not written by this command"
                    },
                ));
            }
        }
        let blocked = !protected.is_empty() && !self.force;
        let writes: Vec<_> = plan
            .files
            .iter()
            .filter(|file| {
                file.change != Change::None && (self.force || !file.change.is_protected())
            })
            .collect();
        let ended = if blocked {
            Outcome::Failed
        } else {
            Outcome::Done
        };
        if writes.is_empty() {
            if !blocked {
                anstream::eprintln!("{} files are up to date", plan.files.len());
            }
            return Ok(ended);
        }
        let tree = tree::of(&writes, root);
        if self.dry_run {
            anstream::println!("{tree}");
            return Ok(ended);
        }
        anstream::eprintln!("{tree}");
        if !self.yes {
            if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
                complain("nothing was written, for there is nobody to ask: pass --yes");
                return Ok(Outcome::Usage);
            }
            let answer = inquire::Confirm::new("Write these files?")
                .with_default(true)
                .prompt();
            if !matches!(answer, Ok(true)) {
                anstream::eprintln!("nothing was written");
                return Ok(Outcome::Failed);
            }
        }
        for file in &writes {
            file.write()?;
        }
        anstream::eprintln!("{} files written", writes.len());
        Ok(ended)
    }
}

/// Prints how the files differ from what would be generated; true if they do.
fn check(plan: &Plan, root: &Path) -> bool {
    let mut drift = false;
    for file in plan.files.iter().filter(|file| file.change != Change::None) {
        drift = true;
        anstream::print!("{}", file.diff(root));
    }
    if drift {
        complain("generated files differ from their traits: run `cargo meshrpc expose`");
    }
    drift
}
