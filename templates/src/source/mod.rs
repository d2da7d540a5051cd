//! Finds the traits of crates by walking their modules as the compiler would.
//!
//! Both sides of every `cfg` are walked, and every path a `cfg_attr` may give. Traits that a macro
//! makes cannot be seen; one inside a function cannot have files beside it, and is refused.

mod hidden;
mod names;

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Expr, ExprLit, Item, ItemMod, ItemTrait, Lit, Meta, Token, parse::Parser as _,
    punctuated::Punctuated, visit::Visit as _,
};

pub use hidden::why_not_found;

use crate::Service;

/// An exposed trait.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it says.
    pub service: Service,
    /// The file it stands in, as an absolute path.
    pub source: PathBuf,
    /// Line and column of its name, from 1.
    pub place: (usize, usize),
}

/// What could not be read or cannot be exposed, and where.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The file, as an absolute path.
    pub source: PathBuf,
    /// Line and column, from 1; nothing if the file could not be opened.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

/// A walk over crates, which visits no file twice.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// The exposed traits, in the order of the modules.
    pub found: Vec<Found>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Every file that is a module of the crates.
    pub visited: BTreeSet<PathBuf>,
}

impl Walk {
    /// Walks a crate from its root, such as `src/lib.rs`. A root that is not there is none.
    pub fn crate_root(&mut self, root: &Path) {
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        self.file(root, &folder);
    }

    /// Walks a file whose child modules stand in `children`.
    fn file(&mut self, path: &Path, children: &Path) {
        let Ok(path) = path.canonicalize() else {
            return;
        };
        if !self.visited.insert(path.clone()) {
            return;
        }
        let beside = path.parent().unwrap_or(Path::new("")).to_owned();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                self.unread.push(Unread {
                    source: path,
                    place: None,
                    message: error.to_string(),
                });
                return;
            }
        };
        match syn::parse_file(&text) {
            Ok(file) => self.items(&file.items, &path, &beside, children),
            Err(error) => {
                self.unread.push(Unread::at(&path, &error));
                // Its modules can be read all the same.
                for name in text.lines().filter_map(declared) {
                    self.named(name, children);
                }
            }
        }
    }

    /// Walks items. `#[path]` is relative to `beside`, child modules stand in `children`.
    fn items(&mut self, items: &[Item], path: &Path, beside: &Path, children: &Path) {
        for item in items {
            match item {
                Item::Mod(module) => self.module(module, path, beside, children),
                Item::Trait(item) => self.take(item, items, path),
                other => {
                    let mut hidden = hidden::Hidden::default();
                    hidden.visit_item(other);
                    self.unread
                        .extend(hidden.errors.iter().map(|error| Unread::at(path, error)));
                }
            }
        }
    }

    fn module(&mut self, module: &ItemMod, path: &Path, beside: &Path, children: &Path) {
        let name = crate::model::plain(&module.ident);
        if let Some((_, items)) = &module.content {
            let folder = children.join(name);
            return self.items(items, path, &folder, &folder);
        }
        for given in given_paths(&module.attrs) {
            let file = beside.join(given);
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            self.file(&file, &folder);
        }
        self.named(&name, children);
    }

    /// Walks the file of `mod name;`.
    fn named(&mut self, name: &str, children: &Path) {
        let folder = children.join(name);
        self.file(&children.join(format!("{name}.rs")), &folder);
        self.file(&folder.join("mod.rs"), &folder);
    }

    fn take(&mut self, item: &ItemTrait, beside: &[Item], path: &Path) {
        let found = match Service::find_options(item) {
            Ok(Some(options)) if options.exposed.is_some() => Service::find(item),
            Ok(_) => return,
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(mut service)) => {
                service.beside = names::of(beside);
                self.found.push(Found {
                    service,
                    source: path.to_owned(),
                    place: place(item.ident.span()),
                });
            }
            Ok(None) => {}
            Err(error) => self
                .unread
                .extend(error.into_iter().map(|error| Unread::at(path, &error))),
        }
    }
}

impl Found {
    /// What is wrong with the trait, at its name.
    pub fn unread(&self, message: String) -> Unread {
        Unread {
            source: self.source.clone(),
            place: Some(self.place),
            message,
        }
    }
}

impl Unread {
    fn at(source: &Path, error: &syn::Error) -> Self {
        Self {
            source: source.to_owned(),
            place: Some(place(error.span())),
            message: error.to_string(),
        }
    }

    /// As one line, with the path relative to `root`.
    pub fn shown(&self, root: &Path) -> impl fmt::Display + use<> {
        let path = self
            .source
            .strip_prefix(root)
            .unwrap_or(&self.source)
            .display();
        match self.place {
            Some((line, column)) => format!("{path}:{line}:{column}: {}", self.message),
            None => format!("{path}: {}", self.message),
        }
    }
}

fn place(span: proc_macro2::Span) -> (usize, usize) {
    let start = span.start();
    (start.line, start.column + 1)
}

/// The name in a line that says `mod name;`, for files that do not parse.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = match line.strip_prefix("pub") {
        Some(rest) => {
            let rest = rest.trim_start();
            match rest.strip_prefix('(') {
                Some(restricted) => restricted.split_once(')')?.1,
                None => rest,
            }
        }
        None => line,
    };
    let name = line.trim_start().strip_prefix("mod ")?.split(';').next()?;
    let name = name.trim();
    let name = name.strip_prefix("r#").unwrap_or(name);
    (line.contains(';') && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(name)
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
