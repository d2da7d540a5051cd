//! Bounds on the types as written, each type once: what fails here fails nowhere else, and is
//! underlined where the user wrote it.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, GenericArgument, Path, PathArguments, Type};

use super::{Output, here};
use crate::{
    check::types,
    model::{FailureAnswer, Form, OnFailure, Raw, Reply, canonical, without_lifetimes},
};

impl Output<'_> {
    pub(super) fn checks(&self) -> TokenStream {
        let mut checks = Checks {
            rt: &self.rt,
            seen: HashSet::new(),
            statements: Vec::new(),
        };
        for method in &self.service.methods {
            for (index, argument) in method.arguments.iter().enumerate() {
                match &argument.form {
                    Form::Skip(_) => continue,
                    Form::With { module, .. } => {
                        checks.converted(module, &method.cfg);
                        continue;
                    }
                    Form::Raw(Raw::Owned(ty)) => checks.raw(ty, argument.span, &method.cfg),
                    Form::Raw(Raw::Lent) => {}
                    _ => checks.value(&argument.owned, argument.span, &method.cfg),
                }
                if method.sticky() == Some(index) {
                    checks.session(&argument.owned, argument.span, &method.cfg);
                }
            }
            let reply = &method.reply;
            match &reply.stream {
                Some(stream) => {
                    checks.item(&stream.item, &method.cfg);
                    if !stream.direct {
                        checks.reply(reply, &method.cfg);
                    }
                }
                None if reply.nothing => {}
                None => checks.reply(reply, &method.cfg),
            }
        }
        let (rt, statements) = (&self.rt, &checks.statements);
        quote! {
            const _: () = {
                #[allow(dead_code)]
                const fn value<T: #rt::MeshValue>() {}
                #[allow(dead_code)]
                const fn result<R: #rt::MeshResult>() {}
                #[allow(dead_code)]
                const fn item<T: #rt::MeshItem>() {}
                #[allow(dead_code)]
                const fn session<T: #rt::SessionArgument>() {}
                #(#statements)*
            };
        }
    }
}

struct Checks<'a> {
    rt: &'a TokenStream,
    seen: HashSet<String>,
    statements: Vec<TokenStream>,
}

