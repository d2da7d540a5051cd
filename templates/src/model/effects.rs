//! `#[mesh(…)]` on a method.

use std::time::Duration;

use syn::{
    Ident, LitStr, Path, Result, Token, TraitItemFn, ext::IdentExt as _, parse::ParseStream,
};

use super::{Local, OnFailure, attribute::is_mesh};
use crate::check::settings;

/// `deadline = "…"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// `"none"`.
    None,
    /// A time.
    After(Duration),
}

/// `#[mesh(…)]` as read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Wire name, and where it was given.
    pub(crate) name: Option<(String, proc_macro2::Span)>,
    /// It may be called again when it may have run.
    pub(crate) idempotent: bool,
    /// Where that was said.
    pub(crate) idempotent_key: Option<Ident>,
    pub(crate) deadline: Option<Deadline>,
    /// The argument whose value calls stick to an instance by.
    pub(crate) sticky: Option<Ident>,
    /// It is answered on receipt.
    pub(crate) oneway: Option<Ident>,
    /// What it has begun is done to the end.
    pub(crate) run_to_completion: Option<Ident>,
    /// It stays at the caller.
    pub(crate) local: Option<Local>,
    /// What a call that failed gives, where the return type cannot tell.
    pub(crate) on_failure: Option<OnFailure>,
    /// What is returned crosses as what this module makes of it.
    pub(crate) with: Option<Path>,
    /// What is returned is a byte string that is not copied where that can be.
    pub(crate) raw: Option<Ident>,
    /// The first key that makes no sense for a method that stays local.
    pub(crate) remote: Option<Ident>,
}

pub(super) const KEYS: &[&str] = &[
    "idempotent",
    "deadline",
    "sticky",
    "oneway",
    "run_to_completion",
    "name",
    "local",
    "on_failure",
    "with",
    "raw",
];

impl Effects {
    pub(super) fn parse(function: &TraitItemFn) -> Result<Self> {
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
                "with" => "with = path::of::module",
                "on_failure" => OnFailure::USAGE,
                "local" => "local = what the client answers",
                plain => plain,
            };
            match name.as_str() {
                "idempotent" => {
                    self.idempotent = true;
                    self.idempotent_key = Some(key.clone());
                }
                "oneway" => self.oneway = Some(key.clone()),
                "run_to_completion" => self.run_to_completion = Some(key.clone()),
                "raw" => self.raw = Some(key.clone()),
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
                    let answer = match input.peek(Token![=]) {
                        true => Some(settings::value(input, &key, usage, |input| input.parse())?),
                        false => None,
                    };
                    self.local = Some(Local {
                        key: key.clone(),
                        answer,
                    });
                }
                "on_failure" => self.on_failure = Some(OnFailure::parse(input, &key)?),
                "with" => {
                    let module = settings::value(input, &key, usage, Path::parse_mod_style)?;
                    self.with = Some(module);
                }
                "skip" => {
                    return Err(syn::Error::new(
                        key.span(),
                        "`skip` is said of an argument: write it before the argument's name",
                    ));
                }
                _ => return Err(settings::unknown(&key, KEYS)),
            }
            if self.raw.is_some() && self.with.is_some() {
                return Err(syn::Error::new(
                    key.span(),
                    "`raw` sends what is returned itself, as it is: remove `with` or `raw`",
                ));
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
