//! Streams, as they are written.

use proc_macro2::Span;
use syn::{
    GenericArgument, PathArguments, PathSegment, Result, Type, TypeParamBound, TypePath,
    punctuated::Punctuated, spanned::Spanned as _,
};

use super::{Reply, associated, bound, first_type, has_bound};
use crate::check::{stream as check, types::unwrapped};

/// A stream, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct StreamType {
    /// What it is a stream of.
    pub(crate) item: Type,
    /// It is boxed.
    pub(crate) boxed: bool,
    /// It can change threads.
    pub(crate) send: bool,
    /// It borrows nothing.
    pub(crate) owned: bool,
    /// What says that it is a stream.
    pub(crate) span: Span,
}

/// The stream that a method answers with.
#[derive(Clone, Debug)]
pub(crate) struct ReplyStream {
    /// An item, as if it were what a method returns.
    pub(crate) item: Box<Reply>,
    /// It is boxed.
    pub(crate) boxed: bool,
    /// It is all that is returned; else the method may fail before it.
    pub(crate) direct: bool,
    /// It borrows nothing.
    pub(crate) owned: bool,
    /// What says that it is a stream.
    pub(crate) span: Span,
}

impl StreamType {
    /// The stream that `ty` is; nothing if it is none.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        match unwrapped(ty) {
            Type::ImplTrait(written) => {
                Self::bounded(&written.bounds, written.impl_token.span, false)
            }
            Type::Path(path) => Self::boxed(path),
            _ => None,
        }
    }

    /// `BoxStream<'a, T>`, `LocalBoxStream<'a, T>`, `Pin<Box<dyn Stream<Item = T>>>`.
    fn boxed(path: &TypePath) -> Option<Self> {
        let last = path.path.segments.last()?;
        let inner = first_type(last)?;
        match last.ident.to_string().as_str() {
            name @ ("BoxStream" | "LocalBoxStream") => Some(Self {
                item: inner.clone(),
                boxed: true,
                send: name == "BoxStream",
                owned: is_static(last),
                span: last.ident.span(),
            }),
            "Pin" | "Box" => match inner {
                Type::Path(path) => Self::boxed(path),
                Type::TraitObject(object) => {
                    Self::bounded(&object.bounds, object.bounds.span(), true)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn bounded<P>(bounds: &Punctuated<TypeParamBound, P>, span: Span, boxed: bool) -> Option<Self> {
        let stream = bound(bounds, "Stream")?;
        let item = associated(stream, "Item")?.clone();
        let owned = |bound: &TypeParamBound| match bound {
            TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
            TypeParamBound::PreciseCapture(_) => true,
            _ => false,
        };
        Some(Self {
            item,
            boxed,
            send: has_bound(bounds, "Send"),
            // A boxed trait object borrows nothing unless it says so.
            owned: bounds.iter().any(owned)
                || boxed
                    && !bounds
                        .iter()
                        .any(|bound| matches!(bound, TypeParamBound::Lifetime(_))),
            span: if boxed { stream.ident.span() } else { span },
        })
    }
}

impl ReplyStream {
    /// As what a method returns, or as its success.
    pub(super) fn parse(stream: &StreamType, direct: bool) -> Result<Self> {
        check::returned(stream)?;
        Ok(Self {
            item: Box::new(Reply::of_item(&stream.item)?),
            boxed: stream.boxed,
            owned: stream.owned,
            direct,
            span: stream.span,
        })
    }
}

/// Whether `'static` is among the arguments.
fn is_static(segment: &PathSegment) -> bool {
    matches!(&segment.arguments, PathArguments::AngleBracketed(list) if list.args.iter().any(
        |argument| matches!(argument, GenericArgument::Lifetime(lifetime) if lifetime.ident == "static"),
    ))
}
