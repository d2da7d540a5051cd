//! What would be written, compared with what is there.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use meshrpc_templates::{
    Header,
    source::{Found, Unread},
};
use similar::TextDiff;

use super::survey::Survey;

/// What has to be done to every file that was asked for.
pub(crate) struct Plan {
    pub(crate) files: Vec<Planned>,
    /// Every file that a trait has, whether asked for or not.
    pub(crate) owned: Vec<PathBuf>,
}

/// One file.
pub(crate) struct Planned {
    pub(crate) path: PathBuf,
    /// Name of the trait.
    pub(crate) service: String,
    /// The trait's file.
    pub(crate) source: PathBuf,
    pub(crate) state: State,
    /// Whether another file of the trait is somebody's: together they would not compile if one of
    /// them changed.
    pub(crate) held: bool,
    /// What the file has to hold; nothing if it has to go.
    pub(crate) text: Option<String>,
    /// What it holds.
    pub(crate) present: Option<String>,
}

/// How a file stands to its trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is as it would be written, but for its formatting.
    Current,
    /// It is not there.
    Missing,
    /// It is of another version of the trait, or of the generator.
    Stale,
    /// Its trait is gone.
    Leftover,
    /// It was edited by hand.
    Edited,
    /// It was not written by this command.
    Foreign,
}

impl Plan {
    /// The plan for the traits that were asked for, and what is wrong with the others.
    pub(crate) fn of(survey: &Survey, prefix: Option<&str>) -> (Self, Vec<Unread>) {
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        let mut refused = Vec::new();
        for found in &survey.found {
            let written = match &found.service.options.exposed {
                Some(exposed) if !exposed.out_dir => exposed.prefix.as_deref(),
                _ => continue,
            };
            let asked = survey.is_asked(&found.source);
            if let Some(prefix) = prefix
                && written != Some(prefix)
            {
                if asked {
                    refused.push(found.unread(disagreement(found, written, prefix)));
                }
                continue;
            }
            let source = found.source.file_name().unwrap_or_default();
            for file in found.service.files(&source.to_string_lossy()) {
                wanted.push(Wanted {
                    path: found.source.with_file_name(file.name),
                    text: file.text,
                    found,
                    asked,
                });
            }
        }
        // Names may differ in case only, which is no difference everywhere.
        let mut owners: HashMap<String, &Found> = HashMap::new();
        let mut contested: Vec<String> = Vec::new();
        let mut contested_by = Vec::new();
        for wanted in &wanted {
            let key = wanted.key();
            match owners.get(&key) {
                Some(other) => {
                    let said = contested_by.contains(&(wanted.found.place, &wanted.found.source));
                    let asked = wanted.asked || survey.is_asked(&other.source);
                    if asked && !said {
                        contested_by.push((wanted.found.place, &wanted.found.source));
                        refused.push(wanted.found.unread(wanted.contest(other)));
                    }
                    contested.push(key);
                }
                None => {
                    owners.insert(key, wanted.found);
                }
            }
        }
        let owned = wanted.iter().map(|wanted| wanted.path.clone()).collect();
        let mut files: Vec<(&Found, Planned)> = Vec::new();
        for wanted in wanted {
            if !wanted.asked || contested.contains(&wanted.key()) {
                continue;
            }
            match Planned::of(&wanted) {
                Ok(planned) => files.push((wanted.found, planned)),
                Err(error) => refused.push(
                    wanted
                        .found
                        .unread(format!("cannot read `{}`: {error}", wanted.path.display())),
                ),
            }
        }
        let of_somebody: Vec<&Found> = files
            .iter()
            .filter(|(_, file)| file.state.is_somebodys())
            .map(|(found, _)| *found)
            .collect();
        for (found, file) in &mut files {
            let with_another = of_somebody.iter().any(|other| std::ptr::eq(*other, *found));
            file.held = with_another && !file.state.is_somebodys();
        }
        let files = files.into_iter().map(|(_, file)| file).collect();
        (Self { files, owned }, refused)
    }
}

/// A file that a trait has to have.
struct Wanted<'a> {
    path: PathBuf,
    text: String,
    found: &'a Found,
    asked: bool,
}

impl Wanted<'_> {
    fn key(&self) -> String {
        self.path.to_string_lossy().to_lowercase()
    }

    fn contest(&self, other: &Found) -> String {
        let (line, column) = other.place;
        format!(
            "`{}` would be written to `{}`, and so would `{}` ({}:{line}:{column}): give one of them `exposed(prefix = \"…\")`",
            self.found.service.ident(),
            self.path.file_name().unwrap_or_default().display(),
            other.service.ident(),
            other.source.file_name().unwrap_or_default().display(),
        )
    }
}

fn disagreement(found: &Found, written: Option<&str>, asked: &str) -> String {
    let name = found.service.ident();
    match written {
        Some(written) => format!(
            "`{name}` is exposed with the prefix `{written}`, and -M says `{asked}`: they have to agree"
        ),
        None => format!(
            "`{name}` is exposed without a prefix, and -M says `{asked}`: write `exposed(prefix = \"{asked}\")`, or leave -M away"
        ),
    }
}

impl Planned {
    fn of(wanted: &Wanted<'_>) -> io::Result<Self> {
        // A link stays one.
        let path = wanted
            .path
            .canonicalize()
            .unwrap_or_else(|_| wanted.path.clone());
        let present = match fs::read(&path) {
            Ok(present) => Some(String::from_utf8_lossy(&present).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let state = match &present {
            None => State::Missing,
            Some(present) => State::of(present, &wanted.text),
        };
        Ok(Self {
            path,
            service: wanted.found.service.ident().to_string(),
            source: wanted.found.source.clone(),
            state,
            held: false,
            text: Some(wanted.text.clone()),
            present,
        })
    }

    /// True if the file would be changed; with `force`, also if it is somebody's.
    pub(crate) fn is_changed(&self, force: bool) -> bool {
        match self.state {
            State::Current => force && self.present != self.text,
            State::Missing | State::Stale | State::Leftover => force || !self.held,
            State::Edited | State::Foreign => force,
        }
    }

    /// True if there is nothing to be done.
    pub(crate) fn is_current(&self) -> bool {
        self.state == State::Current
    }

    /// The path, relative to `root`.
    pub(crate) fn shown(&self, root: &Path) -> String {
        self.path
            .strip_prefix(root)
            .unwrap_or(&self.path)
            .display()
            .to_string()
    }

    /// How the file differs from what it has to be.
    pub(crate) fn diff(&self, root: &Path) -> String {
        let path = self.shown(root);
        let side = |text: &Option<String>, letter| match text {
            Some(_) => format!("{letter}/{path}"),
            None => "/dev/null".to_owned(),
        };
        let present = self.present.as_deref().unwrap_or_default();
        TextDiff::from_lines(
            present.replace("\r\n", "\n").as_str(),
            self.text.as_deref().unwrap_or_default(),
        )
        .unified_diff()
        .header(&side(&self.present, 'a'), &side(&self.text, 'b'))
        .to_string()
    }
}

impl State {
    /// True if the file is not this command's alone.
    fn is_somebodys(self) -> bool {
        matches!(self, State::Edited | State::Foreign)
    }

    /// How a file that is there stands to what it has to hold.
    fn of(present: &str, text: &str) -> Self {
        match (Header::read(present), Header::read(text)) {
            (None, _) => State::Foreign,
            (Some(header), _) if header.is_edited(present) => State::Edited,
            (present, wanted) if present == wanted => State::Current,
            _ => State::Stale,
        }
    }
}
