//! What stands for the code of a trait that was refused: everything by its name, so that the
//! refusals are the only errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, ItemTrait, ReturnType, Signature, TraitItem, TraitItemFn, Type, TypeParamBound,
};

use super::{Output, Target};
use crate::{
    check,
    model::{Service, is_async_trait, last_is},
};

impl Service {
    /// A trait that was refused, and stubs of what would stand beside it.
    pub fn refused(options: TokenStream, item: &ItemTrait) -> TokenStream {
        let service = Self::stub(options, item);
        let output = Output::new(&service, Target::Macro);
        let (interface, contract) = (output.interface(), output.contract());
        let (client, handler) = (output.client_shell(), output.handler_shell());
        let stubs = output.stubs();
        quote! {
            #interface
            #contract
            #client
            #handler
            #stubs
        }
    }
}

impl Output<'_> {
    fn stubs(&self) -> TokenStream {
        let (rt, item) = (&self.rt, &self.service.item);
        let (client, handler) = (self.client_ident(), self.handler_ident());
        let contract = self.contract_ident();
        let methods = self.stub_methods(item);
        quote! {
            #methods

            impl<S: ?Sized + ::core::marker::Send + ::core::marker::Sync + 'static> #rt::Handler
                for #handler<S>
            {
                fn spec(&self) -> &'static #rt::ServiceSpec {
                    &#contract
                }

                fn call(&self, _: #rt::Request) -> #rt::BoxFuture<'static, #rt::Response> {
                    let _ = &self.service;
                    #rt::unknown_method()
                }
            }

            impl<S: ::core::marker::Send + ::core::marker::Sync + 'static> #rt::Seam<S>
                for #client
            {
                type Handler = #handler<S>;

                fn handler(service: S) -> #handler<S> {
                    #handler::new(service)
                }
            }
        }
    }

    /// The methods of the trait: as an implementation if there can be one, else as the client's
    /// own.
    fn stub_methods(&self, item: &ItemTrait) -> TokenStream {
        let (name, client) = (&item.ident, self.client_ident());
        let functions = || {
            item.items.iter().filter_map(|each| match each {
                TraitItem::Fn(function) => Some(function),
                _ => None,
            })
        };
        let whole = item.unsafety.is_none()
            && item.modifiers.auto_token.is_none()
            && item.supertraits.iter().all(check::is_satisfied)
            && item.items.iter().all(|each| match each {
                TraitItem::Fn(function) => function.default.is_some() || stub(function).is_some(),
                TraitItem::Const(constant) => constant.default.is_some(),
                _ => false,
            });
        let allow = quote!(#[allow(
            dead_code, deprecated, unused_variables, unused_mut, clippy::all, clippy::pedantic
        )]);
        if whole {
            let methods = functions()
                .filter(|function| function.default.is_none())
                .filter_map(stub);
            let by_async_trait = item.attrs.iter().filter(|attribute| applies(attribute));
            let (implementing, arguments, clause) = item.generics.split_for_impl();
            return quote! {
                #allow
                #(#by_async_trait)*
                impl #implementing #name #arguments for #client #clause {
                    #(#methods)*
                }
            };
        }
        if !item.generics.params.is_empty() {
            return TokenStream::new();
        }
        let vis = self.visibility();
        let methods = functions()
            .filter(|function| !names_associated(&function.sig))
            .filter_map(stub)
            .map(|method| quote!(#vis #method));
        quote! {
            #allow
            impl #client {
                #(#methods)*
            }
        }
    }
}

/// The method with a body that fits; nothing if there is none.
fn stub(function: &TraitItemFn) -> Option<TokenStream> {
    let (signature, cfg) = (&function.sig, cfg(&function.attrs));
    if signature.constness.is_some() || signature.variadic.is_some() {
        return None;
    }
    let body = match &signature.output {
        ReturnType::Type(_, ty) => match check::types::unwrapped(ty) {
            Type::ImplTrait(written) => {
                let is_future = written.bounds.iter().any(
                    |bound| matches!(bound, TypeParamBound::Trait(bound) if last_is(&bound.path, "Future")),
                );
                if !is_future {
                    return None;
                }
                quote!(::core::future::pending())
            }
            _ => quote!(::core::unreachable!("refused when it was compiled")),
        },
        ReturnType::Default => quote!(::core::unreachable!("refused when it was compiled")),
    };
    Some(quote! {
        #(#cfg)*
        #signature {
            #body
        }
    })
}

fn cfg(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}

/// `#[async_trait]`, also inside of `cfg_attr`.
fn applies(attribute: &Attribute) -> bool {
    is_async_trait(&attribute.meta)
        || crate::model::conditional(attribute)
            .iter()
            .any(is_async_trait)
}

/// Whether a signature names what only an implementation of the trait has.
fn names_associated(signature: &Signature) -> bool {
    quote!(#signature).to_string().contains("Self ::")
}
