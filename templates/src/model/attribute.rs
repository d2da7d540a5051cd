//! Our own attributes among others.

use proc_macro2::TokenStream;
use syn::{
    Attribute, FnArg, ItemTrait, Meta, Signature, Token, TraitItem, parse::Parser as _,
    punctuated::Punctuated,
};

use super::last_is;

/// The options of `#[mesh_service]`, also inside `cfg_attr`.
pub(super) fn service_options(attributes: &[Attribute]) -> Option<TokenStream> {
    attributes.iter().find_map(|attribute| {
        options_of(&attribute.meta).or_else(|| conditional(attribute).iter().find_map(options_of))
    })
}

/// The attributes that a `cfg_attr` would apply.
pub(crate) fn conditional(attribute: &Attribute) -> Vec<Meta> {
    let Meta::List(list) = &attribute.meta else {
        return Vec::new();
    };
    if !list.path.is_ident("cfg_attr") {
        return Vec::new();
    }
    Punctuated::<Meta, Token![,]>::parse_terminated
        .parse2(list.tokens.clone())
        .map(|metas| metas.into_iter().skip(1).collect())
        .unwrap_or_default()
}

/// The trait without `#[mesh_service]` on it and `#[mesh]` in it.
pub(super) fn stripped(item: &ItemTrait) -> ItemTrait {
    let mut item = item.clone();
    item.attrs
        .retain(|attribute| options_of(&attribute.meta).is_none());
    for each in &mut item.items {
        if let TraitItem::Fn(function) = each {
            function.attrs.retain(|attribute| !is_mesh(attribute));
            strip(&mut function.sig);
        }
    }
    item
}

/// Takes `#[mesh]` off the arguments.
pub(super) fn strip(signature: &mut Signature) {
    for input in &mut signature.inputs {
        if let FnArg::Typed(input) = input {
            input.attrs.retain(|attribute| !is_mesh(attribute));
        }
    }
}

pub(crate) fn is_mesh(attribute: &Attribute) -> bool {
    attribute.path().is_ident("mesh")
}

fn options_of(meta: &Meta) -> Option<TokenStream> {
    if !last_is(meta.path(), "mesh_service") {
        return None;
    }
    Some(match meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    })
}
