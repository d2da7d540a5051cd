//! What a method borrows, made from what was decoded.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Index, Path};

use crate::model::Lend;

/// The borrowing value lent from the owned one at `place`, a place expression.
pub(super) fn value(rt: &TokenStream, lend: &Lend, place: &TokenStream) -> TokenStream {
    match lend {
        Lend::Clone(_) => quote!(#rt::cloned!(&#place)),
        Lend::Ref => quote!(&#place),
        Lend::Str => quote!(#place.as_str()),
        Lend::Slice => quote!(#place.as_slice()),
        Lend::Path(path) => borrow(path, &quote!(&#place)),
        Lend::CStr => quote!(#place.as_c_str()),
        // Only at the top, where the caller names the temporary.
        Lend::RefTo(inner) => value(rt, inner, place),
        Lend::SliceOf(inner) | Lend::Collect(inner) => collect(place, &each(rt, inner)),
        Lend::Option(inner) => match &**inner {
            Lend::Ref => quote!(#place.as_ref()),
            Lend::Str | Lend::Slice | Lend::CStr => quote!(#place.as_deref()),
            inner => {
                let mapped = each(rt, inner);
                quote!(#place.as_ref().map(#mapped))
            }
        },
        Lend::CollectMap(keys, values) => {
            let (k, v) = (
                value_of_reference(rt, keys, "k"),
                value_of_reference(rt, values, "v"),
            );
            collect(place, &quote!(|(k, v)| (#k, #v)))
        }
        Lend::Tuple(elements) => {
            let elements = elements.iter().enumerate().map(|(index, element)| {
                let index = Index::from(index);
                value(rt, element, &quote!(#place.#index))
            });
            quote!((#(#elements,)*))
        }
    }
}

fn borrow(path: &Path, reference: &TokenStream) -> TokenStream {
    quote!(::std::borrow::Borrow::<#path>::borrow(#reference))
}

pub(super) fn collect(place: &TokenStream, each: &TokenStream) -> TokenStream {
    quote!(#place.iter().map(#each).collect())
}

/// A closure from a reference to an owned element to the borrowing one.
pub(super) fn each(rt: &TokenStream, lend: &Lend) -> TokenStream {
    let element = value_of_reference(rt, lend, "x");
    quote!(|x| #element)
}

/// [`value`] of a variable that is a reference already.
fn value_of_reference(rt: &TokenStream, lend: &Lend, name: &str) -> TokenStream {
    let name = format_ident!("{name}");
    match lend {
        Lend::Ref => quote!(#name),
        Lend::Clone(_) => quote!(#rt::cloned!(#name)),
        Lend::Path(path) => borrow(path, &quote!(#name)),
        other => value(rt, other, &quote!(#name)),
    }
}
