//! The trait around the methods.

use syn::{Error, GenericParam, ItemTrait, Meta, TraitItem, TypeParamBound, spanned::Spanned as _};

use super::Errors;
use crate::model::is_async_trait;

pub(crate) fn item(item: &ItemTrait, errors: &mut Errors) {
    if let Some(token) = &item.unsafety {
        errors.push(Error::new(
            token.span,
            "a client cannot keep the promise of an `unsafe` trait: remove `unsafe`",
        ));
    }
    if let Some(token) = &item.modifiers.auto_token {
        errors.push(Error::new(
            token.span,
            "an `auto` trait has no methods to call: remove `auto`",
        ));
    }
    if let Some(parameter) = item.generics.params.first() {
        let (span, words) = match parameter {
            GenericParam::Type(ty) => (
                ty.ident.span(),
                "not supported yet: type parameters of the trait; write the concrete type instead",
            ),
            GenericParam::Const(parameter) => (
                parameter.ident.span(),
                "a constant of the trait's own cannot cross: write the value, or pass it as an argument",
            ),
            GenericParam::Lifetime(lifetime) => (
                lifetime.lifetime.span(),
                "not supported yet: lifetimes of the trait; write them on the methods instead",
            ),
        };
        errors.push(Error::new(span, words));
    } else if let Some(clause) = &item.generics.where_clause {
        errors.push(Error::new(
            clause.where_token.span,
            "not supported yet: `where` on the trait; write the bounds as supertraits instead",
        ));
    }
    for bound in &item.supertraits {
        supertrait(item, bound, errors);
    }
    for attribute in &item.attrs {
        if is_async_trait(&attribute.meta)
            && let Meta::List(list) = &attribute.meta
            && list.tokens.to_string().replace(' ', "") == "?Send"
        {
            errors.push(Error::new(
                list.tokens.span(),
                "calls run on any thread, so their futures must be `Send`: write `#[async_trait]`",
            ));
        }
    }
    for each in &item.items {
        match each {
            TraitItem::Const(constant) if constant.default.is_none() => errors.push(Error::new(
                constant.ident.span(),
                "the client has no value for this constant: give it one here, or make it a method",
            )),
            TraitItem::Type(ty) => errors.push(Error::new(
                ty.ident.span(),
                "not supported yet: associated types; write the concrete type in the methods instead",
            )),
            TraitItem::Macro(call) => errors.push(Error::new(
                call.mac.path.span(),
                "what this macro adds to the trait cannot be seen from here: write it out",
            )),
            TraitItem::Verbatim(tokens) => errors.push(Error::new(
                tokens.span(),
                "not supported yet: this syntax; write the item out as a method instead",
            )),
            _ => {}
        }
    }
}

/// Those that the client can satisfy: it derives `Clone` and `Debug`.
const SUPERTRAITS: [&str; 7] = ["Clone", "Debug", "Send", "Sync", "Sized", "Unpin", "Any"];

/// Whether the client satisfies this supertrait.
pub(crate) fn is_satisfied(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last();
            last.is_some_and(|last| SUPERTRAITS.iter().any(|name| last.ident == name))
        }
        _ => false,
    }
}

fn supertrait(item: &ItemTrait, bound: &TypeParamBound, errors: &mut Errors) {
    match bound {
        TypeParamBound::Lifetime(lifetime) if lifetime.ident == "static" => {}
        TypeParamBound::Trait(bound) => {
            let Some(last) = bound.path.segments.last() else {
                return;
            };
            if !SUPERTRAITS.iter().any(|name| last.ident == name) {
                errors.push(Error::new(
                    last.ident.span(),
                    format!(
                        "`{}Client` would have to implement `{}`: move its methods into this trait",
                        item.ident, last.ident
                    ),
                ));
            }
        }
        other => errors.push(Error::new(
            other.span(),
            "the client cannot satisfy this bound: remove it",
        )),
    }
}
