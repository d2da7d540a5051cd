//! The return type of a method that is not an `async fn`.

use syn::{Error, Result, ReturnType, Signature, Type, TypePath, spanned::Spanned as _};

use super::types;
use crate::model::{first_type, has_bound};

/// A future that cannot be served.
pub(super) fn check(signature: &Signature) -> Result<()> {
    let ReturnType::Type(_, written) = &signature.output else {
        return Ok(());
    };
    match types::unwrapped(written) {
        Type::Path(path) => boxed(path),
        _ => Ok(()),
    }
}

fn boxed(path: &TypePath) -> Result<()> {
    let Some(last) = path.path.segments.last() else {
        return Ok(());
    };
    let name = last.ident.to_string();
    if name == "LocalBoxFuture" {
        return Err(Error::new(
            last.ident.span(),
            "a served future changes threads: write `BoxFuture`",
        ));
    }
    if name == "Ready" {
        return Err(Error::new(
            last.ident.span(),
            "the client's future is one that waits: write `impl Future<Output = …> + Send`",
        ));
    }
    if name == "Box" && first_type(last).is_some_and(is_future) {
        return Err(Error::new(
            last.ident.span(),
            "a future is polled in its place: write `Pin<Box<dyn Future<Output = …> + Send + '_>>`",
        ));
    }
    let content = match first_type(last) {
        Some(Type::Path(path)) if name == "Pin" => path.path.segments.last(),
        _ => None,
    };
    match content.and_then(first_type) {
        Some(Type::TraitObject(object)) if has_bound(&object.bounds, "Future") => {
            match has_bound(&object.bounds, "Send") {
                true => Ok(()),
                false => Err(Error::new(
                    object
                        .dyn_token
                        .map_or_else(|| object.span(), |token| token.span),
                    "a served future changes threads: write `dyn Future<Output = …> + Send`",
                )),
            }
        }
        _ => Ok(()),
    }
}

fn is_future(ty: &Type) -> bool {
    matches!(ty, Type::TraitObject(object) if has_bound(&object.bounds, "Future"))
}
