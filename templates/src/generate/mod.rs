//! Code from a trait.
//!
//! Everything is written with absolute paths, as a macro has to. For files, the module `file` shortens the
//! paths, and `print` lays the result out.

mod checks;
mod client;
mod contract;
mod docs;
mod file;
mod handler;
mod instance;
mod interface;
mod object;
mod print;
mod refused;

use std::{collections::HashSet, path::Path};

use heck::{ToShoutySnakeCase as _, ToSnakeCase as _};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote};
use syn::{VisRestricted, Visibility, parse_quote};

pub use file::{File, Header};

use crate::model::{Argument, Method, Reply, Service, hex};

impl Service {
    /// Everything `#[mesh_service]` expands to: the trait, the client, the handler, the contract.
    pub fn in_place(&self) -> TokenStream {
        let output = Output::new(self, Target::Macro);
        let (interface, checks) = (output.interface(), output.checks());
        let (contract, handler, client) = (output.contract(), output.handler(), output.client());
        let objects = output.objects();
        quote! {
            #interface
            #contract
            #handler
            #client
            #objects
            #checks
        }
    }

    /// What `#[mesh_service(exposed)]` expands to when its files are there: the trait, and the
    /// files as modules beside it. They are looked for in `folder`, relative to the trait's file.
    pub fn included(&self, folder: &Path) -> TokenStream {
        let output = Output::new(self, Target::Macro);
        let (interface, checks) = (output.interface(), output.checks());
        let vis = self.visibility();
        let names = [
            vec![output.handler_ident(), output.contract_ident()],
            std::iter::once(output.client_ident())
                .chain(self.options.dynamic.as_ref().map(|_| output.object_ident()))
                .collect(),
        ];
        let modules = self
            .file_names()
            .into_iter()
            .zip(names)
            .map(|(file, names)| {
                let module = Ident::new(file.trim_end_matches(".rs"), Span::call_site());
                let fingerprint = self.fingerprint();
                let stale = self.stale_message(&file);
                let file = folder.join(file).display().to_string();
                quote! {
                    #[allow(
                        dead_code, deprecated, unused_imports, unused_qualifications,
                        clippy::all, clippy::pedantic, clippy::nursery
                    )]
                    mod #module {
                        include!(#file);
                    }
                    #[doc(inline)]
                    #[allow(unused_imports)]
                    #vis use #module::{#(#names),*};
                    const _: () = ::core::assert!(#module::FINGERPRINT == #fingerprint, #stale);
                }
            });
        quote! {
            #interface
            #(#modules)*
            #checks
        }
    }

    /// The handler's file and the client's, for a trait in the file named `source`.
    pub fn files(&self, source: &str) -> [File; 2] {
        let [handler, client] = self.file_names();
        let output = Output::new(self, Target::File);
        let (contract, served) = (output.contract(), output.handler());
        let handler_tokens = quote!(#contract #served);
        let (calling, objects) = (output.client(), output.objects());
        let client_tokens = quote!(#calling #objects);
        [
            output.print(handler, source, &handler_tokens),
            output.print(client, source, &client_tokens),
        ]
    }

    /// Names of the handler's file and the client's, which stand beside the trait's.
    pub fn file_names(&self) -> [String; 2] {
        let stem = crate::model::plain(self.ident()).to_snake_case();
        let prefix = match self
            .options
            .exposed
            .as_ref()
            .and_then(|exposed| exposed.prefix.as_ref())
        {
            Some(prefix) => format!("{prefix}_"),
            None => String::new(),
        };
        [
            format!("{prefix}{stem}_handler_gen.rs"),
            format!("{prefix}{stem}_client_gen.rs"),
        ]
    }

    /// What is said of a file whose fingerprint is not the trait's.
    pub fn stale_message(&self, file: &str) -> String {
        let (name, remedy) = (self.ident(), self.remedy());
        format!("`{file}` was generated from another version of `{name}`: {remedy}")
    }

    /// What brings generated files up to date.
    pub fn remedy(&self) -> &'static str {
        match &self.options.exposed {
            Some(exposed) if exposed.out_dir => "call `meshrpc_templates::build()` in `build.rs`",
            _ => "run `cargo meshrpc expose`",
        }
    }
}

/// Where generated code goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Macro,
    File,
}

/// One run of the generator.
struct Output<'a> {
    service: &'a Service,
    target: Target,
    /// Path to what generated code calls.
    rt: TokenStream,
    /// Every name that the trait mentions.
    words: HashSet<String>,
}

impl<'a> Output<'a> {
    fn new(service: &'a Service, target: Target) -> Self {
        let rt = match target {
            Target::Macro => Self::runtime(service),
            Target::File => quote!(rt),
        };
        Self {
            service,
            target,
            rt,
            words: words(service),
        }
    }

