//! Findings as lines: for people, or for programs as one object each.

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::finding::{Cause, Finding, Status};
use crate::{Format, Outcome};

/// Says what was found, as it is found.
pub(super) struct Report {
    format: Format,
    failed: usize,
    warnings: usize,
    not_run: usize,
}

/// A line for programs. Fields may be added, and `reason`s; what is there keeps its meaning.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message<'a> {
    Finding(&'a Finding),
    /// The last line.
    Finished {
        failed: usize,
        warnings: usize,
        not_run: usize,
    },
}

impl Report {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            failed: 0,
            warnings: 0,
            not_run: 0,
        }
    }

    pub(super) fn finding(&mut self, finding: &Finding) {
        self.failed += usize::from(finding.status == Status::Failed);
        self.warnings += usize::from(finding.status == Status::Warning);
        self.not_run += usize::from(finding.status == Status::NotRun);
        match self.format {
            Format::Json => print(&Message::Finding(finding)),
            Format::Human => show(finding),
        }
    }

    /// What could not be looked at.
    pub(super) fn failed(
        &mut self,
        check: &'static str,
        cause: Cause,
        error: &dyn std::error::Error,
    ) {
        self.finding(&Finding::failed(check, cause, error.to_string()));
    }

    /// The last line, and how the run ended.
    pub(super) fn finished(self) -> Outcome {
        let Self {
            format,
            failed,
            warnings,
            not_run,
        } = self;
        match format {
            Format::Json => print(&Message::Finished {
                failed,
                warnings,
                not_run,
            }),
            Format::Human if failed + warnings + not_run == 0 => anstream::println!("All is well."),
            Format::Human => {
                anstream::println!("{failed} failed, {warnings} warnings, {not_run} not run.");
            }
        }
        match failed {
            0 => Outcome::Done,
            _ => Outcome::Failed,
        }
    }
}

fn show(finding: &Finding) {
    let (mark, colour) = match finding.status {
        Status::Ok => ("ok", AnsiColor::Green),
        Status::Warning => ("warning", AnsiColor::Yellow),
        Status::Failed => ("failed", AnsiColor::Red),
        Status::NotRun => ("not run", AnsiColor::BrightBlack),
    };
    let style = Style::new().fg_color(Some(colour.into())).bold();
    let Finding { check, detail, .. } = finding;
    let subject = match &finding.subject {
        Some(subject) => format!(" {subject}"),
        None => String::new(),
    };
    anstream::println!("{style}{mark:>7}{style:#} {check}{subject}: {detail}");
    for (what, text) in [("fix", finding.fix), ("see", finding.docs)] {
        if let Some(text) = text {
            anstream::println!("        {what}: {text}");
        }
    }
}

fn print(message: &Message<'_>) {
    // Strings and numbers: there is nothing that could not be written.
    if let Ok(line) = serde_json::to_string(message) {
        anstream::println!("{line}");
    }
}
