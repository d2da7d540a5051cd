//! What the handler does for one method.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    super::{Output, conversion, crossing, here, key, moved},
    lend::{collect, each, value},
    stream::Steps,
};
use crate::model::{Form, Lend, Method, Passed, Raw, Receiver, Style, without_lifetimes};

impl Output<'_> {
    /// One method: decode, let go of the request, call, answer.
    pub(super) fn arm(&self, method: &Method) -> TokenStream {
        let (rt, key, cfg) = (&self.rt, key(method), &method.cfg);
        let function = self.function(&method.signature.ident);
        let (guard, service) = self.service_of(method);
        let names = self.names(method);
        let takes = method.plain_arguments().map(|(index, argument)| {
            let name = &names[index];
            if let Form::With { module, .. } = &argument.form {
                let wire = &argument.name;
                let from_wire = conversion(module, "from_wire");
                return quote!(let #name = #rt::take_with!(args, #wire, #from_wire)?;);
            }
            if let Form::Raw(_) = &argument.form {
                return quote!(let #name = args.take_raw()?;);
            }
            let ty = without_lifetimes(&argument.owned);
            quote!(let #name = #rt::take!(args, #ty)?;)
        });
        // What is lent from a temporary gets a name, to live as long as the call.
        let mut lent = Vec::new();
        let mut passed = Vec::new();
        for (argument, name) in method.arguments.iter().zip(&names) {
            let lend = match &argument.form {
                Form::Lent(lend) => lend,
                Form::Items(Some(lend)) => {
                    let items = value(rt, lend, &quote!(#name));
                    lent.push(quote!(let #name: ::std::vec::Vec<_> = #items;));
                    passed.push(quote!(#name));
                    continue;
                }
                // In place, so that what it borrows lives as long as the call.
                Form::Skip(value) => {
                    passed.push(quote!(#value));
                    continue;
                }
                // Only once the request is let go of, so that its memory can be taken over.
                Form::Raw(Raw::Owned(ty)) => {
                    let ty = without_lifetimes(ty);
                    lent.push(quote!(let #name = #rt::detach!(#ty, #name);));
                    passed.push(quote!(#name));
                    continue;
                }
                Form::Raw(Raw::Lent) => {
                    passed.push(quote!(&#name));
                    continue;
                }
                Form::With { passed: how, .. } => {
                    passed.push(match how {
                        Passed::Owned => quote!(#name),
                        Passed::Lent => quote!(&#name),
                        Passed::Behind => quote!(&*#name),
                    });
                    continue;
                }
                _ => {
                    passed.push(quote!(#name));
                    continue;
                }
            };
            match lend {
                Lend::RefTo(inner) => {
                    let value = value(rt, inner, &quote!(#name));
                    lent.push(quote!(let #name = #value;));
                    passed.push(quote!(&#name));
                }
                Lend::SliceOf(inner) => {
                    let items = collect(&quote!(#name), &each(rt, inner));
                    lent.push(quote!(let #name: ::std::vec::Vec<_> = #items;));
                    passed.push(quote!(&#name));
                }
                _ => passed.push(value(rt, lend, &quote!(#name))),
            }
        }
        let with = crossing(&method.reply, "to_wire");
        let plain = method.reply.on_failure.is_some().then(|| quote!(, plain));
        let mutable = method.plain_arguments().next().map(|_| quote!(mut));
        let called = quote!(#function(#service, #(#passed),*));
        let takes = |from: TokenStream| {
            quote! {
                let #mutable args = #from.arguments()?;
                #(#takes)*
                args.finish()?;
            }
        };
        let body = if method.streams() {
            let steps = Steps {
                names: &names,
                takes: takes(quote!(call)),
                lent: quote!(#(#lent)*),
                guard,
                called,
            };
            self.streamed(method, &steps)
        } else {
            let takes = takes(quote!(request));
            let blocking = method.style == Style::Blocking;
            let awaited = (!blocking).then(|| quote!(.await));
            let called = quote!(#(#lent)* #guard let result = #called #awaited;);
            let body = match (&method.effects.oneway, blocking) {
                (None, _) => quote!(#called #rt::respond!(reply, result #plain #with)),
                (Some(_), false) => {
                    let told = self.told(method);
                    quote!(#rt::accept(reply, async move { #called #told }))
                }
                (Some(_), true) => {
                    let told = self.told(method);
                    let work = quote!(#rt::blocking_work(move || { #called #told }));
                    quote!(#rt::accept(reply, #work))
                }
            };
            let body = quote! {
                #takes
                let reply = #rt::reply_to(request);
                #body
            };
            let span = here(method.signature.ident.span());
            let work = match blocking && method.effects.oneway.is_none() {
                true => quote!(#rt::blocking(move || { #body })),
                false => quote_spanned!(span=> async move { #body }),
            };
            // Where the method's future cannot change threads, the method is underlined.
            let answer = moved(quote!(#rt::answer), span);
            quote_spanned!(span=> #answer(#work),)
        };
        quote! {
            #(#cfg)*
            #key => #body
        }
    }

    /// What becomes of the result of a method that nobody waits for.
    fn told(&self, method: &Method) -> TokenStream {
        let rt = &self.rt;
        match method.reply.nothing {
            true => quote!(let () = result;),
            false => quote!(#rt::finished!(reply, result)),
        }
    }

    /// What the method is called on, and what has to be done for it before.
    fn service_of(&self, method: &Method) -> (Option<TokenStream>, TokenStream) {
        let locked = self.service.is_locked();
        let blocking = method.style == Style::Blocking;
        match method.receiver {
            Receiver::Mut => {
                let write = match blocking {
                    true => quote!(blocking_write()),
                    false => quote!(write().await),
                };
                (
                    Some(quote!(let mut service = service.#write;)),
                    quote!(&mut *service),
                )
            }
            Receiver::Ref if locked => {
                let read = match blocking {
                    true => quote!(blocking_read()),
                    false => quote!(read().await),
                };
                (
                    Some(quote!(let service = service.#read;)),
                    quote!(&*service),
                )
            }
            Receiver::Ref => (None, quote!(&*service)),
            Receiver::Arc => (None, quote!(service)),
        }
    }
}
