//! The body of a client's method that has streams.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::super::Output;
use crate::model::{Method, without_lifetimes};

impl Output<'_> {
    /// From `call`, a call whose arguments are written, to what the method returns.
    pub(super) fn streaming(
        &self,
        method: &Method,
        names: &[Ident],
        call: &TokenStream,
    ) -> TokenStream {
        let rt = &self.rt;
        let sending = method.taken().map(|(index, argument, _)| {
            let name = &names[index];
            let item = without_lifetimes(&argument.owned);
            quote!(let call = #rt::sending!(call, #name, #item);)
        });
        let call = quote!(let call = #call; #sending);
        let reply = &method.reply.ty;
        let Some(stream) = &method.reply.stream else {
            let settle = self.settle(method);
            return quote! {
                #call
                let answer = call.reply().await;
                #settle
            };
        };
        let item = without_lifetimes(&stream.item.ty);
        let items = match stream.direct {
            true => quote!(#rt::items!(call.replies(), #item)),
            false => quote!(#rt::settle_items!(#reply, call.open().await, #item)),
        };
        match (stream.direct, stream.boxed) {
            (_, false) => quote!(#call #items),
            (true, true) => quote!(#call let items = #items; ::std::boxed::Box::pin(items)),
            (false, true) => quote!(#call let items = #items; #rt::boxed(items)),
        }
    }
}