    fn runtime(service: &Service) -> TokenStream {
        match &service.options.krate {
            Some(krate) => quote!(#krate::__rt::v1),
            None => quote!(::meshrpc::__rt::v1),
        }
    }

    fn client_ident(&self) -> Ident {
        self.service.derived("Client")
    }

    fn handler_ident(&self) -> Ident {
        self.service.derived("Handler")
    }

    fn object_ident(&self) -> Ident {
        let name = crate::model::plain(self.service.ident());
        Ident::new(&format!("Dyn{name}"), self.service.span())
    }

    fn contract_ident(&self) -> Ident {
        let name = crate::model::plain(self.service.ident()).to_shouty_snake_case();
        Ident::new(&name, self.service.span())
    }

    /// The trait's visibility, as seen from where the code goes: files are modules beside it.
    fn visibility(&self) -> Visibility {
        let written = self.service.visibility();
        if self.target == Target::Macro {
            return written.clone();
        }
        match written {
            Visibility::Public(_) => written.clone(),
            Visibility::Restricted(VisRestricted { path, .. }) if path.is_ident("crate") => {
                written.clone()
            }
            Visibility::Restricted(VisRestricted { path, .. }) => {
                match path
                    .segments
                    .first()
                    .map(|segment| segment.ident.to_string())
                    .as_deref()
                {
                    Some("crate") => written.clone(),
                    Some("self") => parse_quote!(pub(super)),
                    _ => parse_quote!(pub(in super::#path)),
                }
            }
            Visibility::Inherited => parse_quote!(pub(super)),
        }
    }

    /// What the arguments of a method are called in a generated body.
    fn names(&self, method: &Method) -> Vec<Ident> {
        let arguments = method.arguments.iter().enumerate();
        arguments
            .map(|(index, argument)| self.argument(index, argument))
            .collect()
    }

    /// What an argument is called in a generated body: by its own name, which people read in a file
    /// or in the documentation. In a macro it cannot meet another: it is the macro's own.
    fn argument(&self, index: usize, argument: &Argument) -> Ident {
        match (self.target, &argument.ident) {
            (Target::Macro, Some(ident)) => {
                let mut ident = ident.clone();
                ident.set_span(Span::mixed_site());
                ident
            }
            (Target::Macro, None) => format_ident!("__a{}", index + 1),
            (Target::File, Some(ident)) if !RESERVED.iter().any(|name| ident == name) => {
                ident.clone()
            }
            (Target::File, _) => format_ident!("{}_", argument.name),
        }
    }

    /// How many methods of the contract come before this one, or there are at all: it differs with
    /// their `cfg`s.
    fn position(&self, method: Option<&Method>) -> TokenStream {
        let mut fixed = 0usize;
        let mut conditions = Vec::new();
        for other in &self.service.methods {
            if method.is_some_and(|method| std::ptr::eq(other, method)) {
                break;
            }
            if other.cfg.is_empty() {
                fixed += 1;
                continue;
            }
            let tests = other.cfg.iter().filter_map(|cfg| match &cfg.meta {
                syn::Meta::List(list) => Some(&list.tokens),
                _ => None,
            });
            conditions.push(quote!(::core::cfg!(all(#(#tests),*)) as usize));
        }
        let fixed = proc_macro2::Literal::usize_unsuffixed(fixed);
        quote!(#fixed #(+ #conditions)*)
    }

    /// For items that call deprecated methods.
    fn allow_deprecated(&self) -> Option<TokenStream> {
        let deprecated = self.service.methods.iter().any(|method| method.deprecated)
            || self
                .service
                .item
                .attrs
                .iter()
                .any(|a| a.path().is_ident("deprecated"));
        deprecated.then(|| quote!(#[allow(deprecated)]))
    }

    /// A program may use only some of what is generated, of a public trait as well if it is no
    /// library. What files hold is allowed as a module.
    fn allow_dead_code(&self) -> Option<TokenStream> {
        (self.target == Target::Macro).then(|| quote!(#[allow(dead_code)]))
    }
}

/// Names that generated bodies use themselves.
const RESERVED: [&str; 11] = [
    "answer", "args", "call", "channel", "items", "opened", "reply", "request", "result", "rt",
    "service",
];

fn key(method: &Method) -> TokenStream {
    let digits = format!("0x{}", hex(method.key));
    digits.parse().unwrap_or_else(|_| {
        let key = method.key;
        quote!(#key)
    })
}

/// A function of a module that `with` names; one that is not there is told at the module's name.
fn conversion(module: &syn::Path, function: &str) -> TokenStream {
    let span = module
        .segments
        .last()
        .map_or_else(Span::call_site, |last| last.ident.span());
    let function = Ident::new(function, Span::call_site().located_at(span));
    quote!(#module::#function)
}

/// How what a method succeeds with crosses, where that is not as it is; `function` is the one of
/// the module that `with` names.
fn crossing(reply: &Reply, function: &str) -> Option<TokenStream> {
    match &reply.with {
        Some(module) => {
            let function = conversion(module, function);
            Some(quote!(, with #function))
        }
        None => reply.raw.then(|| quote!(, raw)),
    }
}

/// The names in a trait, and in what it is served with.
fn words(service: &Service) -> HashSet<String> {
    fn collect(tokens: TokenStream, words: &mut HashSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    words.insert(ident.to_string());
                }
                TokenTree::Group(group) => collect(group.stream(), words),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    let mut words = HashSet::new();
    collect(service.item.to_token_stream(), &mut words);
    for method in &service.methods {
        collect(method.signature.to_token_stream(), &mut words);
    }
    for (_, ty) in &service.options.types {
        collect(ty.to_token_stream(), &mut words);
    }
    words
}

/// The place of `span`, and names as at the attribute.
fn here(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Tokens with all of them at the place of `span`.
pub(crate) fn moved(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut to = Group::new(group.delimiter(), moved(group.stream(), span));
                to.set_span(group.span().located_at(span));
                TokenTree::Group(to)
            }
            mut other => {
                other.set_span(other.span().located_at(span));
                other
            }
        })
        .collect()
}
