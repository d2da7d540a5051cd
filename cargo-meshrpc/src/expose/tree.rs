//! The tree of actions.

use std::{collections::BTreeMap, path::Path};

use termtree::Tree;

use super::plan::{Planned, State};

/// Actions as a tree of folders, numbered in the order in which they are done.
pub(crate) fn of(files: &[&Planned], root: &Path) -> Tree<String> {
    let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let folder = file.path.parent().unwrap_or(root);
        let folder = folder
            .strip_prefix(root)
            .unwrap_or(folder)
            .display()
            .to_string();
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let number = index + 1;
        let lines = file.text.as_ref().map(|text| text.lines().count());
        let action = match (lines, file.state) {
            (Some(lines), State::Missing) => {
                format!("[{number}] create file {name} with {lines} lines of content")
            }
            (Some(lines), state) => format!(
                "[{number}] overwrite file {name} with {lines} lines of content{}",
                lost(state)
            ),
            (None, state) => format!(
                "[{number}] remove file {name}, for `{}` is no longer exposed in {}{}",
                file.service,
                file.source.file_name().unwrap_or_default().display(),
                lost(state)
            ),
        };
        folders.entry(folder).or_default().push(action);
    }
    let mut tree = Tree::new("Actions to be committed".to_owned());
    for (folder, actions) in folders {
        let name = if folder.is_empty() {
            ".".to_owned()
        } else {
            folder
        };
        tree.push(Tree::new(name).with_leaves(actions));
    }
    tree
}

/// What is lost by an action, if it is somebody's work.
fn lost(state: State) -> &'static str {
    match state {
        State::Edited => ", losing what was edited by hand",
        State::Foreign => ", losing what was not written by this command",
        _ => "",
    }
}
