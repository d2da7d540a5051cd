//! Finds the traits of a crate by walking its modules as the compiler would.
//!
//! Both sides of every `cfg` are walked, and every path a `cfg_attr` may give. Traits that a macro
//! makes cannot be seen; one inside a function cannot have files beside it, and is refused.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

use meshrpc_templates::Service;
use syn::{
    Attribute, Expr, ExprLit, Item, ItemMod, ItemTrait, Lit, Meta, Token,
    parse::Parser as _,
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// An exposed trait.
pub(crate) struct Found {
    pub(crate) service: Service,
    /// The file it stands in.
    pub(crate) source: PathBuf,
}

/// What could not be read, and where.
pub(crate) struct Unread {
    source: PathBuf,
    line: Option<(usize, usize)>,
    message: String,
}

/// A walk over crates, which visits no file twice.
#[derive(Default)]
pub(crate) struct Walk {
    visited: HashSet<PathBuf>,
    found: Vec<Found>,
    errors: Vec<Unread>,
}

impl Walk {
    /// Walks a crate from its root.
    pub(crate) fn crate_root(&mut self, root: &Path) {
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        self.file(root, &folder);
    }

    /// What was found, and what could not be read.
    pub(crate) fn finish(self) -> (Vec<Found>, Vec<Unread>) {
        (self.found, self.errors)
    }

    /// Walks a file whose child modules stand in `children`.
    fn file(&mut self, path: &Path, children: &Path) {
        let Ok(path) = path.canonicalize() else {
            return;
        };
        if !self.visited.insert(path.clone()) {
            return;
        }
        let parsed = std::fs::read_to_string(&path)
            .map_err(|error| Unread {
                source: path.clone(),
                line: None,
                message: error.to_string(),
            })
            .and_then(|text| syn::parse_file(&text).map_err(|error| Unread::at(&path, &error)));
        match parsed {
            Ok(file) => {
                let beside = path.parent().unwrap_or(Path::new("")).to_owned();
                self.items(&file.items, &path, &beside, children);
            }
            Err(error) => self.errors.push(error),
        }
    }

    /// Walks items. `#[path]` is relative to `beside`, child modules stand in `children`.
    fn items(&mut self, items: &[Item], path: &Path, beside: &Path, children: &Path) {
        for item in items {
            match item {
                Item::Mod(module) => self.module(module, path, beside, children),
                Item::Trait(item) => self.take(item, path),
                other => {
                    let mut hidden = Hidden { errors: Vec::new() };
                    hidden.visit_item(other);
                    self.errors
                        .extend(hidden.errors.iter().map(|error| Unread::at(path, error)));
                }
            }
        }
    }

    fn module(&mut self, module: &ItemMod, path: &Path, beside: &Path, children: &Path) {
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#");
        if let Some((_, items)) = &module.content {
            let folder = children.join(name);
            return self.items(items, path, &folder, &folder);
        }
        for given in given_paths(&module.attrs) {
            let file = beside.join(given);
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            self.file(&file, &folder);
        }
        let folder = children.join(name);
        self.file(&children.join(format!("{name}.rs")), &folder);
        self.file(&folder.join("mod.rs"), &folder);
    }

    fn take(&mut self, item: &ItemTrait, path: &Path) {
        let found = match Service::find_options(item) {
            Ok(Some(options)) if options.exposed.is_some() => Service::find(item),
            Ok(_) => return,
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(service)) => self.found.push(Found {
                service,
                source: path.to_owned(),
            }),
            Ok(None) => {}
            Err(error) => self
                .errors
                .extend(error.into_iter().map(|error| Unread::at(path, &error))),
        }
    }
}

impl Unread {
    fn at(source: &Path, error: &syn::Error) -> Self {
        let start = error.span().start();
        Self {
            source: source.to_owned(),
            line: Some((start.line, start.column + 1)),
            message: error.to_string(),
        }
    }

    /// With the path relative to `root`.
    pub(crate) fn shown(&self, root: &Path) -> impl fmt::Display {
        let path = self
            .source
            .strip_prefix(root)
            .unwrap_or(&self.source)
            .display();
        match self.line {
            Some((line, column)) => format!("{path}:{line}:{column}: {}", self.message),
            None => format!("{path}: {}", self.message),
        }
    }
}

/// Looks for exposed traits where they cannot have files.
struct Hidden {
    errors: Vec<syn::Error>,
}

impl<'ast> Visit<'ast> for Hidden {
    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        if let Ok(Some(options)) = Service::find_options(item)
            && options.exposed.is_some()
        {
            self.errors.push(syn::Error::new(
                item.ident.span(),
                "files cannot be included inside a function: write `#[mesh_service]` without `exposed`, or move the trait out",
            ));
        }
        visit::visit_item_trait(self, item);
    }
}

/// What `#[path = "…"]` gives, also inside `cfg_attr`.
fn given_paths(attributes: &[Attribute]) -> Vec<String> {
    let mut paths = Vec::new();
    for attribute in attributes {
        paths.extend(given_path(&attribute.meta));
        if let Meta::List(list) = &attribute.meta
            && list.path.is_ident("cfg_attr")
            && let Ok(metas) =
                Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone())
        {
            paths.extend(metas.iter().skip(1).filter_map(given_path));
        }
    }
    paths
}

fn given_path(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}
