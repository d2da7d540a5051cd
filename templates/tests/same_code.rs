//! The files of a trait are the code that the attribute makes in place.

mod forms;

use std::collections::BTreeMap;

use meshrpc_templates::Service;
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    ImplItem, Item, Path, PathSegment, UseTree, Visibility,
    ext::IdentExt as _,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

#[test]
fn files_hold_the_code_that_is_made_in_place() {
    for service in forms::services() {
        let name = service.ident().to_string();
        let file: syn::File = syn::parse2(service.in_place()).expect("it is Rust");
        let in_place = items(file, &service, &BTreeMap::new());
        let mut in_files = Vec::new();
        for file in service.files("forms.rs") {
            let file: syn::File = syn::parse_str(&file.text).expect("it is Rust");
            let imports = imports(&file);
            in_files.extend(items(file, &service, &imports));
        }
        let mut expected = in_place;
        expected.sort();
        in_files.sort();
        for (expected, found) in expected.iter().zip(&in_files) {
            let same = found
                .bytes()
                .zip(expected.bytes())
                .take_while(|(a, b)| a == b);
            let from = same.count().saturating_sub(60);
            let rest = |text: &str| text.chars().skip(from).take(240).collect::<String>();
            assert!(
                found == expected,
                "of {name}\nin a file: {}\nin place: {}",
                rest(found),
                rest(expected)
            );
        }
        assert_eq!(in_files.len(), expected.len(), "items of {name}");
    }
}

/// The items of client, handler and contract, with every path written out and every name that only
/// one of the two forms has taken for the other's.
fn items(file: syn::File, service: &Service, imports: &BTreeMap<String, Path>) -> Vec<String> {
    let mut found = Vec::new();
    for mut item in file.items {
        match &item {
            Item::Use(_) => continue,
            // The trait, and what is checked of its types, are the attribute's in both forms.
            Item::Trait(item) if item.ident == *service.ident() => continue,
            Item::Const(item) if item.ident == "_" || item.ident == "FINGERPRINT" => continue,
            _ => {}
        }
        Paths(imports).visit_item_mut(&mut item);
        match &mut item {
            Item::Impl(item) => {
                for each in &mut item.items {
                    if let ImplItem::Fn(function) = each {
                        let names = inputs(&function.sig);
                        let tokens = renamed(function.to_token_stream(), &names);
                        *function = syn::parse2(tokens).expect("it is still Rust");
                    }
                }
            }
            Item::Trait(item) => {
                for each in &mut item.items {
                    if let syn::TraitItem::Fn(function) = each {
                        let names = inputs(&function.sig);
                        let tokens = renamed(function.to_token_stream(), &names);
                        *function = syn::parse2(tokens).expect("it is still Rust");
                    }
                }
            }
            _ => {}
        }
        found.push(text(arms(item.to_token_stream())));
    }
    found
}

/// The names of a function's arguments.
fn inputs(signature: &syn::Signature) -> Vec<String> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(input) => Some(input.pat.to_token_stream().to_string()),
        syn::FnArg::Receiver(_) => None,
    });
    typed.collect()
}

/// Arms of the handler, in which arguments are named where they are taken.
fn arms(tokens: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    for token in tokens {
        out.extend([match token {
            TokenTree::Group(group) => {
                let inner = group.stream();
                let taken = taken(&inner);
                let inner = match taken.is_empty() {
                    true => arms(inner),
                    false => renamed(inner, &taken),
                };
                TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner))
            }
            other => other,
        }]);
    }
    out
}

/// `name` of each `let name = …::take!(…)` directly in these tokens.
fn taken(tokens: &TokenStream) -> Vec<String> {
    let text: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut names = Vec::new();
    for (at, token) in text.iter().enumerate() {
        let is = |token: Option<&TokenTree>, word: &str| {
            token.is_some_and(|token| token.to_string() == word)
        };
        if is(Some(token), "take") && is(text.get(at + 1), "!") {
            let back = text[..at].iter().rposition(|t| t.to_string() == "let");
            let name = back.and_then(|back| text.get(back + 1));
            names.extend(name.map(ToString::to_string));
        }
    }
    names
}

