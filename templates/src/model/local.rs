//! A method that the client answers itself.

use syn::{Attribute, Expr, Ident, Signature};

/// `local`, or `local = expression`.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// The key.
    pub(crate) key: Ident,
    /// The client's answer; without it the client inherits the body.
    pub(crate) answer: Option<Expr>,
}

/// A method with `local = expression`.
#[derive(Clone, Debug)]
pub(crate) struct LocalMethod {
    /// As written, without attributes on arguments.
    pub(crate) signature: Signature,
    /// `#[cfg]`, for what is generated from it.
    pub(crate) cfg: Vec<Attribute>,
    /// Its documentation.
    pub(crate) docs: Vec<Attribute>,
    /// The client's answer.
    pub(crate) answer: Expr,
}
