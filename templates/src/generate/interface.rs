//! The trait itself: native async methods are desugared, the rest stays as it is.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Attribute, CapturedParam, FnArg, Ident, ItemTrait, Meta, ReceiverKind, ReturnType, Signature,
    TraitItem, TraitItemFn, Type, TypeImplTrait, TypeParamBound, WherePredicate, parse_quote,
    punctuated::Punctuated,
};

use super::Output;
use crate::{
    check::bounds_on_self,
    model::{Style, canonical, has_bound, last_is},
};

impl Output<'_> {
    pub(super) fn interface(&self) -> TokenStream {
        let mut item = self.service.item.clone();
        // Implementations are shared between the tasks of calls. One that cannot be is told so with
        // the trait's name.
        let span = Span::call_site().located_at(item.ident.span());
        for (name, path) in [
            ("Send", quote_spanned!(span=> ::core::marker::Send)),
            ("Sync", quote_spanned!(span=> ::core::marker::Sync)),
        ] {
            if !has_bound(&item.supertraits, name) {
                item.colon_token.get_or_insert_default();
                item.supertraits.push(parse_quote!(#path));
            }
        }
        let async_trait = &self.service.async_trait;
        let as_written = async_trait
            .present
            .then(|| self.finished(item.clone(), false));
        let desugared =
            (!async_trait.present || async_trait.when.is_some()).then(|| self.finished(item, true));
        match &async_trait.when {
            Some(when) => quote! {
                #[cfg(#when)]
                #as_written
                #[cfg(not(#when))]
                #desugared
            },
            None => quote!(#as_written #desugared),
        }
    }

    fn finished(&self, mut item: ItemTrait, desugared: bool) -> TokenStream {
        let mut rewritten = false;
        for each in &mut item.items {
            let TraitItem::Fn(function) = each else {
                continue;
            };
            let style = self.service.style(&function.sig);
            if desugared && function.sig.asyncness.is_some() {
                rewritten = true;
                expected(&mut function.attrs);
            }
            if style == Some(Style::Future) {
                send(function);
            }
            if desugared && style != Some(Style::Blocking) {
                if desugar(function) && self.service.options.dynamic.is_none() {
                    shared(&mut function.sig);
                }
                if self.service.options.dynamic.is_some() {
                    without_supertraits(function);
                }
            }
        }
        if rewritten {
            expected(&mut item.attrs);
        }
        without_advice(&item)
    }

    /// What an implementation of the trait carries.
    pub(super) fn by_async_trait(&self) -> Option<TokenStream> {
        let (rt, async_trait) = (&self.rt, &self.service.async_trait);
        if !async_trait.present {
            return None;
        }
        Some(match &async_trait.when {
            Some(when) => quote!(#[cfg_attr(#when, #rt::async_trait)]),
            None => quote!(#[#rt::async_trait]),
        })
    }

    /// True if arguments that the trait leaves unnamed are made `Send` in it.
    pub(super) fn adds_send(&self) -> bool {
        !self.service.async_trait.present
    }
}

/// `async fn f() -> R` as `fn f() -> impl Future<Output = R> + Send`.
///
/// The new tokens carry the span of `async`, so that a future that is not `Send` is reported with
/// the method. True if it was one.
fn desugar(function: &mut TraitItemFn) -> bool {
    let signature = &mut function.sig;
    for input in &mut signature.inputs {
        if let FnArg::Typed(input) = input {
            add_send(&mut input.ty);
        }
    }
    // A refused one, which is no type elsewhere.
    if matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_))) {
        return false;
    }
    let Some(token) = signature.asyncness.take() else {
        return false;
    };
    let output = match &signature.output {
        ReturnType::Default => quote_spanned!(token.span=> ()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    // Written out, a type is no simpler than the user made it.
    if canonical(output.clone()).matches('<').count() > 2 {
        let allow = parse_quote!(#[allow(clippy::type_complexity)]);
        function.attrs.push(allow);
    }
    signature.output = syn::parse2(quote_spanned! {token.span=>
        -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    })
    .unwrap_or(ReturnType::Default);
    if let Some(body) = &mut function.default {
        let moved = quote_spanned!(token.span=> async move);
        *body = parse_quote!({ #moved #body });
    }
    true
}

/// Says of `Self` what the supertraits say. An implementation that is not so is told once then, and
/// not for each future that holds it.
fn shared(signature: &mut Signature) {
    let Some(receiver) = signature.receiver() else {
        return;
    };
    let bound: WherePredicate = match receiver.kind {
        ReceiverKind::Reference(_, _, Some(_)) => parse_quote!(Self: ::core::marker::Send),
        _ => parse_quote!(Self: ::core::marker::Sync),
    };
    signature
        .generics
        .make_where_clause()
        .predicates
        .push(bound);
}

/// Lints that are expected of an `async fn` are allowed of what it becomes, where some are silent.
fn expected(attributes: &mut [Attribute]) {
    for attribute in attributes {
        if let Meta::List(list) = &mut attribute.meta
            && list.path.is_ident("expect")
        {
            list.path = parse_quote!(allow);
        }
    }
}

/// The trait with `<>` behind its name if it has no parameters, which is not the user's. Of a type
/// that is not there, the compiler advises to make it a parameter, and where it cannot be one, as
/// in the client, repeats the error without the advice.
fn without_advice(item: &ItemTrait) -> TokenStream {
    if !item.generics.params.is_empty() {
        return item.to_token_stream();
    }
    let mut output = TokenStream::new();
    let mut is_name = false;
    for token in item.to_token_stream() {
        let is_trait = matches!(&token, TokenTree::Ident(ident) if ident == "trait");
        output.extend([token]);
        if is_name {
            output.extend(quote!(<>));
        }
        is_name = is_trait;
    }
    output
}

/// Leaves `Self: Send` and `Self: Sync` out, which the supertraits say: for an object, the compiler
/// does not find that they do.
fn without_supertraits(function: &mut TraitItemFn) {
    let Some(clause) = &mut function.sig.generics.where_clause else {
        return;
    };
    let predicates = std::mem::take(&mut clause.predicates);
    let known = |bound: &TypeParamBound| {
        matches!(bound, TypeParamBound::Trait(bound)
            if last_is(&bound.path, "Send") || last_is(&bound.path, "Sync"))
    };
    let kept = predicates.into_iter().filter(|predicate| {
        let mut bounds = bounds_on_self(predicate).into_iter().flatten().peekable();
        bounds.peek().is_none() || !bounds.all(known)
    });
    clause.predicates = kept.collect();
    if clause.predicates.is_empty() {
        function.sig.generics.where_clause = None;
    }
}

/// The future that a method writes out has to be `Send`, like one that it does not.
fn send(function: &mut TraitItemFn) {
    let span = function.sig.ident.span();
    if let ReturnType::Type(_, ty) = &mut function.sig.output
        && let Type::ImplTrait(written) = &mut **ty
        && !is_send(written)
    {
        let bound = quote_spanned!(span=> ::core::marker::Send);
        written.bounds.push(parse_quote!(#bound));
    }
}

/// An `impl Trait` argument has to be `Send`, like the future that holds it.
pub(super) fn add_send(ty: &mut Type) {
    if let Type::ImplTrait(written) = ty
        && !is_send(written)
    {
        written.bounds.push(parse_quote!(::core::marker::Send));
    }
}

/// Leaves of a `where` what it says of the function's own parameters. The rest is true of the
/// types that the trait is served with.
pub(super) fn bounds_of_its_own(signature: &mut Signature) {
    let own: Vec<_> = signature
        .generics
        .type_params()
        .map(|parameter| parameter.ident.to_string())
        .collect();
    let Some(clause) = &mut signature.generics.where_clause else {
        return;
    };
    let predicates = std::mem::take(&mut clause.predicates);
    let kept = predicates.into_iter().filter(|predicate| {
        let text = predicate.to_token_stream().to_string();
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '\'');
        words.any(|word| own.iter().any(|name| word == name) || is_lifetime(word))
    });
    clause.predicates = kept.collect();
    if clause.predicates.is_empty() {
        signature.generics.where_clause = None;
    }
}

/// One that a `where` says something of when it only names it.
fn is_lifetime(word: &str) -> bool {
    word.starts_with('\'') && word != "'static"
}

/// What a future captures, in an implementation: there `Self` is no parameter, but `parameter` may
/// be one.
pub(super) fn captures(output: &mut Type, parameter: Option<&Ident>) {
    let Type::ImplTrait(written) = output else {
        return;
    };
    for bound in &mut written.bounds {
        if let TypeParamBound::PreciseCapture(captures) = bound {
            let kept = captures.params.iter().filter(
                |captured| !matches!(captured, CapturedParam::Ident(ident) if ident == "Self"),
            );
            let more = parameter.cloned().map(CapturedParam::Ident);
            captures.params = kept.cloned().chain(more).collect::<Punctuated<_, _>>();
        }
    }
}

fn is_send(written: &TypeImplTrait) -> bool {
    has_bound(&written.bounds, "Send")
}
