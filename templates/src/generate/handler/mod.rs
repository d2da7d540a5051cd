//! The handler: serves any implementation of the trait.

mod arm;
mod lend;

use proc_macro2::TokenStream;
use quote::quote;

use super::Output;

impl Output<'_> {
    pub(super) fn handler(&self) -> TokenStream {
        let (rt, name) = (&self.rt, self.service.ident());
        let (handler, contract) = (self.handler_ident(), self.contract_ident());
        let (shell, deprecated) = (self.handler_shell(), self.allow_deprecated());
        let arms = self.service.methods.iter().map(|method| self.arm(method));
        quote! {
            #shell

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

    /// The handler without the methods of the trait.
    pub(super) fn handler_shell(&self) -> TokenStream {
        let (vis, handler, name) = (
            self.visibility(),
            self.handler_ident(),
            self.service.ident(),
        );
        let docs = format!(" Serves an implementation of [`{name}`].");
        let dead = self.allow_dead_code();
        let text = handler.to_string();
        quote! {
            #[doc = #docs]
            #[doc = ""]
            #[doc = " Cheap to clone: clones share the implementation."]
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
        }
    }
}
