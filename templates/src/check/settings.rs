//! The keys of our attributes.

use syn::{
    Error, Ident, LitStr, Result, Token,
    ext::IdentExt as _,
    parenthesized,
    parse::{ParseBuffer, ParseStream},
};

/// Keys met so far.
#[derive(Default)]
pub(crate) struct Seen(Vec<String>);

impl Seen {
    pub(crate) fn once(&mut self, key: &Ident) -> Result<()> {
        let text = key.to_string();
        if self.0.contains(&text) {
            return Err(Error::new(
                key.span(),
                format!("`{key}` is given twice: remove one"),
            ));
        }
        self.0.push(text);
        Ok(())
    }
}

/// A key that is not one.
pub(crate) fn unknown(key: &Ident, known: &[&str]) -> Error {
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    Error::new(
        key.span(),
        format!("unknown key `{key}`: write one of {}", known.join(", ")),
    )
}

/// The next key.
pub(crate) fn key(input: ParseStream<'_>, known: &[&str]) -> Result<Ident> {
    input.call(Ident::parse_any).map_err(|error| {
        let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        Error::new(
            error.span(),
            format!("not a key: write one of {}", known.join(", ")),
        )
    })
}

/// `= value` behind a key, which is written like `usage`.
pub(crate) fn value<T>(
    input: ParseStream<'_>,
    key: &Ident,
    usage: &str,
    read: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let value = input.parse::<Token![=]>().and_then(|_| read(input));
    value.map_err(|_| misused(key, usage))
}

/// `(…)` behind a key, which is written like `usage`.
pub(crate) fn list<'a>(
    input: ParseStream<'a>,
    key: &Ident,
    usage: &str,
) -> Result<ParseBuffer<'a>> {
    let read = || {
        let inner;
        parenthesized!(inner in input);
        Ok(inner)
    };
    read().map_err(|_: Error| misused(key, usage))
}

/// Each of the comma-separated things in a list.
pub(crate) fn each<T>(
    list: ParseStream<'_>,
    key: &Ident,
    usage: &str,
    read: fn(ParseStream<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    if list.is_empty() {
        return Err(misused(key, usage));
    }
    let list = list.parse_terminated(read, Token![,]);
    Ok(list
        .map_err(|error| Error::new(error.span(), format!("`{key}` is written `{usage}`")))?
        .into_iter()
        .collect())
}

/// The comma behind a key and its value, or the end.
pub(crate) fn end(input: ParseStream<'_>, key: &Ident, usage: &str) -> Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    match input.parse::<Token![,]>() {
        Ok(_) => Ok(()),
        Err(_) => Err(misused(key, usage)),
    }
}

fn misused(key: &Ident, usage: &str) -> Error {
    let words = if key == usage {
        format!("`{key}` takes no value: remove what follows it")
    } else if usage.starts_with(&format!("{key}(")) {
        format!("`{key}` takes a list: write `{usage}`")
    } else {
        format!("`{key}` takes a value: write `{usage}`")
    };
    Error::new(key.span(), words)
}

/// `= "name"`, a wire name.
pub(crate) fn wire_name(input: ParseStream<'_>, key: &Ident, usage: &str) -> Result<String> {
    let text: LitStr = value(input, key, usage, |input| input.parse())?;
    let name = text.value();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.len() > 128 || !name.chars().all(allowed) {
        return Err(Error::new(
            text.span(),
            "a wire name has 1 to 128 letters, digits, `.`, `-` and `_`: write one of those",
        ));
    }
    Ok(name)
}
