//! The client: implements the trait, and calls.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{FnArg, Pat, Signature, parse_quote};

use super::{Output, Target, interface::add_send};
use crate::model::{Form, Method, Style};

impl Output<'_> {
    pub(super) fn client(&self) -> TokenStream {
        let (rt, vis) = (&self.rt, self.visibility());
        let (client, contract) = (self.client_ident(), self.contract_ident());
        let name = self.service.ident();
        let docs = format!(
            " Client of [`{name}`]: implements it by calling the instances of a deployment."
        );
        let derive = match self.target {
            Target::Macro => quote!(#[derive(::core::clone::Clone, ::core::fmt::Debug)]),
            Target::File => quote!(#[derive(Clone, Debug)]),
        };
        let (dead, deprecated) = (self.allow_dead_code(), self.allow_deprecated());
        let sugar = self.sugar();
        let methods = self.service.methods.iter().map(|method| self.call(method));
        let by_async_trait =
            (self.service.style == Style::AsyncTrait).then(|| quote!(#[#rt::async_trait]));
        quote! {
            #[doc = #docs]
            #[doc = ""]
            #[doc = " Cheap to clone: clones share their connections."]
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

            #by_async_trait
            #deprecated
            impl #name for #client {
                #(#methods)*
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

    /// One method: arguments are encoded from the borrow before anything is awaited.
    fn call(&self, method: &Method) -> TokenStream {
        let (rt, contract) = (&self.rt, self.contract_ident());
        let (cfg, docs) = (&method.cfg, &method.docs);
        let names: Vec<Ident> = method
            .arguments
            .iter()
            .enumerate()
            .map(|(i, argument)| self.argument(i, argument))
            .collect();
        let signature = self.implementing(method, &names);
        let convert = method.arguments.iter().zip(&names).filter_map(|(argument, name)| {
            let owned = &argument.owned;
            match argument.form {
                Form::Into => Some(quote!(let #name: #owned = ::core::convert::Into::into(#name);)),
                Form::Items(_) => Some(quote! {
                    let #name: ::std::vec::Vec<_> = ::core::iter::IntoIterator::into_iter(#name).collect();
                }),
                Form::Value | Form::Lent(_) | Form::AsRef(_) => None,
            }
        });
        let convert: Vec<_> = convert.collect();
        let session = method.sticky.map(|index| {
            let name = &names[index];
            match &method.arguments[index].form {
                Form::AsRef(target) => quote! {
                    .session(#rt::session_key!(<_ as ::core::convert::AsRef<#target>>::as_ref(&#name)))
                },
                _ => quote!(.session(#rt::session_key!(#name))),
            }
        });
        let last = method.arguments.len().saturating_sub(1);
        let puts =
            method
                .arguments
                .iter()
                .zip(&names)
                .enumerate()
                .map(|(index, (argument, name))| {
                    let borrowed = match &argument.form {
                        Form::AsRef(target) => Some(
                            quote!(let #name: &#target = ::core::convert::AsRef::as_ref(&#name);),
                        ),
                        _ => None,
                    };
                    let more = (index < last).then(|| quote!(?;));
                    quote!(#borrowed #rt::put!(args, #name) #more)
                });
        let encode = match method.arguments.as_slice() {
            [] => quote!(|_| #rt::no_arguments()),
            [only] if !matches!(only.form, Form::AsRef(_)) => quote!(move |args| #(#puts)*),
            _ => quote!(move |args| { #(#puts)* }),
        };
        let position = self.position(Some(method));
        let reply = self.opaque(&method.reply.ty);
        quote! {
            #(#docs)*
            #(#cfg)*
            #signature {
                #(#convert)*
                let answer = self
                    .channel
                    .call(&#contract.methods[#position])
                    #session
                    .unary(#encode)
                    .await;
                #rt::settle!(#reply, answer)
            }
        }
    }

    /// The signature with plain names for arguments.
    fn implementing(&self, method: &Method, names: &[Ident]) -> Signature {
        let mut signature = method.signature.clone();
        let mut names = names.iter();
        for input in &mut signature.inputs {
            if let FnArg::Typed(input) = input
                && let Some(name) = names.next()
            {
                let pattern: Pat = parse_quote!(#name);
                *input.pat = pattern;
                input.attrs.clear();
                if self.service.style == Style::Native {
                    add_send(&mut input.ty);
                }
            }
        }
        signature
    }
}
