//! Bounds on the types as written, each type once: what fails here fails nowhere else, and is
//! underlined where the user wrote it.

mod contents;

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, Path, PathArguments, Type};

use contents::{contents, is_collection, is_transparent};

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
            names: 0,
            values: Vec::new(),
            returned: Vec::new(),
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
                    Form::Raw(Raw::Owned(ty)) => {
                        checks.bound("raw", ty, argument.span, &method.cfg);
                    }
                    Form::Raw(Raw::Lent) => {}
                    _ => {
                        checks.value(&argument.owned, argument.span, &method.cfg, None);
                    }
                }
                if let Form::Lent(lend) | Form::Items(Some(lend)) = &argument.form {
                    for ty in lend.cloned() {
                        checks.bound("cloned", ty, types::span(ty), &method.cfg);
                    }
                }
                if method.sticky() == Some(index) {
                    checks.bound("session", &argument.owned, argument.span, &method.cfg);
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
        checks.finish()
    }
}

struct Checks<'a> {
    rt: &'a TokenStream,
    seen: HashSet<String>,
    /// How many types have a name here.
    names: usize,
    values: Vec<Value>,
    /// Checks of what is returned whole, by the same keys.
    returned: Vec<(String, TokenStream)>,
    statements: Vec<TokenStream>,
}

/// A type whose values cross.
struct Value {
    /// The type and its `cfg`, to know it by.
    key: String,
    name: Ident,
    span: Span,
    cfg: Vec<Attribute>,
    /// The outermost types that it is in, unless it crosses by itself somewhere.
    inside: Option<Vec<Ident>>,
    /// What it is made of.
    made_of: Vec<Ident>,
}

