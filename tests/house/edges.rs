//! Dependencies inside of the runtime run one way, in the order that `CONTRIBUTING.md` states.
//!
//! Test modules obey as well: a test that needs what stands above tests something that belongs
//! there. Links in documentation are no dependencies.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    ItemMod, ItemUse, Macro, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::{parsed, read, report, sources};

const RUNTIME: &str = "meshrpc-runtime/src";

/// Edges that stay although they point up: the file, what it uses, why.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

#[test]
fn dependencies_run_one_way() {
    let order = Order::stated();
    let roots = root_names();
    let mut complaints = Vec::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    for file in sources(RUNTIME) {
        let module = module_of(&file);
        let Some(folder) = module.first().cloned() else {
            continue;
        };
        for edge in edges(&file, module) {
            let target = match roots.get(&edge.target) {
                Some(folder) => folder,
                // The root holds what generated code calls under names of this form.
                None if edge.target.starts_with("__") => "rt",
                None => &edge.target,
            };
            let allowed = EXCEPTIONS
                .iter()
                .position(|(from, to, _)| *from == file && *to == target);
            if let Some(allowed) = allowed {
                used[allowed] = true;
            } else if let Err(why) = order.check(&folder, target) {
                complaints.push(format!("{file}:{}: {why}", edge.line));
            }
        }
    }
    for (used, (file, target, _)) in used.into_iter().zip(EXCEPTIONS) {
        if !used {
            complaints.push(format!(
                "{file} does not use `{target}` any more: remove the exception"
            ));
        }
    }
    report(&complaints);
}

#[test]
fn an_edge_that_points_up_is_found_however_it_is_written() {
    let order = Order::parse("error ← wire ← client, server ← mesh");
    let module = || vec!["client".to_owned(), "pool".to_owned()];
    let found = |code: &str| -> Vec<String> {
        let file = syn::parse_file(code).expect("the test's own code parses");
        let edges = Edges::of(&file, module());
        edges.into_iter().map(|edge| edge.target).collect()
    };
    for code in [
        "use crate::mesh::Mesh;",
        "use crate::{error::Error, mesh};",
        "use super::super::mesh::Mesh;",
        "fn f() -> crate::mesh::Mesh { make() }",
        "fn f() { println!(\"{:?}\", crate::mesh::X); }",
        "mod tests { use super::super::super::mesh::Mesh; }",
        "pub(crate) use crate::mesh::Mesh as M;",
    ] {
        let up = found(code)
            .into_iter()
            .filter(|target| order.check("client", target).is_err());
        assert_eq!(up.collect::<Vec<_>>(), ["mesh"], "{code}");
    }
    let down = found("use super::lane::Lane; use crate::{client::Call, error::Error};");
    assert!(
        down.iter()
            .all(|target| order.check("client", target).is_ok()),
        "{down:?}"
    );
    assert!(
        order.check("client", "server").is_err(),
        "neighbours do not use each other"
    );
    assert!(
        order.check("cellar", "error").is_err(),
        "a folder without a place"
    );
}

/// Folders by rank, the lowest first.
struct Order(Vec<Vec<String>>);

impl Order {
    fn stated() -> Self {
        let text = read("CONTRIBUTING.md");
        let line = text.lines().find(|line| line.starts_with("error ←"));
        Self::parse(line.expect("CONTRIBUTING.md states the order of the folders"))
    }

    fn parse(line: &str) -> Self {
        let names = |rank: &str| rank.split(',').map(|name| name.trim().to_owned()).collect();
        Self(line.split('←').map(names).collect())
    }

    fn rank(&self, folder: &str) -> Result<usize, String> {
        self.0
            .iter()
            .position(|names| names.iter().any(|name| name == folder))
            .ok_or_else(|| {
                format!("`{folder}` has no place in the order: give it one in CONTRIBUTING.md")
            })
    }

    /// Whether code in `from` may use `to`.
    fn check(&self, from: &str, to: &str) -> Result<(), String> {
        let (here, there) = (self.rank(from)?, self.rank(to)?);
        if from == to || there < here {
            return Ok(());
        }
        let what_to_do = "move what is used to where both can see it, or pass it in";
        Err(if there == here {
            format!("`{from}` uses its neighbour `{to}`: {what_to_do}")
        } else {
            format!("`{from}` uses `{to}`, which stands above it: {what_to_do}")
        })
    }
}

