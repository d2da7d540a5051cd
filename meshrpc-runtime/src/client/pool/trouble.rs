//! Why an instance cannot be called.

use std::{fmt, sync::Arc};

use crate::error::{Code, Error, Kind};

/// Why the last dial or connection failed; what a call tells that finds nobody meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    text: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) code: Code,
    /// The registry said so, which knows more than the dial that failed.
    pub(crate) explained: bool,
}

impl Trouble {
    /// What a resolver answered.
    pub(crate) fn explained(error: &Error) -> Self {
        Self {
            explained: true,
            ..Self::from(error)
        }
    }

    /// Whether this side is not allowed to call.
    pub(crate) fn is_denial(&self) -> bool {
        self.kind == Kind::Denied
    }
}

impl From<&Error> for Trouble {
    fn from(error: &Error) -> Self {
        Self {
            text: error.to_string().into(),
            kind: error.kind(),
            code: error.code(),
            explained: false,
        }
    }
}

impl From<&str> for Trouble {
    fn from(text: &str) -> Self {
        Self {
            text: text.into(),
            kind: Kind::Unavailable,
            code: Code::Unavailable,
            explained: false,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
