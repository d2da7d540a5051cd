//! Paths as people write them, from a module below the trait's.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use quote::quote;
use syn::{
    ExprPath, ItemUse, Macro, Path, PathSegment, QSelf, TypePath, Visibility, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::super::print::{self, Argument};

/// Shortens paths: what the prelude has stands alone, what the standard library has is imported
/// unless the trait uses its name for something, and what the trait names from its own module is
/// one module up.
pub(super) struct Shorten<'a> {
    /// Every word of the trait.
    taken: &'a HashSet<String>,
    /// Names of the trait's module, which hide those of the prelude.
    beside: &'a HashSet<String>,
    /// What is imported of each module of the standard library.
    imports: BTreeMap<String, BTreeSet<String>>,
}

/// Names in the prelude, which few modules have another meaning for.
const PRELUDE: [&str; 10] = [
    "AsRef",
    "Box",
    "Clone",
    "Into",
    "IntoIterator",
    "Send",
    "String",
    "Sync",
    "ToOwned",
    "Vec",
];

impl<'a> Shorten<'a> {
    pub(super) fn new(taken: &'a HashSet<String>, beside: &'a HashSet<String>) -> Self {
        Self {
            taken,
            beside,
            imports: BTreeMap::new(),
        }
    }

    /// The import of what was shortened.
    pub(super) fn imports(&self) -> String {
        let mut parts = Vec::new();
        for (module, names) in &self.imports {
            let inner: Vec<&str> = names.iter().map(String::as_str).collect();
            parts.push(match inner.as_slice() {
                ["self"] => module.clone(),
                [one] => format!("{module}::{one}"),
                several => format!("{module}::{{{}}}", several.join(", ")),
            });
        }
        match parts.as_slice() {
            [] => String::new(),
            [one] => format!("\nuse std::{one};\n"),
            several => {
                let line = format!("\nuse std::{{{}}};\n", several.join(", "));
                match line.len() {
                    ..=102 => line,
                    _ => format!("\nuse std::{{\n    {},\n}};\n", several.join(", ")),
                }
            }
        }
    }

    /// `std::module::Name…` or `std::module::function` by what can be imported of it.
    fn import(&mut self, path: &mut Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let is_type = |name: &String| name.starts_with(char::is_uppercase);
        let Some(at) = names.iter().position(is_type) else {
            return;
        };
        // Of modules with well-known names for their types, the module is imported.
        let (from, module, name) = match names.get(1..at) {
            Some([module]) if module == "fmt" || module == "result" || module == "io" => {
                (at - 1, module.clone(), "self".to_owned())
            }
            Some(modules) if !modules.is_empty() => (
                at,
                modules.join("::"),
                names.get(at).cloned().unwrap_or_default(),
            ),
            _ => return,
        };
        let word = if name == "self" { &module } else { &name };
        if self.taken.contains(word) || word == "result" {
            return;
        }
        self.imports.entry(module).or_default().insert(name);
        let rest: Punctuated<PathSegment, _> = path.segments.iter().skip(from).cloned().collect();
        path.segments = rest;
    }
}

impl VisitMut for Shorten<'_> {
    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            match path.segments.first_mut() {
                Some(first) if first.ident == "super" => {
                    path.segments.insert(0, parse_quote!(super));
                    return;
                }
                Some(first) if first.ident == "self" => {
                    *first = parse_quote!(super);
                    return;
                }
                _ => {}
            }
        }
        let root = path
            .segments
            .first()
            .map(|segment| segment.ident.to_string());
        if path.leading_colon.is_none() || !matches!(root.as_deref(), Some("std" | "core")) {
            return;
        }
        path.leading_colon = None;
        let known = path.segments.iter().position(|segment| {
            let name = segment.ident.to_string();
            PRELUDE.contains(&name.as_str()) && !self.beside.contains(&name) || name == "cfg"
        });
        if let Some(known) = known {
            let rest: Punctuated<PathSegment, _> =
                path.segments.iter().skip(known).cloned().collect();
            path.segments = rest;
        } else if let Some(first) = path.segments.first_mut() {
            *first = parse_quote!(std);
            self.import(path);
        }
    }

    /// Arguments that are expressions or types, as those of our own macros.
    fn visit_macro_mut(&mut self, call: &mut Macro) {
        visit_mut::visit_macro_mut(self, call);
        if let Some(mut arguments) = print::arguments(&call.tokens) {
            for argument in &mut arguments {
                match argument {
                    Argument::Expr(written) => self.visit_expr_mut(written),
                    Argument::Type(written) => self.visit_type_mut(written),
                }
            }
            call.tokens = quote!(#(#arguments),*);
        }
    }

    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        let before = path.path.segments.len();
        visit_mut::visit_expr_path_mut(self, path);
        moved(&mut path.qself, before, path.path.segments.len());
    }

    fn visit_type_path_mut(&mut self, path: &mut TypePath) {
        let before = path.path.segments.len();
        visit_mut::visit_type_path_mut(self, path);
        moved(&mut path.qself, before, path.path.segments.len());
    }

    // Written for the file as it is.
    fn visit_visibility_mut(&mut self, _: &mut Visibility) {}

    fn visit_item_use_mut(&mut self, item: &mut ItemUse) {
        if item.leading_colon.is_some() {
            let tree = &item.tree;
            *item = syn::parse2(quote!(use #tree;)).unwrap_or_else(|_| item.clone());
        }
    }
}

/// Keeps the end of `<T as Trait>` where it is, from the end of the path.
fn moved(qself: &mut Option<QSelf>, before: usize, after: usize) {
    if let Some(qself) = qself {
        qself.position = (qself.position + after).saturating_sub(before);
    }
}