impl Checks<'_> {
    fn finish(mut self) -> TokenStream {
        let rt = self.rt;
        // What is asked for as a value anyway would be two errors.
        for (key, statement) in std::mem::take(&mut self.returned) {
            let is_asked = |value: &Value| value.key == key && value.inside.is_none();
            if !self.values.iter().any(is_asked) {
                self.statements.push(statement);
            }
        }
        for value in std::mem::take(&mut self.values) {
            let Value {
                name,
                span,
                cfg,
                inside,
                made_of,
                ..
            } = value;
            let list = |names: &[Ident]| {
                names
                    .iter()
                    .fold(quote!(()), |rest, name| quote!(#rt::And<#name, #rest>))
            };
            let inside = match inside {
                None => quote!(#rt::Always),
                Some(names) => list(&names),
            };
            let made_of = list(&made_of);
            let asked = quote!((&&&&&#rt::Value::<#inside, #name, #made_of>::new()).crosses());
            let asked = crosses(rt, &super::moved(asked, here(span)), here(span));
            self.statements.push(quote!(#(#cfg)* #asked));
        }
        let statements = &self.statements;
        quote! {
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            const _: () = {
                #[allow(dead_code)]
                const fn result<R: #rt::MeshResult>() {}
                #[allow(dead_code)]
                const fn item<T: #rt::MeshItem>() {}
                #[allow(dead_code)]
                const fn session<T: #rt::SessionArgument>() {}
                #[allow(dead_code)]
                const fn cloned<T: #rt::MeshClone>() {}
                #[allow(dead_code)]
                const fn raw<T: #rt::MeshRaw>() {}
                #(#statements)*
            };
        }
    }

    /// A name for a type. The type's own tokens stand in one place only, and as the user wrote them:
    /// of one that is not there, the compiler says what it says of the trait, and nothing else.
    fn named(&mut self, ty: &Type, span: Span, cfg: &[Attribute]) -> Ident {
        let ty = without_lifetimes(ty);
        let name = Ident::new(&format!("__T{}", self.names), here(span));
        self.names += 1;
        let rt = self.rt;
        self.statements
            .push(quote!(#(#cfg)* #rt::named!(#name, #ty);));
        name
    }

    /// Checks a value's type, and what it is made of, so that one type of the user's is one error
    /// however it is wrapped. `whole` is the outermost type that it is in. Gives the names of what
    /// is checked.
    fn value(
        &mut self,
        ty: &Type,
        span: Span,
        cfg: &[Attribute],
        whole: Option<&Ident>,
    ) -> Vec<Ident> {
        let ty = types::unwrapped(ty);
        let inner = contents(ty);
        if is_transparent(ty) && !inner.is_empty() {
            let inner = inner.into_iter();
            return inner
                .flat_map(|inner| self.value(inner, types::span(inner), cfg, whole))
                .collect();
        }
        let key = key(ty.to_token_stream(), cfg);
        let known = self.values.iter_mut().find(|value| value.key == key);
        let (name, is_new) = match known {
            Some(known) => {
                match (whole, &mut known.inside) {
                    (None, inside) => *inside = None,
                    (Some(whole), Some(inside)) if !inside.contains(whole) => {
                        inside.push(whole.clone());
                    }
                    _ => {}
                }
                (known.name.clone(), false)
            }
            None => (self.named(ty, span, cfg), true),
        };
        let place = self.values.len();
        if is_new {
            self.values.push(Value {
                key,
                name: name.clone(),
                span,
                cfg: cfg.to_vec(),
                inside: whole.map(|whole| vec![whole.clone()]),
                made_of: Vec::new(),
            });
        }
        let whole = whole.unwrap_or(&name);
        let made_of: Vec<_> = inner
            .into_iter()
            .flat_map(|inner| self.value(inner, types::span(inner), cfg, Some(whole)))
            .collect();
        if let Some(value) = self.values.get_mut(place) {
            value.made_of = made_of;
        }
        vec![name]
    }

    /// Checks a type with the function called `kind`.
    fn bound(&mut self, kind: &str, ty: &Type, span: Span, cfg: &[Attribute]) {
        if self.first(kind, ty.to_token_stream(), cfg) {
            let (ty, span) = (self.named(ty, span, cfg), here(span));
            let function = Ident::new(kind, span);
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* #function::<#ty>();));
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
            let (rt, ty, span) = (self.rt, self.named(ty, span, cfg), here(span));
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
        if self.first("item", without_arguments(&item.ty), cfg) {
            let (ty, span) = (self.named(&item.ty, item.span, cfg), here(item.span));
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* item::<#ty>();));
        }
        self.parts(item, cfg);
    }

    fn reply(&mut self, reply: &Reply, cfg: &[Attribute]) {
        let plain = reply.on_failure.as_ref();
        if let Some(OnFailure {
            answer: FailureAnswer::Default(span),
            ..
        }) = plain
        {
            self.default(&reply.ty, *span, cfg);
        }
        if plain.is_none() && self.first("result", without_arguments(&reply.ty), cfg) {
            let (ty, span) = (self.named(&reply.ty, reply.span, cfg), here(reply.span));
            self.statements
                .push(quote_spanned!(span=> #(#cfg)* result::<#ty>();));
        }
        self.parts(reply, cfg);
    }

    /// What a result is made of.
    fn parts(&mut self, reply: &Reply, cfg: &[Attribute]) {
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
            Some(ok) if reply.raw => self.bound("raw", ok, types::span(ok), cfg),
            None if plain && !reply.raw && is_collection(types::unwrapped(&reply.ty)) => {
                self.value(&reply.ty, reply.span, cfg, None);
            }
            Some(ok) => {
                self.value(ok, types::span(ok), cfg, None);
            }
            None => {
                if self.first("returned", reply.ty.to_token_stream(), cfg) {
                    let (rt, span) = (self.rt, here(reply.span));
                    let ty = self.named(&reply.ty, reply.span, cfg);
                    // Nothing is said here of a type that is no result: that was said above.
                    let asked = quote_spanned! {span=>
                        (&&&&&#rt::value_of(&(&&#rt::Of::<#ty>::new()).ok())).crosses()
                    };
                    let asked = match reply.raw {
                        false => crosses(rt, &asked, span),
                        true => quote_spanned! {span=>
                            const fn returned<T: #rt::MeshRaw>(_: #rt::Of<T>) {}
                            let _ = || returned((&&#rt::Of::<#ty>::new()).ok());
                        },
                    };
                    let statement = quote_spanned! {span=>
                        #(#cfg)*
                        {
                            use #rt::ladder::split::{Split as _, #rest as _};
                            #asked
                        }
                    };
                    let key = key(reply.ty.to_token_stream(), cfg);
                    self.returned.push((key, statement));
                }
            }
        }
        if reply.or.is_some() {
            return;
        }
        let (key, span) = match &reply.err {
            Some(err) => (err.to_token_stream(), types::span(err)),
            None => (without_arguments(&reply.ty), reply.span),
        };
        if self.first("error", key, cfg) {
            let (rt, ty, span) = (self.rt, self.named(&reply.ty, span, cfg), here(span));
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
        self.seen.insert(format!("{kind} {}", key(ty, cfg)))
    }
}

/// What a type is known by.
fn key(ty: TokenStream, cfg: &[Attribute]) -> String {
    let cfg: TokenStream = cfg.iter().map(quote::ToTokens::to_token_stream).collect();
    format!("{} {}", canonical(ty), canonical(cfg))
}

/// Asks the question at the place of `span`.
fn crosses(rt: &TokenStream, asked: &TokenStream, span: Span) -> TokenStream {
    quote_spanned! {span=>
        {
            use #rt::ladder::crosses::{
                Inside as _, Itself as _, Made as _, Neither as _, Read as _, Written as _,
            };
            let _ = || #asked;
        }
    }
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