impl Checks<'_> {
    /// Checks a value's type: of the usual containers, what they contain, so that one type of the
    /// user's is one error however it is wrapped.
    fn value(&mut self, ty: &Type, span: Span, cfg: &[Attribute]) {
        let inner = contents(ty);
        if !inner.is_empty() {
            for inner in inner {
                self.value(inner, types::span(inner), cfg);
            }
            return;
        }
        if self.first("value", ty.to_token_stream(), cfg) {
            let (ty, span) = (at(&without_lifetimes(ty), span), here(span));
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* value::<#ty>();));
        }
    }

    /// Checks a byte string's type.
    fn raw(&mut self, ty: &Type, span: Span, cfg: &[Attribute]) {
        if self.first("raw", ty.to_token_stream(), cfg) {
            let (rt, ty, span) = (self.rt, at(&without_lifetimes(ty), span), here(span));
            self.statements.push(quote_spanned! {span=>
                #(#cfg)*
                {
                    const fn raw<T: #rt::MeshRaw>() {}
                    raw::<#ty>();
                }
            });
        }
    }

    fn session(&mut self, ty: &Type, span: Span, cfg: &[Attribute]) {
        if self.first("session", ty.to_token_stream(), cfg) {
            let (ty, span) = (at(ty, span), here(span));
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* session::<#ty>();));
        }
    }

    /// Checks the type that a module makes of another one.
    fn converted(&mut self, module: &Path, cfg: &[Attribute]) {
        if self.first("converted", module.to_token_stream(), cfg) {
            let from_wire = super::conversion(module, "from_wire");
            let span = module
                .segments
                .last()
                .map_or_else(Span::call_site, |l| l.ident.span());
            let (rt, span) = (self.rt, here(span));
            self.statements.push(quote_spanned! {span=>
                #(#cfg)*
                {
                    const fn converted<T: #rt::MeshValue>(_: #rt::Of<T>) {}
                    let _ = || converted(#rt::wire_of(#from_wire));
                }
            });
        }
    }

    /// Checks that a type has a default, unless it is a result, which has no need of one.
    fn default(&mut self, ty: &Type, span: Span, cfg: &[Attribute]) {
        if self.first("default", ty.to_token_stream(), cfg) {
            let (rt, ty, span) = (self.rt, at(ty, span), here(span));
            self.statements.push(quote_spanned! {span=>
                #(#cfg)*
                {
                    use #rt::ladder::given::{CheckedDefault as _, Told as _};
                    let _ = || (&&#rt::Of::<#ty>::new()).has_default();
                }
            });
        }
    }

    fn item(&mut self, item: &Reply, cfg: &[Attribute]) {
        let whole = without_lifetimes(&item.ty);
        if self.first("item", without_arguments(&whole), cfg) {
            let (ty, span) = (at(&whole, item.span), here(item.span));
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* item::<#ty>();));
        }
        self.parts(item, cfg);
    }

    fn reply(&mut self, reply: &Reply, cfg: &[Attribute]) {
        let whole = without_lifetimes(&reply.ty);
        let plain = reply.on_failure.as_ref();
        if let Some(OnFailure {
            answer: FailureAnswer::Default(span),
            ..
        }) = plain
        {
            self.default(&whole, *span, cfg);
        }
        if plain.is_none() && self.first("result", without_arguments(&whole), cfg) {
            let (ty, span) = (at(&whole, reply.span), here(reply.span));
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* result::<#ty>();));
        }
        self.parts(reply, cfg);
    }

    /// What a result is made of.
    fn parts(&mut self, reply: &Reply, cfg: &[Attribute]) {
        let whole = without_lifetimes(&reply.ty);
        let plain = reply.on_failure.is_some();
        let rest = match plain {
            true => quote!(Whole),
            false => quote!(Unsplit),
        };
        match &reply.ok {
            _ if reply.with.is_some() => {
                if let Some(module) = &reply.with {
                    self.converted(module, cfg);
                }
            }
            Some(ok) if reply.raw => self.raw(ok, types::span(ok), cfg),
            None if plain && !reply.raw && !contents(&reply.ty).is_empty() => {
                self.value(&reply.ty, reply.span, cfg);
            }
            Some(ok) => self.value(ok, types::span(ok), cfg),
            None => {
                let (kind, bound) = match (reply.raw, plain) {
                    (true, _) => ("raw", quote!(MeshRaw)),
                    (false, true) => ("value", quote!(MeshValue)),
                    (false, false) => ("returned", quote!(MeshValue)),
                };
                if self.first(kind, reply.ty.to_token_stream(), cfg) {
                    let (rt, ty, span) = (self.rt, at(&whole, reply.span), here(reply.span));
                    // Nothing is said here of a type that is no result: that was said above.
                    self.statements.push(quote_spanned! {span=>
                        #(#cfg)*
                        {
                            use #rt::ladder::split::{Split as _, #rest as _};
                            const fn returned<T: #rt::#bound>(_: #rt::Of<T>) {}
                            let _ = || returned((&&#rt::Of::<#ty>::new()).ok());
                        }
                    });
                }
            }
        }
        let (key, span) = match &reply.err {
            Some(err) => (err.to_token_stream(), types::span(err)),
            None => (without_arguments(&whole), reply.span),
        };
        if self.first("error", key, cfg) {
            let (rt, ty, span) = (self.rt, at(&whole, span), here(span));
            self.statements.push(quote_spanned! {span=>
                #(#cfg)*
                {
                    use #rt::ladder::{
                        fail::{
                            Boxed as _, Checked as _, Derived as _, DerivedAny as _, Exact as _,
                            Io as _, Mesh as _,
                        },
                        split::{Split as _, #rest as _},
                    };
                    let _ = |failure| (&&&&&&&(&&#rt::Of::<#ty>::new()).err()).fail(failure);
                }
            });
        }
    }

    fn first(&mut self, kind: &str, ty: TokenStream, cfg: &[Attribute]) -> bool {
        let cfg: TokenStream = cfg.iter().map(quote::ToTokens::to_token_stream).collect();
        self.seen
            .insert(format!("{kind} {} {}", canonical(ty), canonical(cfg)))
    }
}

/// What a container of serde types contains; nothing for any other type.
fn contents(ty: &Type) -> Vec<&Type> {
    match types::unwrapped(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        Type::Path(path) => match path.path.segments.last() {
            Some(last) if CONTAINERS.iter().any(|name| last.ident == name) => {
                let PathArguments::AngleBracketed(list) = &last.arguments else {
                    return Vec::new();
                };
                let types = list.args.iter().filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                });
                types.collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Those that are serde types whenever their contents are, and contain nothing unsized.
const CONTAINERS: [&str; 7] = [
    "Option", "Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet",
];

/// A type with every token at one place, so that errors underline it and nothing else.
fn at(ty: &Type, span: Span) -> TokenStream {
    super::moved(ty.to_token_stream(), span)
}

/// The name of a type: all uses of one alias have one error type.
fn without_arguments(ty: &Type) -> TokenStream {
    let Type::Path(path) = ty else {
        return ty.to_token_stream();
    };
    let mut name: Path = path.path.clone();
    for segment in &mut name.segments {
        segment.arguments = PathArguments::None;
    }
    name.to_token_stream()
}
