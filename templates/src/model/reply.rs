//! What a method returns.

use syn::{GenericArgument, Ident, PathArguments, Result, Type};

use super::Style;
use crate::check::types;

/// The return type of a method.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// As written.
    pub(crate) ty: Type,
    /// Type of success, where it is written out.
    pub(crate) ok: Option<Type>,
    /// Type of failure, where it is written out.
    pub(crate) err: Option<Type>,
    /// What a check of the type is reported at.
    pub(crate) span: proc_macro2::Span,
}

impl Reply {
    pub(super) fn parse(output: Option<&Type>, method: &Ident, style: Style) -> Result<Self> {
        let Some(ty) = output else {
            return Err(types::not_a_result(method.span(), "()"));
        };
        let ty = types::unwrapped(ty);
        types::returned(ty, style)?;
        let mut reply = Self {
            ty: ty.clone(),
            ok: None,
            err: None,
            span: types::span(ty),
        };
        if let Type::Path(path) = ty
            && let Some(last) = path.path.segments.last()
            && last.ident.to_string().ends_with("Result")
            && let PathArguments::AngleBracketed(list) = &last.arguments
        {
            let mut types = list.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            });
            reply.ok = types.next();
            reply.err = types.next().filter(|_| last.ident == "Result");
        }
        Ok(reply)
    }
}
