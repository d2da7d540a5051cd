//! `cargo meshrpc expose`: writes the files of traits under `#[mesh_service(exposed)]`.
//!
//! # Layout
//! - `survey`: the traits and files of the workspace, narrowed to what was asked for
//! - `plan`: what has to be done to which file
//! - `leftover`: files of traits that are gone
//! - `tree`, `report`: what is said of it, to people and to programs
//! - `commit`: the changes of one run, made together

mod commit;
mod leftover;
mod plan;
mod report;
mod survey;
mod tree;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{Format, Outcome};
pub(crate) use commit::finish;
use commit::{Change, Workspace};
use plan::{Plan, Planned};
use report::Report;
use survey::Survey;

/// Word of the command line for the process that ends a run whose own was killed.
pub(crate) const FINISH: &str = "finish-expose";

/// Write handler and client of every trait under `#[mesh_service(exposed)]` beside it.
///
/// Exit codes: 0 done, 1 failed in part or in whole, 2 wrong usage, 100 files differ (--check).
#[derive(Debug, Args)]
pub(crate) struct Expose {
    /// Only traits of this package [default: every package of the workspace].
    #[arg(short = 'P', long, value_name = "NAME")]
    pkg_name: Option<String>,
    /// Only traits under `exposed(prefix = "PREFIX")`; it is an error if there are others.
    #[arg(short = 'M', long, value_name = "PREFIX")]
    module_prefix: Option<String>,
    /// Only traits in these files and folders, relative to the project's.
    #[arg(value_name = "SRC")]
    sources: Vec<PathBuf>,
    /// Write without asking.
    #[arg(short, long)]
    yes: bool,
    /// Write nothing; print what differs and exit with 100 if anything does.
    #[arg(long, conflicts_with_all = ["yes", "dry_run", "force"])]
    check: bool,
    /// Write nothing; print what would be done.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Overwrite or remove files that were edited by hand, or are not ours.
    #[arg(long)]
    force: bool,
    /// How results are printed; `json` is one object a line, and asks nothing.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    message_format: Format,
}

/// What the process that ends a killed run is told.
#[derive(Debug, Args)]
pub(crate) struct FinishArgs {
    /// Folder of the workspace.
    root: PathBuf,
}

impl FinishArgs {
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

impl Expose {
    pub(crate) fn run(&self, root: &Path) -> Result<Outcome> {
        let root = root
            .canonicalize()
            .with_context(|| format!("there is no folder `{}`", root.display()))?;
        let mut report = Report::new(self.message_format, &root);
        let outcome = self.expose(&root, &mut report);
        if self.message_format == Format::Json {
            let outcome = outcome.unwrap_or_else(|error| {
                report.error(&format!("{error:#}"));
                match error.is::<crate::WrongUsage>() {
                    true => Outcome::Usage,
                    false => Outcome::Failed,
                }
            });
            report.finished(outcome);
            return Ok(outcome);
        }
        outcome
    }

    fn expose(&self, root: &Path, report: &mut Report<'_>) -> Result<Outcome> {
        let survey = Survey::of(root, self.pkg_name.as_deref(), &self.sources)?;
        let workspace = Workspace::of(&survey.workspace);
        let only_looks = self.check || self.dry_run;
        let mut interrupted = false;
        if only_looks {
            interrupted = workspace.was_interrupted();
        } else if workspace.recover(&survey.folders())? {
            report.note("finished what an interrupted run had begun");
        }
        for unread in &survey.unread {
            report.unread(unread);
        }
        let (mut plan, refused) = Plan::of(&survey, self.module_prefix.as_deref());
        for refusal in &refused {
            report.unread(refusal);
        }
        leftover::add(&mut plan, &survey, self.module_prefix.as_deref());
        let mut failed = !survey.unread.is_empty() || !refused.is_empty();
        if interrupted {
            report.note("an earlier run was interrupted: run `cargo meshrpc expose` to finish it");
        }
        if self.check {
            let drift = report.check(&plan) || interrupted;
            return Ok(match (failed, drift) {
                (true, _) => Outcome::Failed,
                (false, true) => Outcome::Drift,
                (false, false) => Outcome::Done,
            });
        }
        failed |= !self.force && report.kept(&plan);
        let outcome = self.commit(&plan, &workspace, report)?;
        Ok(match outcome {
            Outcome::Done if failed => Outcome::Failed,
            outcome => outcome,
        })
    }

    fn commit(
        &self,
        plan: &Plan,
        workspace: &Workspace,
        report: &mut Report<'_>,
    ) -> Result<Outcome> {
        let (changes, kept): (Vec<&Planned>, Vec<&Planned>) = plan
            .files
            .iter()
            .partition(|file| file.is_changed(self.force));
        for file in &kept {
            report.file(file, false);
        }
        if changes.is_empty() {
            if plan.owned.is_empty() {
                report.note("there is no trait under `#[mesh_service(exposed)]` here");
            } else if kept.iter().all(|file| file.is_current()) {
                report.note(&format!("{} files are up to date", plan.files.len()));
            }
            return Ok(Outcome::Done);
        }
        report.tree(&changes, self.dry_run);
        if self.dry_run {
            for file in &changes {
                report.file(file, false);
            }
            return Ok(Outcome::Done);
        }
        if !self.yes && !self.agreed(report)? {
            return Ok(Outcome::Failed);
        }
        let made: Vec<Change> = changes.iter().map(|file| Change::of(file)).collect();
        workspace.commit(&made)?;
        for file in &changes {
            report.file(file, true);
        }
        let removed = changes.iter().filter(|file| file.text.is_none()).count();
        let written = changes.len() - removed;
        report.note(&match (written, removed) {
            (written, 0) => format!("{written} files written"),
            (0, removed) => format!("{removed} files removed"),
            (written, removed) => format!("{written} files written, {removed} removed"),
        });
        Ok(Outcome::Done)
    }

    /// Asks whether to write.
    fn agreed(&self, report: &mut Report<'_>) -> Result<bool> {
        let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if !somebody || self.message_format == Format::Json {
            return Err(crate::WrongUsage(
                "nothing was written, for there is nobody to ask: pass --yes".to_owned(),
            )
            .into());
        }
        let answer = inquire::Confirm::new("Write these files?")
            .with_default(true)
            .prompt();
        if !matches!(answer, Ok(true)) {
            report.note("nothing was written");
            return Ok(false);
        }
        Ok(true)
    }
}
