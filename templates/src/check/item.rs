//! The trait around the methods.

use syn::{Error, ItemTrait, Result, TraitItem, TypeParamBound, spanned::Spanned as _};

use super::Errors;
use crate::model::{AsyncTrait, Options, is_mesh, plain, supertraits};

pub(crate) fn item(item: &ItemTrait, options: &Options, errors: &mut Errors) {
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
    for bound in supertraits(item) {
        supertrait(item, options, bound, errors);
    }
    if let Some(key) = &options.manual_supertraits
        && supertraits(item).all(is_satisfied)
    {
        errors.push(Error::new(
            key.span(),
            format!(
                "`{}` has no supertrait that its client lacks: remove `supertraits = manual`",
                item.ident
            ),
        ));
    }
    if let Some(attribute) = item.attrs.iter().find(|each| is_mesh(each)) {
        errors.push(Error::new(
            attribute.path().span(),
            "this stands on methods and arguments: write what is for all of the trait into `#[mesh_service(…)]`",
        ));
    }
    for each in &item.items {
        let attributes = match each {
            TraitItem::Const(constant) => constant.attrs.as_slice(),
            TraitItem::Type(ty) => ty.attrs.as_slice(),
            _ => &[],
        };
        if let Some(attribute) = attributes.iter().find(|each| is_mesh(each)) {
            errors.push(Error::new(
                attribute.path().span(),
                "this stands on methods and arguments: remove it",
            ));
        }
        match each {
            TraitItem::Const(constant) if constant.default.is_none() => errors.push(Error::new(
                constant.ident.span(),
                "the client has no value for this constant: give it one here, or make it a method",
            )),
            TraitItem::Macro(call) => errors.push(Error::new(
                call.mac.path.span(),
                "what this macro adds to the trait cannot be seen from here: write it out",
            )),
            TraitItem::Verbatim(tokens) => errors.push(Error::new(
                tokens.span(),
                "this syntax is not known: write the item out as a method",
            )),
            _ => {}
        }
    }
}

/// The futures of an `#[async_trait]` change threads.
pub(crate) fn sends(async_trait: &AsyncTrait) -> Result<()> {
    match &async_trait.local {
        Some(tokens) => Err(Error::new(
            tokens.span(),
            "calls run on any thread, so their futures must be `Send`: write `#[async_trait]`",
        )),
        None => Ok(()),
    }
}

/// Those that the client satisfies: it derives `Clone` and `Debug`.
const SUPERTRAITS: [&str; 7] = ["Clone", "Debug", "Send", "Sync", "Sized", "Unpin", "Any"];

const STANDARD: [&str; 12] = [
    "Display",
    "Error",
    "Default",
    "PartialEq",
    "Eq",
    "PartialOrd",
    "Ord",
    "Hash",
    "AsRef",
    "From",
    "Into",
    "Deref",
];

/// True for a bound that every client satisfies.
pub(crate) fn is_satisfied(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Lifetime(_) => true,
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| {
            last.arguments.is_none() && SUPERTRAITS.iter().any(|name| last.ident == name)
        }),
        _ => false,
    }
}

fn supertrait(item: &ItemTrait, options: &Options, bound: &TypeParamBound, errors: &mut Errors) {
    if is_satisfied(bound) {
        return;
    }
    match bound {
        TypeParamBound::Trait(_) if options.manual_supertraits.is_some() => {}
        TypeParamBound::Trait(bound) => {
            let Some(last) = bound.path.segments.last() else {
                return;
            };
            let (client, base) = (format!("{}Client", plain(&item.ident)), &last.ident);
            // A trait of the standard library is no contract.
            let sibling = match STANDARD.iter().any(|name| base == name) {
                true => String::new(),
                false => format!(
                    "; if `{base}` is a contract too, `Client::sibling::<{base}Client>(self)` is its client there"
                ),
            };
            errors.push(Error::new(
                base.span(),
                format!(
                    "`{client}` would have to implement `{base}`: write `supertraits = manual` in the attribute, and `impl {base} for {client}`{sibling}"
                ),
            ));
        }
        other => errors.push(Error::new(
            other.span(),
            "the client cannot satisfy this bound: remove it",
        )),
    }
}
