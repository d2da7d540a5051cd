//! Types of arguments and results.

use proc_macro2::Span;
use syn::{
    Error, GenericArgument, Lifetime, PathArguments, Result, Type, TypeParamBound, TypePath,
    TypeReference,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::stream;
use crate::model::{StreamType, Style, has_bound};

/// A type without the invisible and the visible parentheses around it.
pub(crate) fn unwrapped(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            other => return other,
        };
    }
}

/// Where a type is underlined: of a compound type, stable compilers give the first token only, so
/// the one that names it best is taken.
pub(crate) fn span(ty: &Type) -> Span {
    match unwrapped(ty) {
        Type::Reference(reference) => span(&reference.elem),
        Type::Slice(slice) => span(&slice.elem),
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map_or_else(|| path.span(), |last| last.ident.span()),
        other => other.span(),
    }
}

/// Where a bound is underlined.
pub(crate) fn bound_span(bound: &TypeParamBound) -> Span {
    match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .map_or_else(|| bound.span(), |last| last.ident.span()),
        other => other.span(),
    }
}

/// Refuses what is no byte string for certain. A name may stand for one.
pub(crate) fn bytes(written: &Type) -> Result<()> {
    let sure = match written {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let of_bytes = |list: &PathArguments| match list {
                PathArguments::AngleBracketed(list) => matches!(
                    list.args.first(),
                    Some(GenericArgument::Type(item)) if is_byte(item)
                ),
                _ => false,
            };
            match last.ident.to_string().as_str() {
                "Vec" => !of_bytes(&last.arguments),
                "Option" | "String" => true,
                _ => false,
            }
        }),
        _ => true,
    };
    if sure {
        return Err(not_bytes(written));
    }
    Ok(())
}

pub(crate) fn not_bytes(written: &Type) -> Error {
    let streams = StreamType::of(written).is_some();
    let message = match streams {
        true => {
            "`raw` takes `Bytes`, `Vec<u8>` or `&[u8]`; the items of a stream cross one by one: remove `raw`"
        }
        false => "`raw` takes `Bytes`, `Vec<u8>` or `&[u8]`: remove it, or write one of these",
    };
    Error::new(span(written), message)
}

/// Whether the type is `u8`.
pub(crate) fn is_byte(ty: &Type) -> bool {
    matches!(unwrapped(ty), Type::Path(path) if path.path.is_ident("u8"))
}

/// A reference that cannot be an argument.
pub(crate) fn reference(reference: &TypeReference) -> Result<()> {
    if let Some(token) = &reference.mutability {
        return Err(Error::new(
            token.span,
            "another process cannot write into this: take `&` and return the new value",
        ));
    }
    match &reference.lifetime {
        Some(lifetime) if lifetime.ident == "static" => Err(Error::new(
            lifetime.span(),
            "nothing that is decoded lives that long: remove `'static`",
        )),
        _ => Ok(()),
    }
}

/// A path that cannot be an argument.
pub(crate) fn path(path: &TypePath) -> Result<()> {
    let first = path.path.segments.first();
    let self_type = first
        .filter(|segment| segment.ident == "Self")
        .map(|segment| &segment.ident);
    if let Some(token) = self_type {
        return Err(Error::new(
            token.span(),
            "the service itself cannot cross: write the concrete type of a value",
        ));
    }
    let Some(last) = path.path.segments.last() else {
        return Ok(());
    };
    if last.ident == "str" && path.path.segments.len() == 1 {
        return Err(Error::new(
            last.ident.span(),
            "a bare `str` has no size: write `&str` or `String`",
        ));
    }
    if let PathArguments::Parenthesized(_) = &last.arguments {
        return Err(Error::new(
            last.ident.span(),
            "a callback cannot cross to another process: take the data it would work on, or return what it would be given",
        ));
    }
    if StreamType::of(&Type::Path(path.clone())).is_some() {
        return Err(stream::inside(last.ident.span()));
    }
    Ok(())
}

/// What may stand in a `Cow`.
pub(crate) fn inside_cow(ty: &Type) -> Result<()> {
    struct Borrows(Option<Error>);
    impl<'ast> Visit<'ast> for Borrows {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            self.0
                .get_or_insert_with(|| borrow_inside(&Type::Reference(reference.clone())));
        }
        fn visit_lifetime(&mut self, found: &'ast Lifetime) {
            if found.ident != "static" {
                self.0.get_or_insert_with(|| lifetime(found));
            }
        }
    }
    let mut borrows = Borrows(None);
    borrows.visit_type(ty);
    borrows.0.map_or(Ok(()), Err)
}

