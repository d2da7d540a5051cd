//! What a method may say of the end of its calls.

use syn::{Error, Ident, Type};

use super::{Errors, types::unwrapped};
use crate::model::{Argument, Effects, Form, Reply};

/// Whether nothing is returned.
pub(crate) fn is_nothing(output: Option<&Type>) -> bool {
    output.is_none_or(is_unit)
}

pub(crate) fn effects(
    arguments: &[Argument],
    reply: &Reply,
    effects: &Effects,
    errors: &mut Errors,
) {
    let streams = reply.stream.is_some()
        || arguments
            .iter()
            .any(|argument| matches!(argument.form, Form::Stream(_)));
    if let Some(key) = &effects.oneway {
        if streams {
            errors.push(with_streams(
                key,
                "its caller is there until the stream ends",
            ));
        } else if !reply.ok.as_ref().is_some_and(is_unit) {
            errors.push(Error::new(
                reply.span,
                "nobody waits for what a `oneway` method returns: return `Result<(), E>`, or nothing",
            ));
        }
    }
    if let Some(key) = &effects.raw {
        if streams {
            errors.push(Error::new(
                key.span(),
                "what a method with a stream returns crosses as it is: remove `raw`",
            ));
        } else if reply.nothing {
            errors.push(Error::new(
                key.span(),
                "`raw` is said of a value that is returned, and this method returns none: remove it",
            ));
        }
    }
    if let Some(key) = &effects.run_to_completion
        && streams
    {
        errors.push(with_streams(
            key,
            "a stream is over when its caller is gone",
        ));
    }
}

fn with_streams(key: &Ident, why: &str) -> Error {
    Error::new(
        key.span(),
        format!("`{key}` means nothing for a method with a stream, for {why}: remove it"),
    )
}

fn is_unit(ty: &Type) -> bool {
    matches!(unwrapped(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}
