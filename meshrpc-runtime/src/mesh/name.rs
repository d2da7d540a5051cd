//! Names that become parts of paths and identifiers, checked in one place.

use crate::error::{Code, Error, Kind};

/// Bytes of the longest name.
pub(super) const MAX: usize = 128;

/// Refuses a name that could not be a file name, an identifier in a registry and a part of a URL
/// alike. `what` begins the message.
pub(super) fn check(what: &str, name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX {
        "it is longer than 128 bytes"
    } else if !name.bytes().all(plain) {
        "only ASCII letters, digits, `.`, `_` and `-` may stand in it"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else {
        return Ok(());
    };
    Err(invalid(format!(
        "{what} `{}` is refused: {reason}",
        name.escape_debug()
    )))
}

/// An error of whoever configured this process.
pub(super) fn invalid(message: String) -> Error {
    Error::new(Kind::Unavailable, message).with_code(Code::InvalidArgument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "greeter",
            "acme.greeter",
            "mesh_api",
            "greeter-host-0",
            "A1",
        ] {
            check("name", name).unwrap();
        }
    }

    #[test]
    fn names_that_play_with_paths_are_refused() {
        let long = "x".repeat(MAX + 1);
        for name in [
            "", ".", "..", "../x", "a/b", ".hidden", "a b", "a\n", "ä", "a\0", &long,
        ] {
            assert!(check("name", name).is_err(), "{name:?}");
        }
    }
}
