//! What is said of a run: to people, or to programs as one object a line.

use std::path::Path;

use meshrpc_templates::source::Unread;
use serde::Serialize;

use super::{
    plan::{Plan, Planned, State},
    tree,
};
use crate::{Format, Outcome, complain};

/// Says what happens.
pub(crate) struct Report<'a> {
    format: Format,
    root: &'a Path,
    written: usize,
    removed: usize,
}

/// A line for programs. Fields may be added, and `reason`s; what is there keeps its meaning.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message<'a> {
    /// What could not be read, or cannot be exposed.
    Error {
        message: &'a str,
        path: Option<String>,
        line: Option<usize>,
        column: Option<usize>,
    },
    /// A file, and what became of it.
    File {
        path: String,
        /// The trait.
        service: &'a str,
        /// The trait's file.
        source: String,
        state: &'static str,
        action: &'static str,
        /// Whether the action was carried out.
        done: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        diff: Option<String>,
    },
    /// The last line.
    Finished {
        outcome: &'static str,
        written: usize,
        removed: usize,
    },
}

impl<'a> Report<'a> {
    pub(crate) fn new(format: Format, root: &'a Path) -> Self {
        Self {
            format,
            root,
            written: 0,
            removed: 0,
        }
    }

    /// What went wrong as a whole.
    pub(crate) fn error(&self, message: &str) {
        match self.format {
            Format::Human => complain(message),
            Format::Json => print(&Message::Error {
                message,
                path: None,
                line: None,
                column: None,
            }),
        }
    }

    /// What is wrong at one place.
    pub(crate) fn unread(&self, unread: &Unread) {
        match self.format {
            Format::Human => complain(unread.shown(self.root)),
            Format::Json => print(&Message::Error {
                message: &unread.message,
                path: Some(self.relative(&unread.source)),
                line: unread.place.map(|(line, _)| line),
                column: unread.place.map(|(_, column)| column),
            }),
        }
    }

    /// What is only of interest to people.
    pub(crate) fn note(&self, message: &str) {
        if self.format == Format::Human {
            anstream::eprintln!("{message}");
        }
    }

    /// The tree of actions; on stdout if it is all that was asked for.
    pub(crate) fn tree(&self, files: &[&Planned], asked_for: bool) {
        if self.format == Format::Human {
            let tree = tree::of(files, self.root);
            match asked_for {
                true => anstream::println!("{tree}"),
                false => anstream::eprintln!("{tree}"),
            }
        }
    }

    /// A file, and whether its action was carried out.
    pub(crate) fn file(&mut self, file: &Planned, done: bool) {
        self.written += usize::from(done && file.text.is_some());
        self.removed += usize::from(done && file.text.is_none());
        if self.format == Format::Json {
            print(&self.message(file, done, false));
        }
    }

    /// Names the files that are kept as they are although they differ; true if there are any.
    pub(crate) fn kept(&self, plan: &Plan) -> bool {
        let mut any = false;
        for file in &plan.files {
            if file.held && !file.is_current() {
                any = true;
                self.error(&format!(
                    "`{}` is left as it is, too: it goes with the other file of `{}`",
                    file.shown(self.root),
                    file.service,
                ));
                continue;
            }
            let (whose, verb) = match (file.state, &file.text) {
                (State::Edited, Some(_)) => ("was edited by hand", "overwrite"),
                (State::Edited, None) => ("was edited by hand, and its trait is gone", "remove"),
                (State::Foreign, _) => ("was not written by this command", "overwrite"),
                _ => continue,
            };
            any = true;
            self.error(&format!(
                "`{}` {whose}: move what you need out of it, or {verb} it with --force",
                file.shown(self.root),
            ));
        }
        any
    }

    /// Prints how the files differ from what would be generated; true if they do.
    pub(crate) fn check(&self, plan: &Plan) -> bool {
        let mut drift = false;
        for file in &plan.files {
            drift |= !file.is_current();
            match self.format {
                Format::Human if !file.is_current() => {
                    anstream::print!("{}", file.diff(self.root));
                }
                Format::Human => {}
                Format::Json => print(&self.message(file, false, true)),
            }
        }
        if drift && self.format == Format::Human {
            complain("generated files differ from their traits: run `cargo meshrpc expose`");
        }
        drift
    }

    /// The last line.
    pub(crate) fn finished(&self, outcome: Outcome) {
        print(&Message::Finished {
            outcome: match outcome {
                Outcome::Done => "done",
                Outcome::Failed => "failed",
                Outcome::Usage => "usage",
                Outcome::Drift => "drift",
            },
            written: self.written,
            removed: self.removed,
        });
    }

    fn message<'f>(&self, file: &'f Planned, done: bool, check: bool) -> Message<'f> {
        Message::File {
            path: file.shown(self.root),
            service: &file.service,
            source: self.relative(&file.source),
            state: match file.state {
                State::Current => "current",
                State::Missing => "missing",
                State::Stale => "stale",
                State::Leftover => "leftover",
                State::Edited => "edited",
                State::Foreign => "foreign",
            },
            action: match (&file.present, &file.text) {
                _ if file.is_current() && !done => "none",
                (None, _) => "create",
                (Some(_), Some(_)) => "overwrite",
                (Some(_), None) => "remove",
            },
            done,
            diff: (check && !file.is_current()).then(|| file.diff(self.root)),
        }
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn print(message: &Message<'_>) {
    // Strings and numbers: there is nothing that could not be written.
    if let Ok(line) = serde_json::to_string(message) {
        anstream::println!("{line}");
    }
}
