//! How an argument is made independent of what it borrows, for a future that outlives the borrow.

use syn::{Error, Result, Type};

use super::{Form, Lend, last_is};
use crate::check::types;

/// What is done to the argument before the future is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detach {
    /// A reference: its target becomes the argument.
    Owned,
    /// An option of one.
    OwnedInside,
    /// A `Cow`.
    Cow,
    /// `impl AsRef<T>`: what it refers to becomes the argument.
    Referred,
    /// What is done to any argument of its form is enough.
    Converted,
}

impl Detach {
    pub(super) fn of(form: &Form, written: &Type) -> Result<Self> {
        let is_plain = |lend: &Lend| {
            matches!(
                lend,
                Lend::Ref | Lend::Str | Lend::Slice | Lend::Path(_) | Lend::CStr
            )
        };
        match form {
            Form::Lent(lend) if is_plain(lend) => Ok(Self::Owned),
            Form::Lent(Lend::Option(lend)) if is_plain(lend) => Ok(Self::OwnedInside),
            Form::Into | Form::Items(None) => Ok(Self::Converted),
            Form::AsRef(_) => Ok(Self::Referred),
            Form::Value if is_cow(written) => Ok(Self::Cow),
            _ => Err(Error::new(
                types::span(written),
                "the future outlives what this borrows: take it owned, or give the future its lifetime",
            )),
        }
    }
}

fn is_cow(ty: &Type) -> bool {
    let Type::Path(path) = types::unwrapped(ty) else {
        return false;
    };
    last_is(&path.path, "Cow")
}
