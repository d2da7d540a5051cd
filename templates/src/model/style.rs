//! How a method comes to its reply.

use syn::{
    PathArguments, ReturnType, Signature, Type, TypeParamBound, TypePath, parse_quote,
    punctuated::Punctuated,
};

use super::{StreamType, associated, bound, first_type};
use crate::check::types::unwrapped;

/// How a method comes to its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `async fn f() -> R`.
    Async,
    /// `fn f() -> impl Future<Output = R>`.
    Future,
    /// `fn f() -> Pin<Box<dyn Future<Output = R> + Send>>`, also by the alias `BoxFuture`.
    Boxed,
    /// `fn f() -> R`: the caller's thread waits.
    Blocking,
    /// `fn f() -> impl Stream<Item = R>`, also boxed: nothing happens before that is polled.
    Stream,
}

/// The style of a method, and the type of its reply; nothing if that is `()` by omission.
pub(crate) fn of(signature: &Signature) -> (Style, Option<Type>) {
    let ReturnType::Type(_, written) = &signature.output else {
        let style = match signature.asyncness {
            Some(_) => Style::Async,
            None => Style::Blocking,
        };
        return (style, None);
    };
    let written = unwrapped(written);
    if signature.asyncness.is_some() {
        return (Style::Async, Some(written.clone()));
    }
    if StreamType::of(written).is_some() {
        return (Style::Stream, Some(written.clone()));
    }
    match written {
        Type::ImplTrait(future) => match output(&future.bounds) {
            Some(output) => (Style::Future, Some(output)),
            None => (Style::Blocking, Some(written.clone())),
        },
        Type::Path(path) => match boxed(path) {
            Some(output) => (Style::Boxed, Some(output)),
            None => (Style::Blocking, Some(written.clone())),
        },
        other => (Style::Blocking, Some(other.clone())),
    }
}

/// What a future gives, by its bounds.
fn output<P>(bounds: &Punctuated<TypeParamBound, P>) -> Option<Type> {
    let future = bound(bounds, "Future")?;
    match &future.arguments {
        PathArguments::AngleBracketed(_) => associated(future, "Output").cloned(),
        _ => Some(parse_quote!(())),
    }
}

/// What a boxed future gives.
fn boxed(path: &TypePath) -> Option<Type> {
    let last = path.path.segments.last()?;
    let inner = first_type(last)?;
    match last.ident.to_string().as_str() {
        "BoxFuture" | "BoxedFuture" | "LocalBoxFuture" => Some(inner.clone()),
        "Pin" | "Box" => match inner {
            Type::Path(path) => boxed(path),
            Type::TraitObject(future) => output(&future.bounds),
            _ => None,
        },
        _ => None,
    }
}
