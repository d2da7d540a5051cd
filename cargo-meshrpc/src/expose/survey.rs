//! The traits of a workspace, and the files around them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;
use meshrpc_templates::source::{Found, Unread, Walk};

/// What was found where it was asked for.
pub(crate) struct Survey {
    /// Folder of the workspace.
    pub(crate) workspace: PathBuf,
    /// Every exposed trait of the packages; see [`Survey::is_asked`].
    pub(crate) found: Vec<Found>,
    /// What could not be read, wherever it stands: a trait that was asked for may be behind it.
    pub(crate) unread: Vec<Unread>,
    /// Every module of the packages.
    pub(crate) visited: BTreeSet<PathBuf>,
    within: Vec<PathBuf>,
}

impl Survey {
    /// Walks the packages of the workspace around `root`, or the one named.
    pub(crate) fn of(root: &Path, package: Option<&str>, sources: &[PathBuf]) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .no_deps()
            .exec()
            .with_context(|| format!("`{}` is not in a cargo project", root.display()))?;
        let within = sources
            .iter()
            .map(|source| {
                let path = root.join(source);
                path.canonicalize()
                    .with_context(|| format!("there is no `{}`", path.display()))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut packages = metadata.workspace_packages();
        if let Some(name) = package {
            packages.retain(|package| package.name.as_str() == name);
            anyhow::ensure!(
                !packages.is_empty(),
                "the workspace has no package `{name}`"
            );
        }
        let mut walk = Walk::default();
        for target in packages.iter().flat_map(|package| &package.targets) {
            walk.crate_root(target.src_path.as_std_path());
        }
        let survey = Self {
            workspace: metadata.workspace_root.clone().into_std_path_buf(),
            found: walk.found,
            unread: walk.unread,
            visited: walk.visited,
            within,
        };
        for (source, path) in sources.iter().zip(&survey.within) {
            let known = survey.visited.iter().any(|file| file.starts_with(path));
            // A module above it may be what could not be read.
            anyhow::ensure!(
                known || !survey.unread.is_empty(),
                "`{}` holds no module of a package here",
                source.display()
            );
        }
        Ok(survey)
    }

    /// True for files that were asked for.
    pub(crate) fn is_asked(&self, file: &Path) -> bool {
        self.within.is_empty() || self.within.iter().any(|within| file.starts_with(within))
    }

    /// The folders in which generated files can stand.
    pub(crate) fn folders(&self) -> BTreeSet<&Path> {
        self.visited
            .iter()
            .filter_map(|file| file.parent())
            .collect()
    }

    /// True if there is nothing to be said of the traits in `source`, since it could not be read.
    pub(crate) fn is_unread(&self, source: &Path) -> bool {
        self.unread.iter().any(|unread| unread.source == source)
    }
}
