//! What a method returns.

use proc_macro2::Span;
use syn::{Error, Expr, GenericArgument, Path, PathArguments, Result, Type, parse_quote};

use super::{Effects, FailureAnswer, OnFailure, ReplyStream, StreamType, Style};
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
    pub(crate) span: Span,
    /// What a call that failed gives, if the type is no result. An alias may be one all the same.
    pub(crate) on_failure: Option<OnFailure>,
    /// What is made of a call that failed, for a result whose error cannot hold one.
    pub(crate) or: Option<Box<Expr>>,
    /// What the method succeeds with crosses as what this module makes of it.
    pub(crate) with: Option<Path>,
    /// What the method succeeds with is a byte string that is not copied where that can be.
    pub(crate) raw: bool,
    /// The stream that the method answers with; in `ty` and `ok`, `()` stands for it.
    pub(crate) stream: Option<ReplyStream>,
    /// Nothing is returned, not even an error; `ty` stands for what is answered.
    pub(crate) nothing: bool,
}

impl Reply {
    /// `at` is where the type is written, and `on_failure` the trait's.
    pub(super) fn parse(
        output: Option<&Type>,
        at: Span,
        style: Style,
        effects: &Effects,
        on_failure: Option<&OnFailure>,
    ) -> Result<Self> {
        let nothing = parse_quote!(());
        let ty = types::unwrapped(output.unwrap_or(&nothing));
        let on_failure = effects.on_failure.as_ref().or(on_failure);
        let on_failure = on_failure.filter(|_| !is_result(ty)).cloned();
        let or = match (&effects.on_failure, &on_failure) {
            (Some(own), None) => Some(function(own)?),
            _ => None,
        };
        if let Some(stream) = StreamType::of(ty) {
            let stream = ReplyStream::parse(&stream, true)?;
            return Ok(Self {
                stream: Some(stream),
                ..Self::of(&nothing)
            });
        }
        let (ty, stream) = without_stream(ty)?;
        let converted = effects.with.is_some();
        types::returned(&ty, at, style, on_failure.is_some(), converted)?;
        let reply = Self::of(&ty);
        if effects.raw.is_some() {
            match (&stream, &reply.ok) {
                (None, Some(ok)) => types::bytes(types::unwrapped(ok))?,
                (None, None) if on_failure.is_some() => types::bytes(&ty)?,
                _ => {}
            }
        }
        Ok(Self {
            stream,
            on_failure,
            or,
            with: effects.with.clone(),
            raw: effects.raw.is_some(),
            span: at,
            ..reply
        })
    }

    /// Of a method that is answered on receipt and returns nothing.
    pub(super) fn nothing() -> Self {
        let ty = parse_quote!(::core::result::Result<(), ::std::string::String>);
        Self {
            nothing: true,
            ..Self::of(&ty)
        }
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
            on_failure: None,
            or: None,
            with: None,
            raw: false,
            stream: None,
            nothing: false,
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

/// What a method that returns a `Result` makes of a failed call.
fn function(own: &OnFailure) -> Result<Box<Expr>> {
    match &own.answer {
        FailureAnswer::Call(function) => Ok(function.clone()),
        FailureAnswer::Panic | FailureAnswer::Default(_) => Err(Error::new(
            own.key.span(),
            "a `Result` tells of a failed call itself: remove `on_failure`, or write a function that makes such a `Result` of a `meshrpc::Error`",
        )),
    }
}

/// Whether the type is a result by its name; others may be by another.
fn is_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if super::last_is(&path.path, "Result"))
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
