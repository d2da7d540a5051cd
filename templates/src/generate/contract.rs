//! The contract: one static that describes the trait to the runtime.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Type;

use super::{Output, Target, file::print_type, key};
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
        let names = method.plain_arguments().map(|(_, argument)| &argument.name);
        let types: Vec<_> = method
            .plain_arguments()
            .map(|(_, argument)| without_lifetimes(&argument.owned))
            .collect();
        let reply = without_lifetimes(&method.reply.ty);
        let idempotent = method.effects.idempotent.then(|| quote!(.idempotent()));
        let blocking = (method.style == Style::Blocking).then(|| quote!(.blocking()));
        let effects = &method.effects;
        let completes = (effects.oneway.is_some() || effects.run_to_completion.is_some())
            .then(|| quote!(.run_to_completion()));
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
        let (new, describe) = match kind(method) {
            None => {
                let types = self.opaque_signature(&types, &reply);
                (quote!(unary), quote!(#rt::describe!(schema, #types)))
            }
            Some(_) => {
                let types = self.opaque_streams(method, &types, &reply);
                (
                    quote!(streaming),
                    quote!(#rt::describe_stream!(schema, #types)),
                )
            }
        };
        let kind = kind(method).map(|kind| quote!(#rt::CallKind::#kind,));
        quote! {
            #(#cfg)*
            #rt::MethodSpec::#new(
                #kind
                #name,
                #key,
                &[#(#names),*],
                |schema| #describe,
            ) #idempotent #completes #blocking #deadline
        }
    }

    /// `(Argument, …) taken(Item) items(Item) -> Return` inside a macro call.
    fn opaque_streams(&self, method: &Method, arguments: &[Type], reply: &Type) -> TokenStream {
        let taken = method
            .taken()
            .map(|(_, argument, _)| without_lifetimes(&argument.owned));
        let stream = method.reply.stream.as_ref();
        let items = stream.map(|stream| without_lifetimes(&stream.item.ty));
        let reply = stream.is_none_or(|stream| !stream.direct).then_some(reply);
        match self.target {
            Target::Macro => {
                let taken = taken.map(|item| quote!(taken(#item)));
                let items = items.map(|item| quote!(items(#item)));
                let reply = reply.map(|reply| quote!(-> #reply));
                quote!((#(#arguments),*) #taken #items #reply)
            }
            Target::File => {
                let arguments: Vec<_> = arguments.iter().map(print_type).collect();
                let mut text = format!("({})", arguments.join(", "));
                for (word, item) in [("taken", taken), ("items", items)] {
                    if let Some(item) = item {
                        text.push_str(&format!(" {word}({})", print_type(&item)));
                    }
                }
                if let Some(reply) = reply {
                    text.push_str(&format!(" -> {}", print_type(reply)));
                }
                self.placeholder(text)
            }
        }
    }
}

/// Which directions are streams; nothing if none is.
fn kind(method: &Method) -> Option<Ident> {
    let name = match (method.taken().is_some(), method.reply.stream.is_some()) {
        (false, false) => return None,
        (false, true) => "ServerStream",
        (true, false) => "ClientStream",
        (true, true) => "BothStream",
    };
    Some(Ident::new(name, Span::call_site()))
}