/// A type parameter that is unsized: `Arc<str>`, `Box<[T]>`.
pub(crate) fn unsized_inside(ty: &Type, error: Error) -> Result<crate::model::Owned> {
    match unwrapped(ty) {
        Type::Slice(slice) => {
            inside_cow(&slice.elem)?;
        }
        Type::Path(path) if path.path.is_ident("str") => {}
        _ => return Err(error),
    }
    Ok(crate::model::Owned {
        ty: ty.clone(),
        lend: None,
    })
}

/// A borrow where no owned form can be made of it.
pub(crate) fn borrow_inside(ty: &Type) -> Error {
    let at = match unwrapped(ty) {
        Type::Reference(reference) => reference.and_token.span,
        other => other.span(),
    };
    Error::new(
        at,
        "a borrow in this place has no owned form: take the value owned",
    )
}

pub(crate) fn lifetime(lifetime: &Lifetime) -> Error {
    Error::new(
        lifetime.span(),
        "what borrows here cannot be seen, so it has no owned form: take a type that owns its parts",
    )
}

pub(crate) fn os_string(path: &TypePath) -> Error {
    Error::new(
        path.span(),
        "an `OsStr` means something else on another system: take `&str` or `&Path`",
    )
}

/// A type that never crosses.
pub(crate) fn cannot_cross(ty: &Type) -> Error {
    match ty {
        Type::TraitObject(object) => {
            let at = object
                .dyn_token
                .map_or_else(|| object.span(), |token| token.span);
            Error::new(
                at,
                "a trait object cannot cross to another process: write the concrete type, or `#[mesh(skip = …)]` before an argument for the handler to pass its own, or `#[mesh(local = …)]` above the method to answer it at the caller",
            )
        }
        Type::FnPtr(pointer) => Error::new(
            pointer.fn_token.span,
            "a callback cannot cross to another process: take the data it would work on, or return what it would be given",
        ),
        Type::Ptr(pointer) => Error::new(
            pointer.star_token.span,
            "a pointer means nothing in another process: write the value itself",
        ),
        Type::ImplTrait(written) if has_bound(&written.bounds, "Stream") => {
            stream::inside(written.impl_token.span)
        }
        Type::ImplTrait(written) => Error::new(
            written.impl_token.span,
            "`impl Trait` inside a type does not say which type crosses: write the concrete type",
        ),
        Type::Slice(slice) => Error::new(
            slice.bracket_token.span.join(),
            "a bare slice has no size: write `&[T]` or `Vec<T>`",
        ),
        other => Error::new(
            other.span(),
            "this type cannot cross to another process: write a serde type",
        ),
    }
}

/// The ways out that leave the return type as it is.
const OTHERWISE: &str = "or write `#[mesh(on_failure = default)]` (or `panic`, or a function) above the method, or `#[mesh(local)]` to keep it at the caller";

/// A return type that cannot say that a call failed.
pub(crate) fn not_a_result(at: Span, written: &str) -> Error {
    Error::new(
        at,
        format!(
            "a remote call can fail, and `{written}` cannot say so: return `Result<{written}, E>`, {OTHERWISE}"
        ),
    )
}

/// What stands in a return type. A `plain` one need not say that a call failed; one that is
/// `converted` may be of any type that is owned.
pub(crate) fn returned(
    ty: &Type,
    at: Span,
    style: Style,
    plain: bool,
    converted: bool,
) -> Result<()> {
    if let Type::Tuple(tuple) = ty
        && tuple.elems.is_empty()
        && !plain
    {
        return Err(not_a_result(at, "()"));
    }
    let why = (!plain).then_some(not_a_result as fn(Span, &str) -> Error);
    result(ty, style, why, converted)
}

/// What an item of a returned stream may be.
pub(crate) fn item(ty: &Type) -> Result<()> {
    result(ty, Style::Async, Some(stream::plain_item), false)
}

