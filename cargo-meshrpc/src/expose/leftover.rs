//! Files of traits that are gone: deleted, renamed, moved, or no longer exposed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use meshrpc_templates::Header;

use super::{
    plan::{Plan, Planned, State},
    survey::Survey,
};

/// Adds what is left over to the plan.
///
/// A file is left over if it says that it was generated from a trait of a source beside it, no trait
/// wants it, and the source is gone or was read as a whole. One that exists but is no module of the
/// packages may belong to something that was not looked at.
pub(crate) fn add(plan: &mut Plan, survey: &Survey, prefix: Option<&str>) {
    for folder in survey.folders() {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if is_asked(&path, prefix)
                && !plan.owned.contains(&path)
                && let Some(planned) = leftover(path, survey)
            {
                plan.files.push(planned);
            }
        }
    }
}

fn is_asked(path: &Path, prefix: Option<&str>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("_gen.rs")
        && prefix.is_none_or(|prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('_'))
        })
}

fn leftover(path: PathBuf, survey: &Survey) -> Option<Planned> {
    if survey.visited.contains(&path) {
        return None;
    }
    let present = fs::read_to_string(&path).ok()?;
    let header = Header::read(&present)?;
    let source = path.with_file_name(&header.source);
    let read = survey.visited.contains(&source) && !survey.is_unread(&source);
    if !read && source.exists() || !(survey.is_asked(&path) || survey.is_asked(&source)) {
        return None;
    }
    let state = match header.is_edited(&present) {
        true => State::Edited,
        false => State::Leftover,
    };
    Some(Planned {
        path,
        service: header.service,
        source,
        state,
        held: false,
        text: None,
        present: Some(present),
    })
}
