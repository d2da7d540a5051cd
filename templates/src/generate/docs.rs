//! What the generated items say of themselves.
//!
//! Examples are marked as text: the user's tests would run anything else.

use heck::ToSnakeCase as _;
use proc_macro2::TokenStream;
use quote::quote;

use super::Output;
use crate::model::{Deadline, Method, plain};

impl Output<'_> {
    pub(super) fn client_docs(&self) -> TokenStream {
        let (name, client) = (self.service.ident(), self.client_ident());
        let value = self.value_name();
        let connect = match self.service.has_function("connect") {
            false => format!("let {value} = {client}::connect(&mesh, \"{value}\");"),
            true => format!("let {value}: {client} = Client::connect(&mesh, \"{value}\");"),
        };
        lines(&[
            &format!(
                "Client of [`{name}`]: implements it by calling the instances of a deployment."
            ),
            "",
            "```text",
            &connect,
            "```",
            "",
            "A call that fails on its way is an error of the method's own type, made from",
            "`meshrpc::Error`. Cheap to clone: clones share their connections.",
        ])
    }

    pub(super) fn handler_docs(&self) -> TokenStream {
        let (name, handler) = (self.service.ident(), self.handler_ident());
        let value = self.value_name();
        let text = lines(&[
            &format!("Serves an implementation of [`{name}`]."),
            "",
            "```text",
            &format!(
                "let server = Server::builder().service({handler}::new(implementation)).build();"
            ),
            &format!("let serving = mesh.serve(\"{value}\", server).await?;"),
            "```",
            "",
            "Cheap to clone: clones share the implementation.",
        ]);
        let lock = self.service.is_locked().then(|| {
            lines(&[
                "",
                "The implementation is kept behind a lock: calls of methods that take `&mut self` are",
                "served one at a time, those that take `&self` at the same time as each other.",
            ])
        });
        quote!(#text #lock)
    }

    pub(super) fn contract_docs(&self) -> TokenStream {
        let name = self.service.ident();
        let first = format!("The contract of [`{name}`], as servers and clients exchange it.");
        let head = match self.service.methods.is_empty() {
            true => lines(&[&first]),
            false => lines(&[
                &first,
                "",
                "Its methods are, by their names on the wire:",
                "",
            ]),
        };
        let methods = self.service.methods.iter().map(|method| {
            let text = format!(" - {}", in_the_list(method));
            match conditions(method) {
                Some(cfg) => quote!(#[cfg_attr(#cfg, doc = #text)]),
                None => quote!(#[doc = #text]),
            }
        });
        quote!(#head #(#methods)*)
    }

    /// What a value of the trait is called in an example, and the deployment it is served as.
    fn value_name(&self) -> String {
        plain(self.service.ident()).to_snake_case()
    }
}

/// A method, and what `#[mesh(…)]` says of it.
fn in_the_list(method: &Method) -> String {
    let effects = &method.effects;
    let deadline = effects.deadline.map(|deadline| match deadline {
        Deadline::None => "no deadline".to_owned(),
        Deadline::After(time) => format!("a deadline of {time:?}"),
    });
    let words = [
        effects.idempotent.then(|| "idempotent".to_owned()),
        deadline,
        effects
            .sticky
            .as_ref()
            .map(|argument| format!("sticky by `{}`", plain(argument))),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let name = &method.name;
    match words.is_empty() {
        true => format!("`{name}`"),
        false => format!("`{name}`: {}", words.join(", ")),
    }
}

/// When the method is there; nothing if it always is.
fn conditions(method: &Method) -> Option<TokenStream> {
    let mut tests = method.cfg.iter().filter_map(|cfg| match &cfg.meta {
        syn::Meta::List(list) => Some(&list.tokens),
        _ => None,
    });
    let first = tests.next()?;
    let more: Vec<_> = tests.collect();
    Some(match more.is_empty() {
        true => first.clone(),
        false => quote!(all(#first, #(#more),*)),
    })
}

fn lines(lines: &[&str]) -> TokenStream {
    let lines = lines.iter().map(|line| match line.is_empty() {
        true => String::new(),
        false => format!(" {line}"),
    });
    quote!(#(#[doc = #lines])*)
}
