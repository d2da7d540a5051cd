//! `${name}` in texts that users write: registration templates and commands.

use std::fmt::Write as _;

/// Replaces every `${name}` by what `value` has for it; `$$` stands for one `$`.
///
/// # Errors
/// The name that has no value, or the rest of a text whose `${` never ends.
pub(super) fn fill<'v>(
    text: &str,
    value: impl Fn(&str) -> Option<&'v dyn std::fmt::Display>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        if let Some(after) = from.strip_prefix("$$") {
            filled.push('$');
            rest = after;
        } else if let Some(name) = from.strip_prefix("${") {
            let (name, after) = name.split_once('}').ok_or_else(|| from.to_owned())?;
            let value = value(name).ok_or_else(|| name.to_owned())?;
            // Writing to a string does not fail.
            let _ = write!(filled, "{value}");
            rest = after;
        } else {
            filled.push('$');
            rest = &from[1..];
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The name, if the whole of `text` is one placeholder.
pub(super) fn sole(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['$', '{', '}'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        fill(text, |name| match name {
            "id" => Some(&"greeter-7" as &dyn std::fmt::Display),
            "port" => Some(&7001_u16 as &dyn std::fmt::Display),
            _ => None,
        })
    }

    #[test]
    fn placeholders_are_replaced_and_nothing_else() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${id}:ttl", "greeter-7:ttl"),
            ("${id}${port}", "greeter-77001"),
            ("$${id} $$$$ $5 $", "${id} $$ $5 $"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_named() {
        assert_eq!(filled("x ${prot}"), Err("prot".to_owned()));
        assert_eq!(filled("x ${port"), Err("${port".to_owned()));
    }

    #[test]
    fn one_placeholder_alone_is_told_from_text() {
        assert_eq!(sole("${port}"), Some("port"));
        for text in ["port", "${port}:ttl", "$${port}", "${a}${b}", "${"] {
            assert_eq!(sole(text), None, "{text}");
        }
    }
}
