//! Generated code as files that people read.

mod header;

use prettyplease::unparse;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Item, Path, PathSegment, Type, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

pub use header::Header;

use super::Output;
use crate::model::hex;

/// A generated file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, beside the trait's file.
    pub name: String,
    /// Its contents, header and all.
    pub text: String,
}

impl Output<'_> {
    pub(super) fn print(&self, name: String, source: &str, tokens: &TokenStream) -> File {
        let runtime = Self::runtime(self.service);
        let fingerprint: TokenStream = format!("0x{}", hex(self.service.fingerprint()))
            .parse()
            .unwrap_or_default();
        let mut file: syn::File = parse_quote! {
            use super::*;
            use #runtime as rt;
            /// Which version of the trait this file was generated from.
            pub(super) const FINGERPRINT: u64 = #fingerprint;
            #tokens
        };
        Shorten.visit_file_mut(&mut file);
        let mut body = String::new();
        let mut after_use = false;
        for item in file.items {
            let is_use = matches!(item, Item::Use(_));
            if !(is_use && after_use) {
                body.push('\n');
            }
            after_use = is_use;
            body.push_str(&spaced(&unparse(&syn::File {
                shebang: None,
                frontmatter: None,
                attrs: Vec::new(),
                items: vec![item],
            })));
        }
        for (index, ty) in self.types.borrow().iter().enumerate() {
            body = body.replace(&placeholder(index).to_string(), ty);
        }
        let text = Header::write(
            &self.service.ident().to_string(),
            source,
            self.service.fingerprint(),
            &body,
        );
        File { name, text }
    }
}

/// What stands for a type until the file is printed.
pub(super) fn placeholder(index: usize) -> Ident {
    format_ident!("__MeshType{index:04}__")
}

pub(super) fn print_type(ty: &Type) -> String {
    let mut ty = ty.clone();
    Shorten.visit_type_mut(&mut ty);
    let file: syn::File = parse_quote!(type T = #ty;);
    let text = unparse(&file);
    let text = text
        .trim()
        .trim_start_matches("type T = ")
        .trim_end_matches(';');
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A blank line between the functions of an `impl`, which the printer leaves out.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        spaced.push_str(line);
        spaced.push('\n');
        if line == "    }" && lines.peek().is_some_and(|next| *next != "}") {
            spaced.push('\n');
        }
    }
    spaced
}

/// Paths as people write them, from a module below the trait's.
struct Shorten;

/// Names in the prelude that users do not redefine.
const PRELUDE: [&str; 8] = [
    "AsRef",
    "Clone",
    "Into",
    "IntoIterator",
    "Send",
    "String",
    "Sync",
    "Vec",
];

impl VisitMut for Shorten {
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
            PRELUDE.contains(&name.as_str()) || name == "cfg"
        });
        if let Some(known) = known {
            let rest: Punctuated<PathSegment, _> =
                path.segments.iter().skip(known).cloned().collect();
            path.segments = rest;
        } else if let Some(first) = path.segments.first_mut() {
            *first = parse_quote!(std);
        }
    }

    // Written for the file as it is.
    fn visit_visibility_mut(&mut self, _: &mut syn::Visibility) {}

    fn visit_item_use_mut(&mut self, item: &mut syn::ItemUse) {
        if item.leading_colon.is_some() {
            let tree = &item.tree;
            *item = syn::parse2(quote!(use #tree;)).unwrap_or_else(|_| item.clone());
        }
    }
}
