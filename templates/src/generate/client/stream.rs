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
        let call = match method.taken() {
            Some((index, argument, _)) => {
                let name = &names[index];
                let item = self.opaque(&without_lifetimes(&argument.owned));
                quote!(#rt::sending!(#call, #name, #item))
            }
            None => call.clone(),
        };
        let reply = self.opaque(&method.reply.ty);
        let Some(stream) = &method.reply.stream else {
            let settle = self.settle(method);
            return quote! {
                let answer = #call.reply().await;
                #settle
            };
        };
        let item = self.opaque(&without_lifetimes(&stream.item.ty));
        match (stream.direct, stream.boxed) {
            (true, false) => quote!(#rt::items!(#call.replies(), #item)),
            (true, true) => quote!(::std::boxed::Box::pin(#rt::items!(#call.replies(), #item))),
            (false, false) => quote! {
                let opened = #call.open().await;
                #rt::settle_items!(#reply, opened, #item)
            },
            (false, true) => quote! {
                let opened = #call.open().await;
                #rt::boxed(#rt::settle_items!(#reply, opened, #item))
            },
        }
    }
}
