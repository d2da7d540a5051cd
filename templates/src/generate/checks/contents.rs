//! What types are made of, as they are written.

use syn::{GenericArgument, PathArguments, Type};

use crate::check::types;

/// Whether it crosses whenever what it contains does.
pub(super) fn is_transparent(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(
        |last| TRANSPARENT.iter().any(|name| last.ident == name)))
}

const TRANSPARENT: [&str; 3] = ["Option", "Vec", "VecDeque"];

/// Whether it is no other name of a result.
pub(super) fn is_collection(ty: &Type) -> bool {
    match ty {
        Type::Tuple(_) | Type::Array(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = &last.ident;
            TRANSPARENT
                .iter()
                .chain(&COLLECTIONS)
                .any(|known| name == known)
        }),
        _ => false,
    }
}

const COLLECTIONS: [&str; 6] = ["HashMap", "HashSet", "BTreeMap", "BTreeSet", "Box", "Arc"];

/// The types that a type is made of, as far as they have a size.
pub(super) fn contents(ty: &Type) -> Vec<&Type> {
    let parts: Vec<&Type> = match types::unwrapped(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        Type::Array(array) => vec![&*array.elem],
        Type::Path(path) => match path.path.segments.last().map(|last| &last.arguments) {
            Some(PathArguments::AngleBracketed(list)) => {
                let types = list.args.iter().filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                });
                types.collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let sized = parts.into_iter().map(|part| match types::unwrapped(part) {
        Type::Slice(slice) => &*slice.elem,
        other => other,
    });
    sized.filter(|part| !is_unsized(part)).collect()
}

/// Those of the standard library.
fn is_unsized(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(
        |last| ["str", "Path", "OsStr", "CStr"].iter().any(|name| last.ident == name)))
}