/// Each name as `__aN`, but for those that are part of a path or belong to something.
fn renamed(tokens: TokenStream, names: &[String]) -> TokenStream {
    let mut before = String::new();
    tokens
        .into_iter()
        .map(|token| {
            let alone = !before.ends_with("::") && !before.ends_with('.');
            match &token {
                TokenTree::Punct(punct) => before.push(punct.as_char()),
                _ => before.clear(),
            }
            match token {
                TokenTree::Ident(ident) => match names.iter().position(|name| ident == name) {
                    Some(at) if alone => {
                        TokenTree::Ident(Ident::new(&format!("__a{}", at + 1), Span::call_site()))
                    }
                    _ => TokenTree::Ident(ident),
                },
                TokenTree::Group(group) => TokenTree::Group(proc_macro2::Group::new(
                    group.delimiter(),
                    renamed(group.stream(), names),
                )),
                other => other,
            }
        })
        .collect()
}

/// Tokens as text, without what is layout: commas, and braces around the one expression of a closure
/// or an arm.
fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let inner = group.stream();
                let statement = |t: TokenTree| t.to_string() == ";";
                let one = !inner.is_empty() && !inner.clone().into_iter().any(statement);
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace if one && text.ends_with(['|', '>']) => ("", ""),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text = format!("{text} {open}{}{close}", self::text(inner));
            }
            TokenTree::Literal(literal) => match syn::Lit::new(literal) {
                syn::Lit::Str(string) => text.push_str(&format!("{:?}", string.value())),
                other => text.push_str(&format!(" {}", other.to_token_stream())),
            },
            TokenTree::Punct(punct) if punct.as_char() == ',' => text.push(' '),
            TokenTree::Punct(punct) => text.push(punct.as_char()),
            TokenTree::Ident(ident) => text.push_str(&format!(" {ident}")),
        }
    }
    text.replace("  ", " ")
        .replace(" ;", ";")
        .replace("> >", ">>")
        .trim()
        .to_owned()
}

/// What a file imports, by the names it uses.
fn imports(file: &syn::File) -> BTreeMap<String, Path> {
    fn walk(tree: &UseTree, before: &[Ident], found: &mut BTreeMap<String, Path>) {
        let path = |names: &[Ident]| {
            let mut segments: Punctuated<PathSegment, _> = Punctuated::new();
            segments.extend(names.iter().cloned().map(PathSegment::from));
            Path {
                leading_colon: None,
                segments,
            }
        };
        let mut names = before.to_vec();
        match tree {
            UseTree::Path(inner) => {
                names.push(inner.ident.clone());
                walk(&inner.tree, &names, found);
            }
            UseTree::Name(name) => {
                names.push(name.ident.clone());
                found.insert(name.ident.to_string(), path(&names));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    walk(tree, before, found);
                }
            }
            UseTree::Rename(_) | UseTree::Glob(_) => {}
        }
    }
    let mut found = BTreeMap::new();
    for item in &file.items {
        if let Item::Use(item) = item {
            walk(&item.tree, &[], &mut found);
        }
    }
    found
}

/// Paths in one form: `rt::…`, `std::…` from its root, and the prelude's names alone.
struct Paths<'a>(&'a BTreeMap<String, Path>);

const PRELUDE: [&str; 12] = [
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Into",
    "IntoIterator",
    "Send",
    "String",
    "ToOwned",
    "Sync",
    "Vec",
];

impl Paths<'_> {
    fn normal(&self, path: &mut Path) {
        if let Some(first) = path.segments.first()
            && path.leading_colon.is_none()
            && let Some(import) = self.0.get(&first.ident.to_string())
        {
            let rest: Vec<PathSegment> = path.segments.iter().skip(1).cloned().collect();
            let arguments = first.arguments.clone();
            path.segments = import.segments.clone();
            if let Some(last) = path.segments.last_mut() {
                last.arguments = arguments;
            }
            path.segments.extend(rest);
        }
        path.leading_colon = None;
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let skip = match names
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice()
        {
            [.., "__rt", "v1"] => names.len() - 1,
            names => match names.iter().position(|name| *name == "v1") {
                Some(at) => at,
                None if matches!(names.first(), Some(&"std" | &"core")) => {
                    let known = names
                        .iter()
                        .position(|n| PRELUDE.contains(n) || *n == "cfg");
                    known.unwrap_or(1)
                }
                // What a module above the file is from inside of it.
                None if names.len() > 1 && names.first() == Some(&"super") => 1,
                None if names.len() > 1 && names.first() == Some(&"self") => 1,
                None => 0,
            },
        };
        if skip > 0 {
            path.segments = path.segments.iter().skip(skip).cloned().collect();
            if let Some(first) = path.segments.first_mut()
                && first.ident == "v1"
            {
                first.ident = Ident::new("rt", Span::call_site());
            }
        }
        if let Some(first) = path.segments.first()
            && first.ident == "super"
            && path.segments.len() > 1
        {
            path.segments = path.segments.iter().skip(1).cloned().collect();
        }
    }
}

