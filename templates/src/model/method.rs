//! A method, and `#[mesh(…)]` on it.

use std::time::Duration;

use syn::{
    Attribute, FnArg, Ident, LitStr, Result, Signature, Token, TraitItemFn, ext::IdentExt as _,
    parse::ParseStream,
};

use super::{Argument, Reply, attribute::is_mesh, plain};
use crate::check::{self, settings};

/// A method that another process answers.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// As written, without attributes on arguments.
    pub(crate) signature: Signature,
    /// Wire name.
    pub(crate) name: String,
    /// What a duplicate is reported at.
    pub(crate) name_span: proc_macro2::Span,
    /// First eight bytes of the hash of `contract/method`.
    pub(crate) key: u64,
    /// `#[cfg]`, for every item generated from the method.
    pub(crate) cfg: Vec<Attribute>,
    /// Its documentation.
    pub(crate) docs: Vec<Attribute>,
    /// Calling it warns.
    pub(crate) deprecated: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) reply: Reply,
    pub(crate) idempotent: bool,
    pub(crate) deadline: Option<Deadline>,
    /// Index of the argument whose value calls stick to an instance by.
    pub(crate) sticky: Option<usize>,
}

/// `deadline = "…"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// `"none"`.
    None,
    /// A time.
    After(Duration),
}

/// `#[mesh(…)]` as read.
#[derive(Default)]
struct Effects {
    name: Option<(String, proc_macro2::Span)>,
    idempotent: bool,
    deadline: Option<Deadline>,
    sticky: Option<Ident>,
    local: Option<Ident>,
    /// The first key that makes no sense for a method that stays local.
    remote: Option<Ident>,
}

const KEYS: &[&str] = &["idempotent", "deadline", "sticky", "name", "local"];

/// What the full grammar will have, and what can be written until then.
const LATER: &[(&str, &str)] = &[
    ("oneway", "a method that returns `Result<(), E>`"),
    (
        "run_to_completion",
        "a `spawn` in the implementation for work that outlives its caller",
    ),
    ("raw", "`&[u8]` or `Vec<u8>`, which cross in one piece,"),
    ("with", "a serde type of your own"),
    ("skip", "the method without this argument"),
    ("on_failure", "`Result<T, E>` as the return type"),
    ("inline", "the method without it"),
];

impl Method {
    /// The method, or nothing if it stays local.
    pub(super) fn parse(function: &TraitItemFn) -> Result<Option<Self>> {
        let mut errors = check::Errors::default();
        let effects = errors.take(Effects::parse(function)).unwrap_or_default();
        if let Some(local) = &effects.local {
            if let Some(key) = &effects.remote {
                errors.push(syn::Error::new(
                    key.span(),
                    format!(
                        "`{key}` means nothing for a method that is `local`: remove one of them"
                    ),
                ));
            }
            if function.default.is_none() {
                errors.push(syn::Error::new(
                    local.span(),
                    "a method that is `local` is answered by its body: write one",
                ));
            }
            return errors.finish().map(|()| None);
        }
        if check::stays_local(function) {
            return errors.finish().map(|()| None);
        }

        check::method(function, &mut errors);
        let signature = &function.sig;
        let mut arguments = Vec::new();
        let mut sticky = None;
        let typed = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (index, input) in typed.enumerate() {
            if let Some(argument) = errors.take(Argument::parse(index, input)) {
                if effects
                    .sticky
                    .as_ref()
                    .is_some_and(|name| plain(name) == argument.name)
                {
                    sticky = Some(index);
                }
                arguments.push(argument);
            }
        }
        if let Some(name) = &effects.sticky
            && sticky.is_none()
            && errors.is_empty()
        {
            let message = match arguments.as_slice() {
                [] => format!("there is no argument `{name}`: the method takes none"),
                some => {
                    let names: Vec<_> = some.iter().map(|a| format!("`{}`", a.name)).collect();
                    format!(
                        "there is no argument `{name}`: write one of {}",
                        names.join(", ")
                    )
                }
            };
            errors.push(syn::Error::new(name.span(), message));
        }
        // A form that was refused as a whole needs no second word on what it returns.
        let reply = if errors.is_empty() {
            errors.take(Reply::parse(&signature.output, &signature.ident))
        } else {
            None
        };
        errors.finish()?;
        let Some(reply) = reply else { return Ok(None) };

        let (name, name_span) = effects
            .name
            .unwrap_or_else(|| (plain(&signature.ident), signature.ident.span()));
        let attributes = |name: &str| -> Vec<Attribute> {
            function
                .attrs
                .iter()
                .filter(|a| a.path().is_ident(name))
                .cloned()
                .collect()
        };
        Ok(Some(Self {
            signature: signature.clone(),
            name,
            name_span,
            key: 0,
            cfg: attributes("cfg"),
            docs: attributes("doc"),
            deprecated: !attributes("deprecated").is_empty(),
            arguments,
            reply,
            idempotent: effects.idempotent,
            deadline: effects.deadline,
            sticky,
        }))
    }
}

impl Effects {
    fn parse(function: &TraitItemFn) -> Result<Self> {
        let mut effects = Self::default();
        let mut seen = settings::Seen::default();
        for attribute in function.attrs.iter().filter(|attribute| is_mesh(attribute)) {
            attribute.parse_args_with(|input: ParseStream<'_>| effects.read(input, &mut seen))?;
        }
        Ok(effects)
    }

    fn read(&mut self, input: ParseStream<'_>, seen: &mut settings::Seen) -> Result<()> {
        while !input.is_empty() {
            let key = settings::key(input, KEYS)?;
            seen.once(&key)?;
            let name = key.to_string();
            let usage = match name.as_str() {
                "deadline" => "deadline = \"500ms\"",
                "sticky" => "sticky = argument",
                "name" => "name = \"…\"",
                plain => plain,
            };
            match name.as_str() {
                "idempotent" => self.idempotent = true,
                "deadline" => {
                    let text: LitStr = settings::value(input, &key, usage, |input| input.parse())?;
                    self.deadline = Some(deadline(&text)?);
                }
                "sticky" => {
                    let argument = settings::value(input, &key, usage, Ident::parse_any)?;
                    self.sticky = Some(argument);
                }
                "name" => {
                    let name = settings::wire_name(input, &key, usage)?;
                    self.name = Some((name, key.span()));
                }
                "local" => {
                    if input.peek(Token![=]) {
                        return Err(syn::Error::new(
                            key.span(),
                            "not supported yet: `local = …`; give the method a body and write `local` instead",
                        ));
                    }
                    self.local = Some(key.clone());
                }
                _ => return Err(settings::unknown(&key, KEYS, LATER)),
            }
            settings::end(input, &key, usage)?;
            if key != "local" && self.remote.is_none() {
                self.remote = Some(key);
            }
        }
        Ok(())
    }
}

fn deadline(text: &LitStr) -> Result<Deadline> {
    let value = text.value();
    if value == "none" {
        return Ok(Deadline::None);
    }
    let refuse = || {
        syn::Error::new(
            text.span(),
            "a deadline is a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\", or \"none\"",
        )
    };
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit());
    let count: u64 = value[..value.len() - unit.len()]
        .parse()
        .map_err(|_| refuse())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(refuse()),
    };
    match count.checked_mul(millis) {
        Some(total) if total > 0 => Ok(Deadline::After(Duration::from_millis(total))),
        _ => Err(refuse()),
    }
}
