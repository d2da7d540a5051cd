//! The trait as code names it: with the types it is served with.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, Ident, TypeParamBound};

use super::Output;
use crate::{
    check::{on_self, types},
    model::{canonical, has_bound, last_is},
};

impl Output<'_> {
    /// `Store<Row>`.
    pub(super) fn trait_ref(&self) -> TokenStream {
        let (name, instance) = (self.service.ident(), &self.service.instance);
        let (lifetimes, arguments) = (&instance.lifetimes, &instance.arguments);
        if lifetimes.is_empty() && arguments.is_empty() {
            return quote!(#name);
        }
        self.placed(quote!(#name<#(#lifetimes,)* #(#arguments),*>))
    }

    /// `Store<Row, Error = StoreError>`, as a bound, for every lifetime of the trait's own.
    pub(super) fn bound(&self) -> TokenStream {
        let (lifetimes, bound) = (&self.service.instance.lifetimes, self.bound_here());
        match lifetimes.is_empty() {
            true => bound,
            false => quote!(for<#(#lifetimes),*> #bound),
        }
    }

    /// The same where the trait's lifetimes are in scope.
    pub(super) fn bound_here(&self) -> TokenStream {
        let (name, instance) = (self.service.ident(), &self.service.instance);
        let (lifetimes, arguments) = (&instance.lifetimes, &instance.arguments);
        let types = instance.types.iter().chain(&instance.inherited);
        let types: Vec<_> = types.map(|(name, ty)| quote!(#name = #ty)).collect();
        if lifetimes.is_empty() && arguments.is_empty() && types.is_empty() {
            return quote!(#name);
        }
        self.placed(quote!(#name<#(#lifetimes,)* #(#arguments,)* #(#types),*>))
    }

    /// A function of the trait, as it is called on an implementation.
    pub(super) fn function(&self, function: &Ident) -> TokenStream {
        let (name, arguments) = (self.service.ident(), &self.service.instance.arguments);
        if arguments.is_empty() {
            return quote!(#name::#function);
        }
        let of = self.implementation();
        self.placed(quote!(<#of as #name<#(#arguments),*>>::#function))
    }

    /// The trait's name with arguments that do not fit is one error, at the arguments.
    fn placed(&self, tokens: TokenStream) -> TokenStream {
        match self.service.instance.arguments.first() {
            Some(GenericArgument::Type(ty)) => super::moved(tokens, types::span(ty)),
            _ => tokens,
        }
    }

    /// `<'a>` behind `impl`, for the trait's own lifetimes and `more`.
    pub(super) fn parameters(&self, more: Option<TokenStream>) -> Option<TokenStream> {
        let lifetimes = self.service.instance.lifetimes.iter();
        let all: Vec<_> = lifetimes
            .map(|lifetime| quote!(#lifetime))
            .chain(more)
            .collect();
        (!all.is_empty()).then(|| quote!(<#(#all),*>))
    }

    /// `type Error = StoreError;` in an implementation.
    pub(super) fn associated(&self) -> TokenStream {
        let types = self.service.instance.types.iter();
        let types = types.map(|(name, ty)| quote!(type #name = #ty;));
        quote!(#(#types)*)
    }

    /// The type parameter for an implementation: `S`, unless the trait means something by that.
    pub(super) fn implementation(&self) -> Ident {
        let free = ["S", "Service", "__S"]
            .into_iter()
            .find(|name| !self.words.iter().any(|word| word == name));
        quote::format_ident!("{}", free.unwrap_or("__Service"))
    }

    /// True if a method can only be called on a service of known size.
    pub(super) fn needs_size(&self) -> bool {
        self.service
            .methods
            .iter()
            .any(|method| has_bound(on_self(&method.signature), "Sized"))
    }

    /// What methods ask of the service besides, as bounds of the implementation.
    pub(super) fn asked(&self) -> Vec<TokenStream> {
        let mut asked: Vec<TokenStream> = Vec::new();
        for method in &self.service.methods {
            for bound in on_self(&method.signature) {
                let known = asked
                    .iter()
                    .any(|known| canonical(known.clone()) == canonical(quote!(#bound)));
                // `Send` and `Sync` are supertraits.
                let is_known = matches!(bound, TypeParamBound::Trait(bound)
                    if ["Sized", "Send", "Sync"].iter().any(|name| last_is(&bound.path, name)));
                let is_lifetime = matches!(bound, TypeParamBound::Lifetime(_));
                if !known && !is_known && !is_lifetime {
                    asked.push(quote!(#bound));
                }
            }
        }
        asked
    }
}