impl VisitMut for Paths<'_> {
    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        self.normal(path);
    }

    fn visit_type_path_mut(&mut self, path: &mut syn::TypePath) {
        let before = path.path.segments.len();
        visit_mut::visit_type_path_mut(self, path);
        if let Some(qself) = &mut path.qself {
            qself.position = (qself.position + path.path.segments.len()).saturating_sub(before);
        }
    }

    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        let before = path.path.segments.len();
        visit_mut::visit_expr_path_mut(self, path);
        if let Some(qself) = &mut path.qself {
            qself.position = (qself.position + path.path.segments.len()).saturating_sub(before);
        }
    }

    fn visit_macro_mut(&mut self, call: &mut syn::Macro) {
        visit_mut::visit_macro_mut(self, call);
        let mut argument = |input: syn::parse::ParseStream<'_>| {
            let ahead = input.fork();
            let word = match ahead.call(Ident::parse_any) {
                Ok(word) if (word == "else" || word == "or") && !ahead.peek(syn::Token![,]) => {
                    Some(input.call(Ident::parse_any)?)
                }
                _ => None,
            };
            let ahead = input.fork();
            let is_type = ahead
                .parse::<syn::Type>()
                .is_ok_and(|ty| ty.to_token_stream().to_string().contains('<'))
                && (ahead.is_empty() || ahead.peek(syn::Token![,]));
            let ahead = input.fork();
            let is_expr = !is_type
                && ahead.parse::<syn::Expr>().is_ok()
                && (ahead.is_empty() || ahead.peek(syn::Token![,]));
            let rest = match is_expr {
                true => {
                    let mut expr: syn::Expr = input.parse()?;
                    self.visit_expr_mut(&mut expr);
                    expr.to_token_stream()
                }
                false => {
                    let mut ty: syn::Type = input.parse()?;
                    self.visit_type_mut(&mut ty);
                    ty.to_token_stream()
                }
            };
            syn::Result::Ok(quote::quote!(#word #rest))
        };
        let parsed = syn::parse::Parser::parse2(
            |input: syn::parse::ParseStream<'_>| {
                let mut list: Vec<TokenStream> = Vec::new();
                while !input.is_empty() {
                    list.push(argument(input)?);
                    if !input.is_empty() {
                        input.parse::<syn::Token![,]>()?;
                    }
                }
                Ok(list)
            },
            call.tokens.clone(),
        );
        if let Ok(list) = parsed {
            call.tokens = quote::quote!(#(#list),*);
        }
    }

    // A file is a module, for which what is private to the trait's is `pub(super)`.
    fn visit_visibility_mut(&mut self, visibility: &mut Visibility) {
        if !matches!(visibility, Visibility::Public(_)) {
            *visibility = Visibility::Inherited;
        }
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<syn::Attribute>) {
        // The module of a file allows what the attribute allows item by item.
        attributes.retain(|attribute| !attribute.path().is_ident("allow"));
        for attribute in attributes {
            match &mut attribute.meta {
                syn::Meta::Path(path) => self.normal(path),
                syn::Meta::List(list) => self.normal(&mut list.path),
                syn::Meta::NameValue(_) => {}
            }
            if let syn::Meta::List(list) = &mut attribute.meta
                && list.path.is_ident("derive")
            {
                let parser = Punctuated::<Path, syn::Token![,]>::parse_terminated;
                if let Ok(mut paths) = syn::parse::Parser::parse2(parser, list.tokens.clone()) {
                    for path in &mut paths {
                        self.normal(path);
                        path.segments = path.segments.iter().last().cloned().into_iter().collect();
                    }
                    list.tokens = paths.to_token_stream();
                }
            }
        }
    }
}
