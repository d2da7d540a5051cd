//! How a method takes the service.

use syn::{
    Error, FnArg, GenericArgument, PathArguments, ReceiverKind, Result, Signature, Type, TypePath,
};

use super::last_is;
use crate::check::types;

/// How a method takes the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// `&self`.
    Ref,
    /// `&mut self`.
    Mut,
    /// `self: Arc<Self>`.
    Arc,
}

impl Receiver {
    pub(super) fn parse(signature: &Signature) -> Result<Self> {
        let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
            return Err(Error::new(
                signature.ident.span(),
                "a function without `self` has no instance to call: take `&self`, or give it a body or `#[mesh(local = …)]` to keep it local",
            ));
        };
        match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => Ok(Self::Ref),
            ReceiverKind::Reference(_, _, Some(_)) => Ok(Self::Mut),
            ReceiverKind::Typed(_, ty) => typed(types::unwrapped(ty)),
            _ => Err(taken_away(receiver.self_token.span)),
        }
    }
}

/// `self: &Self`, `self: &mut Self`, `self: Arc<Self>`.
fn typed(ty: &Type) -> Result<Receiver> {
    match ty {
        Type::Reference(reference) if is_self(&reference.elem) => Ok(match reference.mutability {
            Some(_) => Receiver::Mut,
            None => Receiver::Ref,
        }),
        Type::Path(path) if holds_self(path, "Arc") => Ok(Receiver::Arc),
        Type::Path(path) if path.path.is_ident("Self") || holds_self(path, "Box") => {
            Err(taken_away(types::span(ty)))
        }
        Type::Path(path) if holds_self(path, "Rc") => Err(Error::new(
            types::span(ty),
            "calls run on any thread, and an `Rc` stays on one: write `self: Arc<Self>` or `&self`",
        )),
        Type::Path(path) if last_is(&path.path, "Pin") => Err(Error::new(
            types::span(ty),
            "a service is shared between calls, not polled by one: write `&self` or `&mut self`",
        )),
        other => Err(Error::new(
            types::span(other),
            "the service cannot be handed over in this form: write `&self`, `&mut self` or `self: Arc<Self>`",
        )),
    }
}

fn taken_away(at: proc_macro2::Span) -> Error {
    Error::new(
        at,
        "a call cannot take the service away: write `&self`, or `&mut self` to change it, or `#[mesh(local = …)]` above the method to answer it at the caller",
    )
}

fn is_self(ty: &Type) -> bool {
    matches!(types::unwrapped(ty), Type::Path(path) if path.path.is_ident("Self"))
}

/// True for `Name<Self>`.
fn holds_self(path: &TypePath, name: &str) -> bool {
    path.path.segments.last().is_some_and(|last| {
        last.ident == name
            && matches!(&last.arguments, PathArguments::AngleBracketed(list)
                if matches!(list.args.first(), Some(GenericArgument::Type(ty)) if is_self(ty)))
    })
}
