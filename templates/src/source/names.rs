//! The names that a module has of its own.

use std::collections::HashSet;

use syn::{Item, UseTree};

/// Those of its items and imports. What comes of a glob or of a macro cannot be seen.
pub(super) fn of(items: &[Item]) -> HashSet<String> {
    let mut names = HashSet::new();
    for item in items {
        let ident = match item {
            Item::Use(item) => {
                imported(&item.tree, &mut names);
                continue;
            }
            Item::Enum(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::TraitAlias(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            _ => continue,
        };
        names.insert(ident.to_string());
    }
    names
}

fn imported(tree: &UseTree, names: &mut HashSet<String>) {
    match tree {
        UseTree::Path(path) => imported(&path.tree, names),
        UseTree::Name(name) => {
            names.insert(name.ident.to_string());
        }
        UseTree::Rename(rename) => {
            names.insert(rename.rename.to_string());
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                imported(tree, names);
            }
        }
        UseTree::Glob(_) => {}
    }
}