/// One use of another folder.
struct Edge {
    line: usize,
    target: String,
}

/// Collects what code names of this crate, as the first segment below the crate's root.
struct Edges {
    module: Vec<String>,
    found: Vec<Edge>,
}

fn edges(file: &str, module: Vec<String>) -> Vec<Edge> {
    Edges::of(&parsed(file), module)
}

impl Edges {
    fn of(file: &syn::File, module: Vec<String>) -> Vec<Edge> {
        let mut edges = Edges {
            module,
            found: Vec::new(),
        };
        edges.visit_file(file);
        edges.found
    }

    /// Notes the path of these segments, if it leads through the crate's root.
    fn note(&mut self, segments: &[(String, usize)]) {
        let mut segments = segments.iter().peekable();
        let mut here: Vec<&str> = match segments.peek().map(|(name, _)| name.as_str()) {
            Some("crate") => Vec::new(),
            Some("super") => self.module.iter().map(String::as_str).collect(),
            _ => return,
        };
        for (name, line) in segments {
            match name.as_str() {
                "crate" | "self" => {}
                "super" => {
                    here.pop();
                }
                name => {
                    let target = here.first().copied().unwrap_or(name).to_owned();
                    self.found.push(Edge {
                        line: *line,
                        target,
                    });
                    return;
                }
            }
        }
    }

    fn note_tree(&mut self, tree: &UseTree, prefix: &mut Vec<(String, usize)>) {
        let mut with = |edges: &mut Self, ident: &proc_macro2::Ident, rest: Option<&UseTree>| {
            prefix.push((ident.to_string(), ident.span().start().line));
            match rest {
                Some(rest) => edges.note_tree(rest, prefix),
                None => edges.note(prefix),
            }
            prefix.pop();
        };
        match tree {
            UseTree::Path(path) => with(self, &path.ident, Some(&path.tree)),
            UseTree::Name(name) => with(self, &name.ident, None),
            UseTree::Rename(rename) => with(self, &rename.ident, None),
            UseTree::Glob(_) => self.note(prefix),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_tree(tree, prefix);
                }
            }
        }
    }

    /// Paths inside of a macro's call or definition.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<(String, usize)> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.note(&std::mem::take(&mut path));
                    }
                    path.push((ident.to_string(), ident.span().start().line));
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.note(&std::mem::take(&mut path));
                    self.note_tokens(group.stream());
                }
                _ => self.note(&std::mem::take(&mut path)),
            }
        }
        self.note(&path);
    }
}

impl<'ast> Visit<'ast> for Edges {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segment = |ident: &proc_macro2::Ident| (ident.to_string(), ident.span().start().line);
        let segments: Vec<_> = path
            .segments
            .iter()
            .map(|part| segment(&part.ident))
            .collect();
        self.note(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.note_tokens(call.tokens.clone());
    }

    // `pub(super)` and `pub(in crate::rt)` are no dependencies.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// `meshrpc-runtime/src/client/pool/mod.rs` is `client::pool`.
fn module_of(file: &str) -> Vec<String> {
    let path = file
        .strip_prefix(RUNTIME)
        .and_then(|path| path.strip_suffix(".rs"))
        .unwrap_or(file);
    let mut module: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    if module
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        module.pop();
    }
    module
}

/// What the crate's root names, by the folder it comes from: `Error` stands for `error`.
fn root_names() -> BTreeMap<String, String> {
    fn leaves(tree: &UseTree, folder: Option<&str>, into: &mut BTreeMap<String, String>) {
        match tree {
            UseTree::Path(path) => {
                let name = path.ident.to_string();
                let folder = match (folder, name.as_str()) {
                    (None, "crate" | "self") => None,
                    (None, name) => Some(name),
                    (Some(folder), _) => Some(folder),
                };
                leaves(&path.tree, folder, into);
            }
            UseTree::Name(name) => {
                into.extend(folder.map(|folder| (name.ident.to_string(), folder.to_owned())));
            }
            UseTree::Rename(name) => {
                into.extend(folder.map(|folder| (name.rename.to_string(), folder.to_owned())));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    leaves(tree, folder, into);
                }
            }
            UseTree::Glob(_) => {}
        }
    }
    let mut names = BTreeMap::new();
    for item in parsed(&format!("{RUNTIME}/lib.rs")).items {
        if let syn::Item::Use(item) = item {
            leaves(&item.tree, None, &mut names);
        }
    }
    names
}
