//! The body of a client's method.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{FnArg, Pat, ReturnType, Signature, parse_quote};

use super::super::{
    Output, conversion, crossing,
    interface::{add_send, bounds_of_its_own, captures},
};
use crate::model::{
    Argument, Detach, FailureAnswer, Form, LocalMethod, Method, Passed, Raw, Style,
};

impl Output<'_> {
    /// One method. Where there is a future, nothing happens before it is polled; arguments are
    /// encoded from the borrow, before anything is awaited, unless the future outlives the borrow.
    pub(super) fn call(&self, method: &Method) -> TokenStream {
        let (rt, contract) = (&self.rt, self.contract_ident());
        let (cfg, docs) = (&method.cfg, &method.docs);
        let names = self.names(method);
        let signature = self.implementing(method, &names);
        let (before, within): (Vec<_>, Vec<_>) = method
            .arguments
            .iter()
            .zip(&names)
            .partition(|(argument, _)| argument.detach.is_some());
        let before = before.iter().map(|(argument, name)| {
            let (detach, convert) = (detach(argument, name), self.convert(argument, name));
            quote!(#detach #convert)
        });
        let within = within
            .iter()
            .map(|(argument, name)| self.convert(argument, name));
        let session = method.sticky().map(|index| {
            let name = &names[index];
            match &method.arguments[index].form {
                Form::AsRef(target) => quote! {
                    .session(#rt::session_key!(::core::convert::AsRef::<#target>::as_ref(&#name)))
                },
                _ => quote!(.session(#rt::session_key!(#name))),
            }
        });
        let encode = self.encode(method, &names);
        let position = self.position(Some(method));
        let settle = self.settle(method);
        let (channel, held) = match method.hold.has_receiver(&method.signature) {
            true => (quote!(self.channel), None),
            false => (
                quote!(channel),
                Some(quote!(let channel = ::core::clone::Clone::clone(&self.channel);)),
            ),
        };
        let call = quote!(#channel.call(&#contract.methods[#position]) #session);
        let call = match method.style {
            _ if method.streams() => quote!(#call.streaming(#encode)),
            Style::Blocking => quote!(#call.unary_blocking(#encode)),
            _ => quote!(#call.unary(#encode).await),
        };
        let body = if method.streams() {
            self.streaming(method, &names, &call)
        } else if method.reply.nothing {
            quote!(let answer = #call; #rt::cast(answer);)
        } else {
            quote!(let answer = #call; #settle)
        };
        let body = quote!(#(#within)* #body);
        let body = match method.style {
            Style::Async | Style::Blocking | Style::Stream => body,
            Style::Future => quote!(async move { #body }),
            Style::Boxed => quote!(::std::boxed::Box::pin(async move { #body })),
        };
        quote! {
            #(#docs)*
            #(#cfg)*
            #signature {
                #held
                #(#before)*
                #body
            }
        }
    }

    /// What the answer is to the caller.
    pub(super) fn settle(&self, method: &Method) -> TokenStream {
        let (rt, ty) = (&self.rt, &method.reply.ty);
        let with = crossing(&method.reply, "from_wire");
        if let Some(function) = &method.reply.or {
            return quote!(#rt::settle!(#ty, answer, or #function #with));
        }
        let Some(on_failure) = &method.reply.on_failure else {
            return quote!(#rt::settle!(#ty, answer #with));
        };
        let name = format!("{}::{}", self.service.ident(), method.signature.ident);
        let given = match &on_failure.answer {
            FailureAnswer::Panic => quote!(|failure| #rt::panic_with(#name, failure)),
            FailureAnswer::Default(_) => {
                quote!(|failure| #rt::default_of!(#ty, #name, failure))
            }
            FailureAnswer::Call(function) => quote!(#function),
        };
        quote!(#rt::settle!(#ty, answer, else #given #with))
    }

    /// A method that the client answers itself.
    pub(super) fn answered(&self, method: &LocalMethod) -> TokenStream {
        let LocalMethod {
            signature,
            cfg,
            docs,
            answer,
        } = method;
        quote! {
            #(#docs)*
            #(#cfg)*
            #[allow(unused_variables)]
            #signature {
                #answer
            }
        }
    }

    /// The closure that writes the arguments.
    fn encode(&self, method: &Method, names: &[Ident]) -> TokenStream {
        let rt = &self.rt;
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
            let put = match argument.form {
                Form::Raw(_) => quote!(args.put_raw(&#name)),
                _ => quote!(#rt::put!(args, #name)),
            };
            quote!(#borrowed #put #more)
        });
        match plain.as_slice() {
            [] => quote!(|_| #rt::no_arguments()),
            [(_, only)] if !matches!(only.form, Form::AsRef(_)) => quote!(move |args| #(#puts)*),
            _ => quote!(move |args| { #(#puts)* }),
        }
    }

    /// What an argument of some forms is, to be encoded.
    fn convert(&self, argument: &Argument, name: &Ident) -> Option<TokenStream> {
        let (rt, owned) = (&self.rt, &argument.owned);
        match argument.form {
            Form::Into => Some(quote!(let #name: #owned = ::core::convert::Into::into(#name);)),
            Form::Items(_) => Some(quote! {
                let #name: ::std::vec::Vec<_> = ::core::iter::IntoIterator::into_iter(#name).collect();
            }),
            Form::With { ref module, passed } => {
                let to_wire = conversion(module, "to_wire");
                let borrow = (passed == Passed::Owned).then(|| quote!(&));
                Some(quote!(let #name = #to_wire(#borrow #name);))
            }
            Form::Raw(Raw::Owned(_)) => Some(quote!(let #name = #rt::attach!(#name);)),
            Form::Raw(Raw::Lent) => Some(quote!(let #name = #rt::copied(#name);)),
            Form::Value | Form::Lent(_) | Form::AsRef(_) | Form::Stream(_) | Form::Skip(_) => None,
        }
    }

    /// The signature with plain names for arguments.
    fn implementing(&self, method: &Method, names: &[Ident]) -> Signature {
        let mut signature = method.signature.clone();
        bounds_of_its_own(&mut signature);
        let mut names = method.arguments.iter().zip(names);
        for input in &mut signature.inputs {
            if let FnArg::Receiver(receiver) = input {
                receiver.mutability = None;
                receiver.attrs.clear();
            }
            if let FnArg::Typed(input) = input
                && let Some((argument, name)) = names.next()
            {
                let pattern: Pat = match argument.form {
                    Form::Skip(_) => parse_quote!(_),
                    _ => parse_quote!(#name),
                };
                *input.pat = pattern;
                input.attrs.clear();
                if self.adds_send() && method.style != Style::Blocking {
                    add_send(&mut input.ty);
                }
            }
        }
        if method.style == Style::Future
            && let ReturnType::Type(_, output) = &mut signature.output
        {
            add_send(output);
            captures(output, None);
        }
        if method.reply.stream.is_some()
            && let ReturnType::Type(_, output) = &mut signature.output
        {
            captures(output, None);
        }
        signature
    }
}

/// Makes an argument independent of what it borrows.
fn detach(argument: &Argument, name: &Ident) -> Option<TokenStream> {
    let to_owned = quote!(::std::borrow::ToOwned::to_owned);
    let owned = match argument.detach? {
        Detach::Owned => quote!(#to_owned(#name)),
        Detach::OwnedInside => quote!(#name.map(#to_owned)),
        Detach::Cow => quote!(#name.into_owned()),
        Detach::Referred => match &argument.form {
            Form::AsRef(target) => {
                quote!(#to_owned(::core::convert::AsRef::<#target>::as_ref(&#name)))
            }
            _ => return None,
        },
        Detach::Converted => return None,
    };
    Some(quote!(let #name = #owned;))
}
