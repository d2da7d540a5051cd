//! What a method without a `Result` gives when the call fails.

use quote::ToTokens as _;
use syn::{Expr, Ident, Result, parse::ParseStream, spanned::Spanned as _};

use super::canonical;
use crate::check::settings;

/// `on_failure = …`.
#[derive(Clone, Debug)]
pub(crate) struct OnFailure {
    /// The key.
    pub(crate) key: Ident,
    pub(crate) answer: FailureAnswer,
}

/// What is given.
#[derive(Clone, Debug)]
pub(crate) enum FailureAnswer {
    /// The caller panics.
    Panic,
    /// `Default::default()`, which is logged; the word, for a type that has none.
    Default(proc_macro2::Span),
    /// What this function makes of the error.
    Call(Box<Expr>),
}

impl OnFailure {
    pub(super) const USAGE: &'static str =
        "on_failure = panic`, `on_failure = default` or `on_failure = path::of::function";

    pub(super) fn parse(input: ParseStream<'_>, key: &Ident) -> Result<Self> {
        let value: Expr = settings::value(input, key, Self::USAGE, |input| input.parse())?;
        let answer = match &value {
            Expr::Path(path) if path.path.is_ident("panic") => FailureAnswer::Panic,
            Expr::Path(path) if path.path.is_ident("default") => {
                FailureAnswer::Default(path.span())
            }
            _ => FailureAnswer::Call(Box::new(value)),
        };
        Ok(Self {
            key: key.clone(),
            answer,
        })
    }
    /// Same for the same answer.
    pub(super) fn canonical(&self) -> String {
        match &self.answer {
            FailureAnswer::Panic => "panic".to_owned(),
            FailureAnswer::Default(_) => "default".to_owned(),
            FailureAnswer::Call(call) => canonical(call.to_token_stream()),
        }
    }
}
