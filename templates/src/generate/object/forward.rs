//! Pointers to an implementation, which are implementations.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{TraitItem, TypeParamBound};

use super::{
    super::Output,
    Pointers,
    function::{Function, Passing},
};
use crate::{check::is_satisfied, model::supertraits};

impl Output<'_> {
    /// The trait for each pointer through which all of its methods can be called.
    pub(super) fn forwarders(&self, functions: &[Function<'_>]) -> TokenStream {
        let s = self.implementation();
        let pointers = match self.pointers() {
            Pointers::Shared => vec![
                quote!(::std::sync::Arc<#s>),
                quote!(::std::boxed::Box<#s>),
                quote!(&#s),
            ],
            Pointers::Exclusive => vec![quote!(::std::boxed::Box<#s>), quote!(&mut #s)],
            Pointers::Counted => vec![quote!(::std::sync::Arc<#s>)],
        };
        // A reference that lives for ever is of no use.
        let pointers = pointers
            .into_iter()
            .filter(|pointer| !self.lives_forever() || !pointer.to_string().starts_with('&'));
        pointers
            .map(|pointer| self.forwarder(&pointer, functions))
            .collect()
    }

    fn forwarder(&self, pointer: &TokenStream, functions: &[Function<'_>]) -> TokenStream {
        let (s, bound, implemented) = (self.implementation(), self.bound_here(), self.trait_ref());
        let (associated, deprecated) = (self.associated(), self.allow_deprecated());
        let parameters = self.parameters(Some(quote!(#s: #bound + ?Sized)));
        let functions = functions.iter().filter(|function| function.is_forwarded());
        let functions = functions.map(|function| self.forwarded(function));
        let constants = self
            .service
            .item
            .items
            .iter()
            .filter_map(|item| match item {
                TraitItem::Const(constant) => {
                    let (ident, ty) = (&constant.ident, &constant.ty);
                    let cfg = constant.attrs.iter().filter(|a| a.path().is_ident("cfg"));
                    Some(quote!(#(#cfg)* const #ident: #ty = <#s as #implemented>::#ident;))
                }
                _ => None,
            });
        // What the user implements, the pointer may have too.
        let manual: Vec<_> = supertraits(&self.service.item)
            .filter(|bound| matches!(bound, TypeParamBound::Trait(_)) && !is_satisfied(bound))
            .map(TypeParamBound::to_token_stream)
            .collect();
        let clause = (!manual.is_empty()).then(|| quote!(where #pointer: #(#manual)+*));
        quote! {
            #deprecated
            impl #parameters #implemented for #pointer #clause {
                #associated
                #(#constants)*
                #(#functions)*
            }
        }
    }

    fn forwarded(&self, function: &Function<'_>) -> TokenStream {
        let s = self.implementation();
        let signature = function.implementing(Some(&s));
        let (cfg, names) = (&function.cfg, &function.names);
        let called = self.function(&function.signature.ident);
        let turbofish = function.turbofish();
        let awaited = function.is_awaited().then(|| quote!(.await));
        let service = match function.receiver() {
            Some(Passing::Ref) => Some(quote!(&**self,)),
            Some(Passing::Mut) => Some(quote!(&mut **self,)),
            Some(Passing::Arc) => Some(quote!(::core::clone::Clone::clone(&*self),)),
            None => None,
        };
        // Without a `self` to infer it from, the implementation is named.
        let called = match service {
            Some(_) => called,
            None => {
                let implemented = self.trait_ref();
                let ident = &function.signature.ident;
                quote!(<#s as #implemented>::#ident)
            }
        };
        quote! {
            #(#cfg)*
            #signature {
                #called #turbofish(#service #(#names),*) #awaited
            }
        }
    }
}
