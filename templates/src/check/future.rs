//! The return type of a method that is not an `async fn`.

use syn::{
    Error, GenericArgument, PathArguments, Result, ReturnType, Signature, Type, TypeParamBound,
    TypePath, spanned::Spanned as _,
};

use super::types;
use crate::model::last_is;

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
    if name == "Box" && inner(&last.arguments).is_some_and(is_future) {
        return Err(Error::new(
            last.ident.span(),
            "a future is polled in its place: write `Pin<Box<dyn Future<Output = …> + Send + '_>>`",
        ));
    }
    let content = match inner(&last.arguments) {
        Some(Type::Path(path)) if name == "Pin" => path.path.segments.last(),
        _ => None,
    };
    match content.and_then(|content| inner(&content.arguments)) {
        Some(Type::TraitObject(object)) if is_future(&Type::TraitObject(object.clone())) => {
            match has(&object.bounds, "Send") {
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

fn inner(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(list) = arguments else {
        return None;
    };
    list.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(types::unwrapped(ty)),
        _ => None,
    })
}

fn is_future(ty: &Type) -> bool {
    matches!(ty, Type::TraitObject(object) if has(&object.bounds, "Future"))
}

fn has<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>, name: &str) -> bool {
    bounds
        .into_iter()
        .any(|bound| matches!(bound, TypeParamBound::Trait(bound) if last_is(&bound.path, name)))
}