/// A type that has to be a result; `plain` says why, where it is none.
fn result(
    ty: &Type,
    style: Style,
    plain: Option<fn(Span, &str) -> Error>,
    converted: bool,
) -> Result<()> {
    match ty {
        Type::ImplTrait(_) => return Err(cannot_cross(ty)),
        Type::Tuple(tuple) if tuple.elems.is_empty() => {
            if let Some(plain) = plain {
                return Err(plain(ty.span(), "()"));
            }
        }
        Type::Tuple(_) | Type::Array(_) if plain.is_some() => {
            return Err(Error::new(
                ty.span(),
                format!(
                    "a remote call can fail, and this type cannot say so: return `Result<_, E>`, {OTHERWISE}"
                ),
            ));
        }
        Type::Never(never) => {
            return Err(Error::new(
                never.bang_token.span,
                "a remote call that never returns cannot be told from one that is lost: return `Result<(), E>`",
            ));
        }
        Type::Path(path) => {
            if let Some(plain) = plain
                && let Some(last) = path.path.segments.last()
            {
                let name = last.ident.to_string();
                if PLAIN.contains(&name.as_str()) {
                    return Err(match last.arguments.is_empty() {
                        true => plain(last.ident.span(), &name),
                        false => plain(last.ident.span(), &format!("{name}<…>")),
                    });
                }
            }
        }
        _ => {}
    }
    if converted && !matches!(ty, Type::Reference(_)) {
        return Ok(());
    }
    let mut returned = Returned {
        error: None,
        // Where a thread waits, the error stays on it.
        changes_threads: style != Style::Blocking,
        inside_box: false,
    };
    returned.visit_type(ty);
    returned.error.map_or(Ok(()), Err)
}

/// Types that are no result, whatever the user's imports say.
const PLAIN: [&str; 27] = [
    "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64", "String", "Vec", "Option", "HashMap", "HashSet", "BTreeMap", "BTreeSet",
    "VecDeque", "Duration", "Arc", "Cow",
];

/// Walks a return type and keeps the first thing that cannot come back.
struct Returned {
    error: Option<Error>,
    changes_threads: bool,
    inside_box: bool,
}

impl Returned {
    fn refuse(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

impl<'ast> Visit<'ast> for Returned {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let at = reference.and_token.span;
        self.refuse(Error::new(
            at,
            "nothing borrowed comes back from another process: return it owned, or write `#[mesh(local = …)]` above the method to answer it at the caller",
        ));
    }

    fn visit_type_path(&mut self, written: &'ast TypePath) {
        if let Err(error) = path(written) {
            return self.refuse(error);
        }
        let Some(last) = written.path.segments.last() else {
            return;
        };
        if let PathArguments::AngleBracketed(list) = &last.arguments {
            for argument in &list.args {
                match argument {
                    GenericArgument::Lifetime(found)
                        if last.ident != "Cow" && found.ident != "static" =>
                    {
                        self.refuse(Error::new(
                            found.span(),
                            "nothing borrowed comes back from another process: return it owned, or write `#[mesh(local = …)]` above the method to answer it at the caller",
                        ));
                    }
                    GenericArgument::Type(Type::Path(inner)) if inner.path.is_ident("str") => {}
                    GenericArgument::Type(inner) => {
                        let outer = std::mem::replace(&mut self.inside_box, last.ident == "Box");
                        self.visit_type(inner);
                        self.inside_box = outer;
                    }
                    _ => {}
                }
            }
        }
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::TraitObject(object) => {
                let at = object
                    .dyn_token
                    .map_or_else(|| object.span(), |token| token.span);
                // Under whatever name it is imported.
                let is_error = object.bounds.iter().any(|bound| {
                    matches!(bound, TypeParamBound::Trait(bound)
                        if bound.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Error")))
                });
                if !self.inside_box || !is_error {
                    self.refuse(cannot_cross(ty));
                } else if self.changes_threads
                    && (!has_bound(&object.bounds, "Send") || !has_bound(&object.bounds, "Sync"))
                {
                    self.refuse(Error::new(
                        at,
                        "the error must be able to change threads: write `Box<dyn Error + Send + Sync>`",
                    ));
                }
            }
            Type::ImplTrait(_) | Type::FnPtr(_) | Type::Ptr(_) => self.refuse(cannot_cross(ty)),
            _ => visit::visit_type(self, ty),
        }
    }
}
