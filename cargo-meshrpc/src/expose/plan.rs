//! What would be written, compared with what is there.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use meshrpc_templates::Header;
use similar::TextDiff;

use super::source::Found;

/// Every file of every trait.
pub(crate) struct Plan {
    pub(crate) files: Vec<Planned>,
}

/// One file.
pub(crate) struct Planned {
    pub(crate) path: PathBuf,
    pub(crate) change: Change,
    pub(crate) text: String,
    present: Option<String>,
}

/// What has to be done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: it is as it would be written.
    None,
    /// It is not there.
    Create,
    /// It is ours, and old.
    Overwrite,
    /// It is ours, and was edited by hand.
    Edited,
    /// It is not ours.
    Foreign,
}

impl Plan {
    /// The plan for some traits, and what is wrong with the others.
    pub(crate) fn of(found: &[Found], prefix: Option<&str>) -> (Self, Vec<String>) {
        let mut files = Vec::new();
        let mut refused = Vec::new();
        let mut owners: HashMap<PathBuf, &Found> = HashMap::new();
        for found in found {
            let name = found.service.ident();
            let written = found
                .service
                .options
                .exposed
                .as_ref()
                .and_then(|e| e.prefix.as_deref());
            if let Some(prefix) = prefix
                && written != Some(prefix)
            {
                refused.push(format!(
                    "`{name}` in {} is not exposed with this prefix: write `exposed(prefix = \"{prefix}\")`, or leave -M away",
                    found.source.display(),
                ));
                continue;
            }
            let source = found
                .source
                .file_name()
                .unwrap_or_default()
                .to_string_lossy();
            for file in found.service.files(&source) {
                let path = found.source.with_file_name(&file.name);
                if let Some(other) = owners.insert(path.clone(), found) {
                    refused.push(format!(
                        "`{name}` in {} and `{}` in {} would both be written to `{}`: give one of them `exposed(prefix = \"…\")`",
                        found.source.display(),
                        other.service.ident(),
                        other.source.display(),
                        file.name,
                    ));
                    continue;
                }
                match Planned::of(path, file.text) {
                    Ok(planned) => files.push(planned),
                    Err(error) => refused.push(format!("{error:#}")),
                }
            }
        }
        (Self { files }, refused)
    }
}

impl Planned {
    fn of(path: PathBuf, text: String) -> Result<Self> {
        let present = match fs::read_to_string(&path) {
            Ok(present) => Some(present.replace("\r\n", "\n")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let change = match &present {
            None => Change::Create,
            Some(present) if *present == text => Change::None,
            Some(present) => match Header::read(present) {
                None => Change::Foreign,
                Some(header) if header.edited => Change::Edited,
                Some(_) => Change::Overwrite,
            },
        };
        Ok(Self {
            path,
            change,
            text,
            present,
        })
    }

    /// Writes the file as a whole or not at all.
    pub(crate) fn write(&self) -> Result<()> {
        let write = || -> std::io::Result<()> {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            let mut builder = tempfile::Builder::new();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                // As any new file; temporary ones are for their owner only.
                builder.permissions(fs::Permissions::from_mode(0o666));
            }
            let mut file = builder.prefix(".meshrpc-").tempfile_in(folder)?;
            file.write_all(self.text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write `{}`", self.path.display()))
    }

    /// The path, relative to `root`.
    pub(crate) fn shown(&self, root: &Path) -> String {
        self.path
            .strip_prefix(root)
            .unwrap_or(&self.path)
            .display()
            .to_string()
    }

    /// How the file differs from what would be written.
    pub(crate) fn diff(&self, root: &Path) -> String {
        let path = self.shown(root);
        let from = if self.present.is_some() {
            format!("a/{path}")
        } else {
            "/dev/null".into()
        };
        TextDiff::from_lines(self.present.as_deref().unwrap_or_default(), &self.text)
            .unified_diff()
            .header(&from, &format!("b/{path}"))
            .to_string()
    }
}

impl Change {
    /// True for files that are only overwritten on request.
    pub(crate) fn is_protected(self) -> bool {
        matches!(self, Change::Edited | Change::Foreign)
    }
}
