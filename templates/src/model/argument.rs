//! An argument: how it is written, how it travels, and how it is handed to the method.

use proc_macro2::Ident;
use syn::{
    GenericArgument, Pat, PatType, PathArguments, Result, Type, TypeImplTrait, TypeParamBound,
    spanned::Spanned as _,
};

use super::{Detach, Hold, Lend, Owned, StreamType, attribute::is_mesh, plain};
use crate::check::{self, settings, types};

/// An argument of a method.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// As the user named it; nothing if it is a pattern.
    pub(crate) ident: Option<Ident>,
    /// Wire name.
    pub(crate) name: String,
    /// As decoded: owns everything.
    pub(crate) owned: Type,
    /// How it gets there and back.
    pub(crate) form: Form,
    /// What keeps it from being held by the method's future as it is, undone.
    pub(crate) detach: Option<Detach>,
    /// What a check of the type is reported at.
    pub(crate) span: proc_macro2::Span,
}

/// How an argument is encoded at the caller and handed to the method at the callee.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Encoded and passed as it is.
    Value,
    /// Encoded from the borrow, lent from the owned value.
    Lent(Lend),
    /// `impl Into<T>`: converted, then passed as it is.
    Into,
    /// `impl AsRef<T>`: encoded from the reference to this type.
    AsRef(Box<Type>),
    /// `impl IntoIterator<Item = T>`: collected; handed over lent if the items borrow.
    Items(Option<Lend>),
    /// A stream, which is sent item by item. The owned form is the item's.
    Stream(StreamType),
}

impl Argument {
    pub(super) fn parse(index: usize, input: &PatType, hold: &Hold) -> Result<Self> {
        for attribute in input.attrs.iter().filter(|attribute| is_mesh(attribute)) {
            attribute.parse_args_with(settings::on_argument)?;
        }
        let ident = match &*input.pat {
            Pat::Ident(pattern) => Some(pattern.ident.clone()),
            _ => None,
        };
        let name = match &ident {
            Some(ident) => plain(ident),
            None => format!("argument_{}", index + 1),
        };
        if let Some(stream) = StreamType::of(&input.ty) {
            return Self::of_stream(ident, name, stream);
        }
        let (owned, form) = match types::unwrapped(&input.ty) {
            Type::ImplTrait(written) => implied(written)?,
            written => {
                let Owned { ty, lend } = Owned::of(written)?;
                (ty, lend.map_or(Form::Value, Form::Lent))
            }
        };
        Ok(Self {
            ident,
            name,
            owned,
            detach: match hold.has(&input.ty) {
                true => None,
                false => Some(Detach::of(&form, &input.ty)?),
            },
            form,
            span: types::span(&input.ty),
        })
    }

    fn of_stream(ident: Option<Ident>, name: String, stream: StreamType) -> Result<Self> {
        check::stream::taken(&stream)?;
        let Owned { ty, lend } = Owned::of(&stream.item)?;
        if lend.is_some() {
            return Err(types::borrow_inside(&stream.item));
        }
        Ok(Self {
            ident,
            name,
            span: types::span(&stream.item),
            detach: None,
            owned: ty,
            form: Form::Stream(stream),
        })
    }
}

/// `impl Into<T>`, `impl AsRef<T>`, `impl IntoIterator<Item = T>`.
fn implied(written: &TypeImplTrait) -> Result<(Type, Form)> {
    for bound in &written.bounds {
        let TypeParamBound::Trait(bound) = bound else {
            continue;
        };
        let Some(segment) = bound.path.segments.last() else {
            continue;
        };
        let argument = |wanted: Option<&str>| match &segment.arguments {
            PathArguments::AngleBracketed(list) => {
                list.args
                    .iter()
                    .find_map(|argument| match (argument, wanted) {
                        (GenericArgument::Type(ty), None) => Some(ty.clone()),
                        (GenericArgument::AssocType(found), Some(name)) if found.ident == name => {
                            Some(found.ty.clone())
                        }
                        _ => None,
                    })
            }
            _ => None,
        };
        match segment.ident.to_string().as_str() {
            "Into" => {
                if let Some(target) = argument(None) {
                    let owned = Owned::of(&target)?;
                    if owned.lend.is_some() {
                        return Err(types::borrow_inside(&target));
                    }
                    return Ok((owned.ty, Form::Into));
                }
            }
            "AsRef" => {
                if let Some(target) = argument(None) {
                    let Some(owned) = Owned::behind(&target)? else {
                        return Err(syn::Error::new(
                            segment.ident.span(),
                            "only `AsRef<str>`, `AsRef<Path>` and `AsRef<[T]>` have an owned form: take a reference instead",
                        ));
                    };
                    return Ok((owned, Form::AsRef(Box::new(target))));
                }
            }
            "IntoIterator" => {
                if let Some(item) = argument(Some("Item")) {
                    let owned = Owned::of(&item)?;
                    let ty = owned.ty;
                    let lend = owned.lend.map(|lend| Lend::Collect(Box::new(lend)));
                    return Ok((syn::parse_quote!(::std::vec::Vec<#ty>), Form::Items(lend)));
                }
            }
            "Fn" | "FnMut" | "FnOnce" | "AsyncFn" | "AsyncFnMut" | "AsyncFnOnce" => {
                return Err(syn::Error::new(
                    segment.ident.span(),
                    "a callback cannot cross to another process: take the data it would work on, or return what it would be given",
                ));
            }
            "Stream" => {
                return Err(syn::Error::new(
                    segment.ident.span(),
                    "what the stream carries must be said: write `Stream<Item = T>`",
                ));
            }
            "Future" => {
                return Err(syn::Error::new(
                    segment.ident.span(),
                    "a future cannot cross to another process: await it and pass what it gives",
                ));
            }
            _ => {}
        }
    }
    Err(syn::Error::new(
        written.impl_token.span(),
        "only `impl Into<T>`, `impl AsRef<T>` and `impl IntoIterator<Item = T>` say which type crosses: write the concrete type instead",
    ))
}
