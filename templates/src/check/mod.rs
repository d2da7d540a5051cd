//! What is refused, each at the user's own token, with words on what to write instead.

mod dynamic;
mod effects;
mod future;
pub(crate) mod generics;
mod item;
mod method;
pub(crate) mod settings;
pub(crate) mod stream;
pub(crate) mod types;

use std::collections::HashMap;

use syn::ItemTrait;

pub(crate) use dynamic::dynamic;
pub(crate) use effects::{effects, is_nothing};
pub(crate) use generics::bounds_on_self;
pub(crate) use item::{is_satisfied, item, sends};
pub(crate) use method::{local, method, on_self, stays_local, sticky};

use crate::model::{Method, Receiver};

/// Errors met so far, so that one run names all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }

    /// For callers that know there is one.
    pub(crate) fn into_error(self) -> syn::Error {
        self.0.unwrap_or_else(|| {
            syn::Error::new(proc_macro2::Span::call_site(), "the trait cannot be served")
        })
    }
}

/// What only the methods together can get wrong.
pub(crate) fn contract(item: &ItemTrait, methods: &[Method], errors: &mut Errors) {
    if methods.is_empty() {
        errors.push(syn::Error::new(
            item.ident.span(),
            format!(
                "`{}` has no method that another process could answer",
                item.ident
            ),
        ));
    }
    receivers(methods, errors);
    let mut names: HashMap<&str, Vec<&Method>> = HashMap::new();
    let mut keys: HashMap<u64, &Method> = HashMap::new();
    for method in methods {
        let same = names.entry(&method.name).or_default();
        // Methods under `cfg` may be two forms of one, of which a build has only one.
        if same
            .iter()
            .any(|other| other.cfg.is_empty() || method.cfg.is_empty())
        {
            errors.push(syn::Error::new(
                method.name_span,
                format!(
                    "another method is called `{}` already: give this one `#[mesh(name = \"…\")]` with a name of its own",
                    method.name
                ),
            ));
        } else if let Some(other) = keys
            .get(&method.key)
            .filter(|other| other.name != method.name)
        {
            errors.push(syn::Error::new(
                method.name_span,
                format!(
                    "the key of `{}` is that of `{}` too: give this one `#[mesh(name = \"…\")]` with another name",
                    method.name, other.name
                ),
            ));
        }
        same.push(method);
        keys.insert(method.key, method);
    }
}

/// A service behind a lock is nobody's `Arc`.
fn receivers(methods: &[Method], errors: &mut Errors) {
    let changing = methods
        .iter()
        .find(|method| method.receiver == Receiver::Mut);
    let sharing = methods
        .iter()
        .find(|method| method.receiver == Receiver::Arc);
    if let Some(changing) = changing {
        for method in methods {
            if let Some(stream) = method.reply.stream.as_ref().filter(|stream| !stream.owned) {
                errors.push(syn::Error::new(
                    stream.span,
                    format!(
                        "while this stream borrows the service, `{}` could not change it: write `'static` behind its `Send`, or `BoxStream<'static, …>`",
                        changing.signature.ident
                    ),
                ));
            }
        }
    }
    if let (Some(changing), Some(sharing)) = (changing, sharing) {
        errors.push(syn::Error::new(
            receiver_span(sharing),
            format!(
                "`{}` takes `&mut self`, so the service is kept behind a lock and there is no `Arc` of it: write `&self` or `&mut self`",
                changing.signature.ident
            ),
        ));
    }
}

fn receiver_span(method: &Method) -> proc_macro2::Span {
    match method.signature.receiver().map(|receiver| &receiver.kind) {
        Some(syn::ReceiverKind::Typed(_, ty)) => types::span(ty),
        _ => method.signature.ident.span(),
    }
}
