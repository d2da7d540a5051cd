//! The client: implements the trait, and calls.

mod call;
mod stream;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Output, Target};

impl Output<'_> {
    pub(super) fn client(&self) -> TokenStream {
        let client = self.client_ident();
        let (shell, seam) = (self.client_shell(), self.seam());
        let (parameters, implemented) = (self.parameters(None), self.trait_ref());
        let associated = self.associated();
        let deprecated = self.allow_deprecated();
        let methods = self.service.methods.iter().map(|method| self.call(method));
        let answered = self.service.locals.iter().map(|local| self.answered(local));
        let by_async_trait = self.by_async_trait();
        quote! {
            #shell

            #by_async_trait
            #deprecated
            impl #parameters #implemented for #client {
                #associated
                #(#methods)*
                #(#answered)*
            }

            #seam
        }
    }

    /// The client without the methods of the trait.
    pub(super) fn client_shell(&self) -> TokenStream {
        let (rt, vis) = (&self.rt, self.visibility());
        let (client, contract) = (self.client_ident(), self.contract_ident());
        let docs = self.client_docs();
        let derive = match self.target {
            Target::Macro => quote!(#[derive(::core::clone::Clone, ::core::fmt::Debug)]),
            Target::File => quote!(#[derive(Clone, Debug)]),
        };
        let (dead, sugar) = (self.allow_dead_code(), self.sugar());
        quote! {
            #docs
            #derive
            #dead
            #vis struct #client {
                channel: #rt::Channel,
            }

            #sugar

            #dead
            impl #rt::Client for #client {
                fn spec() -> &'static #rt::ServiceSpec {
                    &#contract
                }

                fn from_channel(channel: #rt::Channel) -> Self {
                    Self { channel }
                }

                fn channel(this: &Self) -> &#rt::Channel {
                    &this.channel
                }
            }
        }
    }

    /// `Client`'s functions as methods, except those that would hide a method of the trait.
    fn sugar(&self) -> TokenStream {
        let (rt, vis, client) = (&self.rt, self.visibility(), self.client_ident());
        let free = |name| !self.service.has_function(name);
        let connect = free("connect").then(|| {
            quote! {
                /// A client of the instances of `deployment`. It connects when it is first used.
                #vis fn connect(mesh: &#rt::Mesh, deployment: &str) -> Self {
                    <Self as #rt::Client>::connect(mesh, deployment)
                }
            }
        });
        let with = free("with").then(|| {
            quote! {
                /// The same client, with these options for its calls.
                #[must_use]
                #vis fn with(&self, call: #rt::Call) -> Self {
                    <Self as #rt::Client>::with(self, call)
                }
            }
        });
        let wait_ready = free("wait_ready").then(|| {
            quote! {
                /// Waits until an instance is connected.
                ///
                /// # Errors
                /// If none is when the deadline of the call options has passed.
                #vis async fn wait_ready(&self) -> ::core::result::Result<(), #rt::Error> {
                    <Self as #rt::Client>::wait_ready(self).await
                }
            }
        });
        let wait_ready_all = free("wait_ready_all").then(|| {
            quote! {
                /// Waits until every instance that the mesh lists is connected.
                ///
                /// # Errors
                /// If one is not when the deadline of the call options has passed.
                #vis async fn wait_ready_all(&self) -> ::core::result::Result<(), #rt::Error> {
                    <Self as #rt::Client>::wait_ready_all(self).await
                }
            }
        });
        let dead = self.allow_dead_code();
        quote! {
            #dead
            impl #client {
                #connect
                #with
                #wait_ready
                #wait_ready_all
            }
        }
    }

    /// What serves an implementation to this client, for tests.
    fn seam(&self) -> TokenStream {
        let (rt, s, bound) = (&self.rt, self.implementation(), self.bound());
        let (client, handler) = (self.client_ident(), self.handler_ident());
        let (asked, deprecated) = (self.asked(), self.allow_deprecated());
        quote! {
            #deprecated
            impl<#s: #bound #(+ #asked)* + 'static> #rt::Seam<#s> for #client {
                type Handler = #handler<#s>;

                fn handler(service: #s) -> #handler<#s> {
                    #handler::new(service)
                }
            }
        }
    }
}
