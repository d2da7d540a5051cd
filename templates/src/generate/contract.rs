//! The contract: one static that describes the trait to the runtime.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Output, key};
use crate::model::{Deadline, Method, Style, without_lifetimes};

impl Output<'_> {
    pub(super) fn contract(&self) -> TokenStream {
        let (rt, vis, ident) = (&self.rt, self.visibility(), self.contract_ident());
        let name = self.service.name();
        let docs = self.contract_docs();
        let dead = self.allow_dead_code();
        let methods = self
            .service
            .methods
            .iter()
            .map(|method| self.method(method));
        // A static of its own, since what is only known to a method at run time is kept in it.
        let count = self.position(None);
        quote! {
            #docs
            #dead
            #vis static #ident: #rt::ServiceSpec = #rt::ServiceSpec {
                name: #name,
                methods: {
                    static METHODS: [#rt::MethodSpec; #count] = [#(#methods),*];
                    &METHODS
                },
            };
        }
    }

    fn method(&self, method: &Method) -> TokenStream {
        let (rt, name, key, cfg) = (&self.rt, &method.name, key(method), &method.cfg);
        let names = method.arguments.iter().map(|argument| &argument.name);
        let types: Vec<_> = method
            .arguments
            .iter()
            .map(|argument| without_lifetimes(&argument.owned))
            .collect();
        let types = self.opaque_signature(&types, &without_lifetimes(&method.reply.ty));
        let idempotent = method.effects.idempotent.then(|| quote!(.idempotent()));
        let blocking = (method.style == Style::Blocking).then(|| quote!(.blocking()));
        let deadline = method.effects.deadline.map(|deadline| {
            let deadline = match deadline {
                Deadline::None => quote!(#rt::Deadline::None),
                Deadline::After(time) => {
                    let millis = proc_macro2::Literal::u128_unsuffixed(time.as_millis());
                    quote!(#rt::Deadline::After(::core::time::Duration::from_millis(#millis)))
                }
            };
            quote!(.deadline(#deadline))
        });
        quote! {
            #(#cfg)*
            #rt::MethodSpec::unary(
                #name,
                #key,
                &[#(#names),*],
                |schema| #rt::describe!(schema, #types),
            ) #idempotent #blocking #deadline
        }
    }
}
