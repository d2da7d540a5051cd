//! The handler: serves any implementation of the trait.

mod arm;
mod lend;
mod stream;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Output;

impl Output<'_> {
    pub(super) fn handler(&self) -> TokenStream {
        let rt = &self.rt;
        let (handler, contract) = (self.handler_ident(), self.contract_ident());
        let (shell, deprecated) = (self.handler_shell(), self.allow_deprecated());
        let arms = self.service.methods.iter().map(|method| self.arm(method));
        let (s, bound, asked) = (self.implementation(), self.bound(), self.asked());
        let unsized_too = (!self.needs_size()).then(|| quote!(+ ?Sized));
        quote! {
            #shell

            #deprecated
            impl<#s: #bound #(+ #asked)* #unsized_too + 'static> #rt::Handler for #handler<#s> {
                fn spec(&self) -> &'static #rt::ServiceSpec {
                    &#contract
                }

                fn call(&self, request: #rt::Request) -> #rt::BoxFuture<'static, #rt::Response> {
                    let service = ::core::clone::Clone::clone(&self.service);
                    match request.key() {
                        #(#arms)*
                        _ => #rt::unknown_method(),
                    }
                }
            }
        }
    }

    /// The handler without the methods of the trait.
    pub(super) fn handler_shell(&self) -> TokenStream {
        let (rt, vis, handler) = (&self.rt, self.visibility(), self.handler_ident());
        let (docs, dead, s) = (
            self.handler_docs(),
            self.allow_dead_code(),
            self.implementation(),
        );
        let text = handler.to_string();
        let constructors = self.constructors(&s);
        let held = match self.service.is_locked() {
            true => quote!(#rt::RwLock<#s>),
            false => quote!(#s),
        };
        quote! {
            #docs
            #dead
            #vis struct #handler<#s: ?Sized> {
                service: ::std::sync::Arc<#held>,
            }

            #constructors

            impl<#s: ?Sized> ::core::clone::Clone for #handler<#s> {
                fn clone(&self) -> Self {
                    Self { service: ::core::clone::Clone::clone(&self.service) }
                }
            }

            impl<#s: ?Sized> ::core::fmt::Debug for #handler<#s> {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#text).finish_non_exhaustive()
                }
            }
        }
    }

    fn constructors(&self, s: &Ident) -> TokenStream {
        let (vis, handler, dead) = (
            self.visibility(),
            self.handler_ident(),
            self.allow_dead_code(),
        );
        if self.service.is_locked() {
            let rt = &self.rt;
            return quote! {
                #dead
                impl<#s> #handler<#s> {
                    /// A handler that owns the implementation.
                    #vis fn new(service: #s) -> Self {
                        Self { service: ::std::sync::Arc::new(#rt::RwLock::new(service)) }
                    }
                }
            };
        }
        quote! {
            #dead
            impl<#s> #handler<#s> {
                /// A handler that owns the implementation.
                #vis fn new(service: #s) -> Self {
                    Self { service: ::std::sync::Arc::new(service) }
                }
            }

            #dead
            impl<#s: ?Sized> #handler<#s> {
                /// A handler of an implementation that others use too.
                #vis fn shared(service: ::std::sync::Arc<#s>) -> Self {
                    Self { service }
                }
            }
        }
    }
}
