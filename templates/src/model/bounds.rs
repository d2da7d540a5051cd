//! Bounds and type arguments, as they are written.

use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound};

use super::last_is;
use crate::check::types::unwrapped;

/// The bound on a trait that is called `name` in the end.
pub(crate) fn bound<'a>(
    bounds: impl IntoIterator<Item = &'a TypeParamBound>,
    name: &str,
) -> Option<&'a PathSegment> {
    bounds.into_iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) if last_is(&bound.path, name) => bound.path.segments.last(),
        _ => None,
    })
}

/// Whether there is a bound on a trait that is called `name` in the end.
pub(crate) fn has_bound<'a>(
    bounds: impl IntoIterator<Item = &'a TypeParamBound>,
    name: &str,
) -> bool {
    bound(bounds, name).is_some()
}

/// `T` of `Trait<name = T>`.
pub(crate) fn associated<'a>(segment: &'a PathSegment, name: &str) -> Option<&'a Type> {
    arguments(&segment.arguments).find_map(|argument| match argument {
        GenericArgument::AssocType(found) if found.ident == name => Some(&found.ty),
        _ => None,
    })
}

/// `T` of `Type<T>`, the first if there are several.
pub(crate) fn first_type(segment: &PathSegment) -> Option<&Type> {
    arguments(&segment.arguments).find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(unwrapped(ty)),
        _ => None,
    })
}

fn arguments(list: &PathArguments) -> impl Iterator<Item = &GenericArgument> {
    let list = match list {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        _ => None,
    };
    list.into_iter().flatten()
}
