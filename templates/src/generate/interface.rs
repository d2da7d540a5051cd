//! The trait itself: native async methods are desugared, the rest stays as it is.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::{
    FnArg, ReturnType, TraitItem, TraitItemFn, Type, TypeImplTrait, TypeParamBound, parse_quote,
};

use super::Output;
use crate::model::{Style, last_is};

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
            let there = item.supertraits.iter().any(
                |bound| matches!(bound, TypeParamBound::Trait(bound) if last_is(&bound.path, name)),
            );
            if !there {
                item.colon_token.get_or_insert_default();
                item.supertraits.push(parse_quote!(#path));
            }
        }
        for each in &mut item.items {
            let TraitItem::Fn(function) = each else {
                continue;
            };
            let style = self.service.style(&function.sig);
            if style == Some(Style::Future) {
                send(function);
            }
            if !self.service.async_trait && style != Some(Style::Blocking) {
                desugar(function);
            }
        }
        item.to_token_stream()
    }
}

/// `async fn f() -> R` as `fn f() -> impl Future<Output = R> + Send`.
///
/// The new tokens carry the span of `async`, so that a future that is not `Send` is reported with
/// the method.
fn desugar(function: &mut TraitItemFn) {
    let signature = &mut function.sig;
    for input in &mut signature.inputs {
        if let FnArg::Typed(input) = input {
            add_send(&mut input.ty);
        }
    }
    let Some(token) = signature.asyncness.take() else {
        return;
    };
    let output = match &signature.output {
        ReturnType::Default => quote_spanned!(token.span=> ()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    signature.output = syn::parse2(quote_spanned! {token.span=>
        -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    })
    .unwrap_or(ReturnType::Default);
    if let Some(body) = &mut function.default {
        let moved = quote_spanned!(token.span=> async move);
        *body = parse_quote!({ #moved #body });
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

fn is_send(written: &TypeImplTrait) -> bool {
    written
        .bounds
        .iter()
        .any(|bound| matches!(bound, TypeParamBound::Trait(bound) if last_is(&bound.path, "Send")))
}
