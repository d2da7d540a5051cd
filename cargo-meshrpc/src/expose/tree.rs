//! The tree of actions.

use std::{collections::BTreeMap, path::Path};

use termtree::Tree;

use super::plan::{Change, Planned};

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
        let verb = match file.change {
            Change::Create => "create",
            _ => "overwrite",
        };
        let action = format!(
            "[{}] {verb} file {name} with {} lines of content",
            index + 1,
            file.text.lines().count()
        );
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
