//! Streams of arguments and results.

use proc_macro2::Span;
use syn::{Error, Result};

use super::Errors;
use crate::model::{Argument, Effects, Form, Method, Reply, StreamType, Style};

/// A stream that is answered with.
pub(crate) fn returned(stream: &StreamType) -> Result<()> {
    if !stream.send {
        return Err(not_send(stream));
    }
    Ok(())
}

/// A stream that is taken.
pub(crate) fn taken(stream: &StreamType) -> Result<()> {
    // The bound is added where the type can have it.
    if stream.boxed && !stream.send {
        return Err(not_send(stream));
    }
    Ok(())
}

fn not_send(stream: &StreamType) -> Error {
    let instead = match stream.boxed {
        true => "`BoxStream<'static, …>`",
        false => "`impl Stream<…> + Send`",
    };
    Error::new(
        stream.span,
        format!("calls run on any thread, and so do their streams: write {instead}"),
    )
}

/// An item that cannot say that its stream broke off.
pub(crate) fn plain_item(at: Span, written: &str) -> Error {
    Error::new(
        at,
        format!(
            "a stream can break off, and `{written}` cannot say so: write `Item = Result<{written}, E>`"
        ),
    )
}

/// A stream in a place where none can be.
pub(crate) fn inside(at: Span) -> Error {
    Error::new(
        at,
        "a stream inside another type cannot cross: take it as an argument of its own, or return it by itself or as the `Ok` of a `Result`",
    )
}

/// What arguments, result and effects of a method with streams ask of each other.
pub(crate) fn method(
    style: Style,
    arguments: &[Argument],
    reply: &Reply,
    effects: &Effects,
    errors: &mut Errors,
) {
    let mut taken = arguments
        .iter()
        .filter_map(|argument| match &argument.form {
            Form::Stream(stream) => Some(stream),
            _ => None,
        });
    let first = taken.next();
    if first.is_some() || reply.stream.is_some() {
        if let Some(on_failure) = &effects.on_failure {
            errors.push(Error::new(
                on_failure.key.span(),
                "a call with a stream has more than one way to fail: remove `on_failure`, and return a `Result`",
            ));
        }
        let converted = arguments
            .iter()
            .filter_map(|argument| match &argument.form {
                Form::With { module, .. } => Some(&**module),
                _ => None,
            });
        for module in converted.chain(&effects.with) {
            let span = module
                .segments
                .last()
                .map_or_else(Span::call_site, |last| last.ident.span());
            errors.push(not_converted(span));
        }
    }
    if let Some(second) = taken.next() {
        errors.push(Error::new(
            second.span,
            "a call sends one stream: put what both would carry into one, as an enum",
        ));
    }
    if let (Some(_), Some(key)) = (first, &effects.idempotent_key) {
        errors.push(Error::new(
            key.span(),
            "a stream can be sent once only, so the call cannot be made again: remove `idempotent`",
        ));
    }
    if let (Some(stream), Some(_)) = (first, &reply.stream)
        && !stream.owned
    {
        errors.push(Error::new(
            stream.span,
            match stream.boxed {
                true => "the stream that is returned sends this one, and outlives the call: write `BoxStream<'static, …>`",
                false => "the stream that is returned sends this one, and outlives the call: write `impl Stream<…> + Send + 'static`",
            },
        ));
    }
    if reply.stream.is_some() && style == Style::Blocking {
        errors.push(Error::new(
            reply.span,
            "whether the stream begins is known only once another process was asked: write `async fn`",
        ));
    } else if let Some(stream) = first
        && style == Style::Blocking
    {
        errors.push(Error::new(
            stream.span,
            "a thread that waits for the answer cannot send a stream: write `async fn`",
        ));
    }
}

/// `with` on a stream, or beside one.
pub(crate) fn not_converted(at: Span) -> Error {
    Error::new(
        at,
        "what a stream carries, and what stands beside one, crosses as it is: write a serde type, and convert it in the methods",
    )
}

/// Streams that `#[async_trait]` cannot return.
pub(crate) fn by_async_trait(methods: &[Method], errors: &mut Errors) {
    for method in methods {
        if let Some(stream) = &method.reply.stream
            && method.style == Style::Async
            && !stream.boxed
        {
            errors.push(Error::new(
                stream.span,
                "`#[async_trait]` boxes what a method returns: write `BoxStream<'static, …>`",
            ));
        }
    }
}
