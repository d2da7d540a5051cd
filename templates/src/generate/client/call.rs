//! The body of a client's method.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{
    CapturedParam, FnArg, Pat, PreciseCapture, ReturnType, Signature, parse_quote,
    visit_mut::VisitMut,
};

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
                Form::Value | Form::Lent(_) | Form::AsRef(_) | Form::Stream(_) => None,
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
        let plain: Vec<_> = method.plain_arguments().collect();
        let last = plain.len().saturating_sub(1);
        let puts = plain.iter().enumerate().map(|(index, (place, argument))| {
            let name = &names[*place];
            let borrowed = match &argument.form {
                Form::AsRef(target) => {
                    Some(quote!(let #name: &#target = ::core::convert::AsRef::as_ref(&#name);))
                }
                _ => None,
            };
            let more = (index < last).then(|| quote!(?;));
            quote!(#borrowed #rt::put!(args, #name) #more)
        });
        let encode = match plain.as_slice() {
            [] => quote!(|_| #rt::no_arguments()),
            [(_, only)] if !matches!(only.form, Form::AsRef(_)) => quote!(move |args| #(#puts)*),
            _ => quote!(move |args| { #(#puts)* }),
        };
        let position = self.position(Some(method));
        let reply = self.opaque(&method.reply.ty);
        let call = quote!(self.channel.call(&#contract.methods[#position]) #session);
        let body = if method.streams() {
            self.streaming(method, &names, &quote!(#call.streaming(#encode)))
        } else {
            quote! {
                let answer = #call.unary(#encode).await;
                #rt::settle!(#reply, answer)
            }
        };
        let body = quote!(#(#convert)* #body);
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
        if let ReturnType::Type(_, output) = &mut signature.output {
            OfTrait.visit_type_mut(output);
        }
        let mut names = names.iter();
        for input in &mut signature.inputs {
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

/// Removes from `use<Self>` what an implementation cannot say.
struct OfTrait;

impl VisitMut for OfTrait {
    fn visit_precise_capture_mut(&mut self, capture: &mut PreciseCapture) {
        let params = std::mem::take(&mut capture.params);
        let kept = params.into_iter().filter(|param| match param {
            CapturedParam::Ident(name) => name != "Self",
            _ => true,
        });
        capture.params = kept.collect();
    }
}
