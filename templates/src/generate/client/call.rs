//! The body of a client's method.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{FnArg, Pat, Signature, Token, WherePredicate, parse_quote, punctuated::Punctuated};

use super::super::{Output, interface::add_send};
use crate::model::{Form, Method, Style};

impl Output<'_> {
    /// One method: arguments are encoded from the borrow before anything is awaited.
    pub(super) fn call(&self, method: &Method) -> TokenStream {
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
        let session = method.sticky().map(|index| {
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
        let body = quote! {
            #(#convert)*
            let answer = self
                .channel
                .call(&#contract.methods[#position])
                #session
                .unary(#encode)
                .await;
            #rt::settle!(#reply, answer)
        };
        let body = match method.style {
            Style::Async | Style::Blocking => body,
            Style::Future => quote!(async move { #body }),
            Style::Boxed => quote!(::std::boxed::Box::pin(async move { #body })),
        };
        quote! {
            #(#docs)*
            #(#cfg)*
            #signature {
                #body
            }
        }
    }

    /// The signature with plain names for arguments.
    fn implementing(&self, method: &Method, names: &[Ident]) -> Signature {
        let mut signature = method.signature.clone();
        lifetimes_only(&mut signature);
        let mut names = names.iter();
        for input in &mut signature.inputs {
            if let FnArg::Receiver(receiver) = input {
                receiver.mutability = None;
                receiver.attrs.clear();
            }
            if let FnArg::Typed(input) = input
                && let Some(name) = names.next()
            {
                let pattern: Pat = parse_quote!(#name);
                *input.pat = pattern;
                input.attrs.clear();
                if !self.service.async_trait {
                    add_send(&mut input.ty);
                }
            }
        }
        signature
    }
}

/// Leaves of a `where` what it says of lifetimes. What it says of types is true for the client,
/// which needs none of it.
fn lifetimes_only(signature: &mut Signature) {
    let Some(clause) = signature.generics.where_clause.take() else {
        return;
    };
    let kept: Punctuated<WherePredicate, Token![,]> = clause
        .predicates
        .into_iter()
        .filter(|predicate| matches!(predicate, WherePredicate::Lifetime(_)))
        .collect();
    if !kept.is_empty() {
        signature.generics.where_clause = Some(parse_quote!(where #kept));
    }
}
