//! What the handler does for a method that has streams.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::super::Output;
use crate::model::{Method, Style, without_lifetimes};

/// The steps that are the same for all methods.
pub(super) struct Steps<'a> {
    /// Names of the arguments.
    pub(super) names: &'a [Ident],
    /// Takes the arguments that are no streams.
    pub(super) takes: TokenStream,
    /// Lends what is taken.
    pub(super) lent: TokenStream,
    /// Locks the service, where it is locked.
    pub(super) guard: Option<TokenStream>,
    /// Calls the method, without awaiting it.
    pub(super) called: TokenStream,
}

impl Output<'_> {
    /// Decode, call, and send what the method returns, all in one future.
    pub(super) fn streamed(&self, method: &Method, steps: &Steps<'_>) -> TokenStream {
        let rt = &self.rt;
        let Steps {
            names,
            takes,
            lent,
            guard,
            called,
        } = steps;
        let taken = method.taken().map(|(index, argument, stream)| {
            let name = &names[index];
            let item = without_lifetimes(&argument.owned);
            let taken = quote!(#rt::taken!(call, #item));
            match stream.boxed {
                true => quote!(let #name = ::std::boxed::Box::pin(#taken);),
                false => quote!(let #name = #taken;),
            }
        });
        let begin = method.taken().map(|_| quote!(call.begin().await;));
        let mutable = method.taken().map(|_| quote!(mut));
        let answer = match &method.reply.stream {
            None => quote! {
                let reply = #rt::call_replier(call);
                #lent
                #guard
                let result = #called.await;
                #rt::respond!(reply, result)
            },
            Some(stream) => {
                let awaited = (method.style != Style::Stream).then(|| quote!(.await));
                let item = without_lifetimes(&stream.item.ty);
                let send = match stream.direct {
                    true => quote!(#rt::send_items!(reply, items, #item)),
                    false => quote!(#rt::open_items!(reply, items, #item)),
                };
                // The stream borrows nothing where there is a lock, which is let go of.
                let items = match guard {
                    Some(guard) => quote!(let items = { #guard #called #awaited };),
                    None => quote!(let items = #called #awaited;),
                };
                quote! {
                    let reply = call.into_reply();
                    #lent
                    #items
                    #send
                }
            }
        };
        quote! {
            #rt::streamed(request, move |#mutable call| async move {
                #begin
                #takes
                #taken
                #answer
            }),
        }
    }
}
