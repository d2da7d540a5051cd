//! `#[async_trait]` on the trait, also where a `cfg_attr` puts it there.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Attribute, Meta, Token, parse::Parser as _, punctuated::Punctuated};

use super::{attribute::conditional, last_is};

/// What `#[async_trait]` does to the trait.
#[derive(Clone, Debug, Default)]
pub(crate) struct AsyncTrait {
    /// It is there.
    pub(crate) present: bool,
    /// When it is, as a predicate of `cfg`; nothing if it always is.
    pub(crate) when: Option<TokenStream>,
    /// One with `?Send`, and nothing that takes its place: where it stands.
    pub(crate) local: Option<TokenStream>,
}

impl AsyncTrait {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        let mut found = Self::default();
        let mut conditions: Vec<TokenStream> = Vec::new();
        let (mut always, mut local) = (false, None);
        for attribute in attributes {
            if is_async_trait(&attribute.meta) {
                match not_send(&attribute.meta) {
                    Some(tokens) => local = Some(tokens),
                    None => always = true,
                }
            }
            for meta in conditional(attribute)
                .iter()
                .filter(|meta| is_async_trait(meta))
            {
                match not_send(meta) {
                    Some(tokens) => local = local.or(Some(tokens)),
                    None => conditions.extend(condition(attribute)),
                }
            }
        }
        found.present = always || local.is_some() || !conditions.is_empty();
        // What is built for one thread elsewhere is not served there.
        found.local = local.filter(|_| !always && conditions.is_empty());
        found.when = match conditions.as_slice() {
            [] => None,
            _ if always => None,
            [only] => Some(only.clone()),
            some => Some(quote!(any(#(#some),*))),
        };
        found
    }

    /// Whether an attribute is it, or may put it there.
    pub(crate) fn is_in(attribute: &Attribute) -> bool {
        is_async_trait(&attribute.meta) || conditional(attribute).iter().any(is_async_trait)
    }
}

fn is_async_trait(meta: &Meta) -> bool {
    last_is(meta.path(), "async_trait")
}

/// The `?Send` of an attribute.
fn not_send(meta: &Meta) -> Option<TokenStream> {
    match meta {
        Meta::List(list) if list.tokens.to_string().replace(' ', "") == "?Send" => {
            Some(list.tokens.clone())
        }
        _ => None,
    }
}

/// The predicate of a `cfg_attr`.
fn condition(attribute: &Attribute) -> Option<TokenStream> {
    let Meta::List(list) = &attribute.meta else {
        return None;
    };
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated
        .parse2(list.tokens.clone())
        .ok()?;
    metas.first().map(|meta| meta.to_token_stream())
}
