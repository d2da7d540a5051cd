//! What a method returns.

use syn::{GenericArgument, Ident, PathArguments, Result, Type, parse_quote};

use super::{ReplyStream, StreamType, Style};
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
    /// The stream that the method answers with; in `ty` and `ok`, `()` stands for it.
    pub(crate) stream: Option<ReplyStream>,
}

impl Reply {
    pub(super) fn parse(output: Option<&Type>, method: &Ident, style: Style) -> Result<Self> {
        let Some(ty) = output else {
            return Err(types::not_a_result(method.span(), "()"));
        };
        if let Some(stream) = StreamType::of(ty) {
            let stream = ReplyStream::parse(&stream, true)?;
            let ty = parse_quote!(());
            return Ok(Self {
                stream: Some(stream),
                ..Self::of(&ty)
            });
        }
        let (ty, stream) = without_stream(types::unwrapped(ty))?;
        types::returned(&ty, style)?;
        Ok(Self {
            stream,
            ..Self::of(&ty)
        })
    }

    /// What the items of a stream are, as if a method returned it.
    pub(super) fn of_item(ty: &Type) -> Result<Self> {
        let ty = types::unwrapped(ty);
        types::item(ty)?;
        Ok(Self::of(ty))
    }

    fn of(ty: &Type) -> Self {
        let mut reply = Self {
            ty: ty.clone(),
            ok: None,
            err: None,
            span: types::span(ty),
            stream: None,
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
        reply
    }
}

/// `Result<impl Stream, E>` as `Result<(), E>` and the stream.
fn without_stream(written: &Type) -> Result<(Type, Option<ReplyStream>)> {
    let mut ty = written.clone();
    if let Type::Path(path) = &mut ty
        && let Some(last) = path.path.segments.last_mut()
        && last.ident.to_string().ends_with("Result")
        && let PathArguments::AngleBracketed(list) = &mut last.arguments
        && let Some(ok) = list.args.iter_mut().find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        && let Some(stream) = StreamType::of(ok)
    {
        let stream = ReplyStream::parse(&stream, false)?;
        *ok = parse_quote!(());
        return Ok((ty, Some(stream)));
    }
    Ok((ty, None))
}
