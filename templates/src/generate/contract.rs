//! The contract: one static that describes the trait to the runtime.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Type;

use super::{Output, conversion, crossing, key};
use crate::model::{Deadline, Form, Method, Style, without_lifetimes};

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
            None => (quote!(unary), self.describe(method)),
            Some(_) => {
                let types = stream_signatures(method);
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

    /// What tells the schema of a method.
    fn describe(&self, method: &Method) -> TokenStream {
        let rt = &self.rt;
        let reply = &method.reply;
        let returned = without_lifetimes(&reply.ty);
        let with = crossing(reply, "from_wire");
        let converted = method
            .plain_arguments()
            .any(|(_, argument)| matches!(argument.form, Form::With { .. }));
        if !converted && reply.on_failure.is_none() && with.is_none() {
            let arguments = plain_types(method);
            return quote!(#rt::describe!(schema, fn(#(#arguments),*) -> #returned));
        }
        let arguments = method
            .plain_arguments()
            .map(|(_, argument)| match &argument.form {
                Form::With { module, .. } => {
                    let from_wire = conversion(module, "from_wire");
                    quote!(#rt::describe_argument!(schema, with #from_wire);)
                }
                _ => {
                    let ty = without_lifetimes(&argument.owned);
                    quote!(#rt::describe_argument!(schema, #ty);)
                }
            });
        let plain = reply.on_failure.as_ref().map(|_| quote!(, plain));
        quote! {{
            #(#arguments)*
            #rt::describe_reply!(schema, #returned #plain #with);
        }}
    }
}

/// `fn(Argument, …) -> Return, fn(Taken) -> Item`, of a method with streams.
fn stream_signatures(method: &Method) -> TokenStream {
    let arguments = plain_types(method);
    let taken = method
        .taken()
        .map(|(_, argument, _)| without_lifetimes(&argument.owned));
    let stream = method.reply.stream.as_ref();
    let item = stream.map(|stream| {
        let item = without_lifetimes(&stream.item.ty);
        quote!(-> #item)
    });
    let reply = stream.is_none_or(|stream| !stream.direct).then(|| {
        let reply = without_lifetimes(&method.reply.ty);
        quote!(-> #reply)
    });
    quote!(fn(#(#arguments),*) #reply, fn(#taken) #item)
}

/// The types of the arguments that are no streams.
fn plain_types(method: &Method) -> impl Iterator<Item = Type> {
    method
        .plain_arguments()
        .map(|(_, argument)| without_lifetimes(&argument.owned))
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
