//! The handler: serves any implementation of the trait.

mod arm;
mod lend;
mod stream;

use proc_macro2::TokenStream;
use quote::quote;

use super::Output;

impl Output<'_> {
    pub(super) fn handler(&self) -> TokenStream {
        let (rt, vis) = (&self.rt, self.visibility());
        let (handler, contract) = (self.handler_ident(), self.contract_ident());
        let name = self.service.ident();
        let docs = self.handler_docs();
        let (dead, deprecated) = (self.allow_dead_code(), self.allow_deprecated());
        let text = handler.to_string();
        let arms = self.service.methods.iter().map(|method| self.arm(method));
        quote! {
            #docs
            #dead
            #vis struct #handler<S: ?Sized> {
                service: ::std::sync::Arc<S>,
            }

            #dead
            impl<S> #handler<S> {
                /// A handler that owns the implementation.
                #vis fn new(service: S) -> Self {
                    Self { service: ::std::sync::Arc::new(service) }
                }
            }

            #dead
            impl<S: ?Sized> #handler<S> {
                /// A handler of an implementation that others use too.
                #vis fn shared(service: ::std::sync::Arc<S>) -> Self {
                    Self { service }
                }
            }

            impl<S: ?Sized> ::core::clone::Clone for #handler<S> {
                fn clone(&self) -> Self {
                    Self { service: ::std::sync::Arc::clone(&self.service) }
                }
            }

            impl<S: ?Sized> ::core::fmt::Debug for #handler<S> {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#text).finish_non_exhaustive()
                }
            }

            #deprecated
            impl<S: #name + ?Sized + 'static> #rt::Handler for #handler<S> {
                fn spec(&self) -> &'static #rt::ServiceSpec {
                    &#contract
                }

                fn call(&self, request: #rt::Request) -> #rt::BoxFuture<'static, #rt::Response> {
                    let service = ::std::sync::Arc::clone(&self.service);
                    match request.key() {
                        #(#arms)*
                        _ => #rt::unknown_method(),
                    }
                }
            }
        }
    }
}
