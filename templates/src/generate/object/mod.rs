//! Trait objects: `dyn DynGreeter`, which is a `Greeter`.
//!
//! A trait with async methods has no objects. Beside it stands another one, whose methods box their
//! futures and have names that nobody calls; every implementation has it, and its objects implement
//! the trait itself.

mod forward;
mod function;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{TraitItem, TypeParamBound};

use self::function::Function;
use super::Output;
use crate::model::{Receiver, canonical, has_bound, last_is, supertraits};

impl Output<'_> {
    /// The object trait and its implementations; nothing without `dyn`.
    pub(super) fn objects(&self) -> Option<TokenStream> {
        let dynamic = self.service.options.dynamic.as_ref()?;
        let functions = self.functions();
        let (interface, every) = (self.object_trait(&functions), self.every(&functions));
        let object = self.object(&functions);
        let forward = dynamic.forward.then(|| self.forwarders(&functions));
        Some(quote! {
            #interface
            #every
            #object
            #forward
        })
    }

    /// `trait DynGreeter`.
    fn object_trait(&self, functions: &[Function<'_>]) -> TokenStream {
        let (vis, dead, ident) = (
            self.visibility(),
            self.allow_dead_code(),
            self.object_ident(),
        );
        let name = self.service.ident();
        let docs = self.object_docs();
        let supertraits = self.object_supertraits();
        let methods = functions.iter().filter(|function| function.in_object());
        let methods = methods.map(|function| {
            let (cfg, signature) = (&function.cfg, self.boxing(function));
            quote! {
                #[doc(hidden)]
                #(#cfg)*
                #signature;
            }
        });
        let of = format!(" [`{name}`] as an object.");
        quote! {
            #[doc = #of]
            #(#[doc = #docs])*
            #dead
            #vis trait #ident: #(#supertraits)+* {
                #(#methods)*
            }
        }
    }

    /// Every implementation is behind its objects.
    fn every(&self, functions: &[Function<'_>]) -> TokenStream {
        let (s, bound, ident) = (self.implementation(), self.bound(), self.object_ident());
        let rt = &self.rt;
        let deprecated = self.allow_deprecated();
        let methods = functions.iter().filter(|function| function.in_object());
        let methods = methods.map(|function| {
            let (cfg, signature) = (&function.cfg, self.boxing(function));
            let (called, names) = (self.function(&function.signature.ident), &function.names);
            let call = quote!(#called(self, #(#names),*));
            let body = match (function.is_boxed_here(), function.stream()) {
                (true, Some(stream)) => {
                    let boxed = match stream.direct {
                        true => quote!(#rt::boxed_stream(#call.await)),
                        false => quote!(#rt::boxed(#call.await)),
                    };
                    quote!(::std::boxed::Box::pin(async move { #boxed }))
                }
                (true, None) | (false, Some(_)) => quote!(::std::boxed::Box::pin(#call)),
                (false, None) => call,
            };
            quote! {
                #(#cfg)*
                #signature {
                    #body
                }
            }
        });
        quote! {
            #deprecated
            impl<#s: #bound> #ident for #s {
                #(#methods)*
            }
        }
    }

    /// The objects implement the trait.
    fn object(&self, functions: &[Function<'_>]) -> TokenStream {
        let (implemented, ident) = (self.trait_ref(), self.object_ident());
        let (associated, deprecated) = (self.associated(), self.allow_deprecated());
        let (parameters, object) = match self.lives_forever() {
            true => (self.parameters(None), quote!(dyn #ident)),
            false => (
                self.parameters(Some(quote!('object))),
                quote!(dyn #ident + 'object),
            ),
        };
        let methods = functions.iter().filter(|function| function.in_object());
        let methods = methods.map(|function| {
            let (cfg, signature) = (&function.cfg, function.implementing(None));
            let (method, arguments) = (function.mangled(), function.converted());
            let awaited = function.is_awaited().then(|| quote!(.await));
            quote! {
                #(#cfg)*
                #signature {
                    self.#method(#(#arguments),*) #awaited
                }
            }
        });
        quote! {
            #deprecated
            impl #parameters #implemented for #object {
                #associated
                #(#methods)*
            }
        }
    }

    /// What the trait declares, with what the generator knows of it.
    fn functions(&self) -> Vec<Function<'_>> {
        let mut methods = self.service.methods.iter().peekable();
        let functions = self
            .service
            .item
            .items
            .iter()
            .filter_map(|item| match item {
                TraitItem::Fn(function) => self.service.instance.apply(function).ok(),
                _ => None,
            });
        functions
            .map(|function| {
                let method = methods.next_if(|method| {
                    canonical(method.signature.to_token_stream())
                        == canonical(function.sig.to_token_stream())
                });
                Function::new(function, method, self.target)
            })
            .collect()
    }

    fn object_supertraits(&self) -> Vec<TokenStream> {
        let mut bounds = vec![quote!(::core::marker::Send), quote!(::core::marker::Sync)];
        for bound in supertraits(&self.service.item) {
            let there = ["Send", "Sync"].iter().any(|name| has_bound([bound], name));
            if !there {
                bounds.push(bound.to_token_stream());
            }
        }
        bounds
    }

    /// True if the trait asks for `'static`.
    fn lives_forever(&self) -> bool {
        supertraits(&self.service.item).any(|bound| match bound {
            TypeParamBound::Lifetime(_) => true,
            TypeParamBound::Trait(bound) => last_is(&bound.path, "Any"),
            _ => false,
        })
    }

    fn object_docs(&self) -> Vec<String> {
        let (name, object) = (self.service.ident(), self.object_ident());
        let pointers: &[&str] = match self.pointers() {
            Pointers::Shared => &["Arc<dyn {}>", "Box<dyn {}>", "&dyn {}"],
            Pointers::Exclusive => &["Box<dyn {}>", "&mut dyn {}"],
            Pointers::Counted => &["Arc<dyn {}>"],
        };
        let pointers: Vec<_> = pointers
            .iter()
            .map(|pointer| format!("`{}`", pointer.replace("{}", &object.to_string())))
            .collect();
        let forward = self.service.options.dynamic.as_ref();
        let forwarded = forward
            .is_some_and(|dynamic| dynamic.forward)
            .then(|| format!(" So do pointers to it: {}.", pointers.join(", ")));
        [
            String::new(),
            format!(" Each implementation has it, and `dyn {object}` implements [`{name}`]."),
        ]
        .into_iter()
        .chain(forwarded)
        .collect()
    }

    fn pointers(&self) -> Pointers {
        let has = |receiver| {
            let mut methods = self.service.methods.iter();
            methods.any(|method| method.receiver == receiver)
        };
        if has(Receiver::Arc) {
            Pointers::Counted
        } else if has(Receiver::Mut) {
            Pointers::Exclusive
        } else {
            Pointers::Shared
        }
    }
}

/// The pointers through which every method can be called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pointers {
    /// `Arc`, `Box`, `&`.
    Shared,
    /// `Box`, `&mut`: there is a `&mut self`.
    Exclusive,
    /// `Arc`: there is a `self: Arc<Self>`.
    Counted,
}
