//! `#[mesh_service(…)]`.

use proc_macro2::Span;
use syn::{
    Expr, Ident, LitStr, Path, Result, Token, Type, ext::IdentExt as _, parenthesized,
    parse::ParseStream,
};

use super::{Binding, Bound, plain};
use crate::check::settings;

/// What `#[mesh_service(…)]` says.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Wire name of the contract, if it is not the trait's.
    pub name: Option<String>,
    /// Generated files are used.
    pub exposed: Option<Exposed>,
    /// Where the runtime is found, if not at `::meshrpc`.
    pub krate: Option<Path>,
    /// What stands for the trait's parameters.
    pub(crate) generics: Vec<Binding>,
    /// What stands for its associated types.
    pub(crate) types: Vec<(Ident, Type)>,
    /// `supertraits = manual`: the user implements them for the client.
    pub(crate) manual_supertraits: Option<Ident>,
}

/// `exposed`, or `exposed(prefix = "p")`.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// What the names of the files begin with.
    pub prefix: Option<String>,
    /// Where the word stands.
    pub span: Span,
}

const KEYS: &[&str] = &[
    "name",
    "exposed",
    "crate",
    "types",
    "generics",
    "supertraits",
];

/// What the full grammar will have, and what can be written until then.
const LATER: &[(&str, &str)] = &[
    (
        "dyn",
        "`#[async_trait]` below this attribute, which makes `Arc<dyn Trait>` possible",
    ),
    (
        "on_failure",
        "`Result<T, E>` as the return type of each method",
    ),
];

impl Options {
    pub(crate) fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut seen = settings::Seen::default();
        while !input.is_empty() {
            let key = settings::key(input, KEYS)?;
            seen.once(&key)?;
            let name = key.to_string();
            let usage = match name.as_str() {
                "name" => "name = \"…\"",
                "crate" => "crate = path::of::meshrpc",
                "types" => TYPES,
                "generics" => GENERICS,
                "supertraits" => "supertraits = manual",
                other => other,
            };
            match name.as_str() {
                "name" => options.name = Some(settings::wire_name(input, &key, usage)?),
                "exposed" => {
                    let mut exposed = Exposed {
                        prefix: None,
                        span: key.span(),
                    };
                    if input.peek(syn::token::Paren) {
                        let inner;
                        parenthesized!(inner in input);
                        exposed.prefix = prefix(&inner)?;
                    }
                    options.exposed = Some(exposed);
                }
                "crate" => {
                    let path = settings::value(input, &key, usage, Path::parse_mod_style)?;
                    options.krate = Some(path);
                }
                "types" => {
                    let list = settings::list(input, &key, usage)?;
                    options.types = settings::each(&list, &key, usage, associated)?;
                }
                "generics" => {
                    let list = settings::list(input, &key, usage)?;
                    options.generics = settings::each(&list, &key, usage, binding)?;
                }
                "supertraits" => {
                    let word = settings::value(input, &key, usage, Ident::parse_any)?;
                    if word != "manual" {
                        return Err(syn::Error::new(
                            word.span(),
                            "the client's supertraits are derived, or implemented by you: write `supertraits = manual` for the latter",
                        ));
                    }
                    options.manual_supertraits = Some(key.clone());
                }
                _ => return Err(settings::unknown(&key, KEYS, LATER)),
            }
            settings::end(input, &key, usage)?;
        }
        Ok(options)
    }

    pub(crate) fn name_or(&self, ident: &Ident) -> String {
        self.name.clone().unwrap_or_else(|| plain(ident))
    }
}

const TYPES: &str = "types(Error = StoreError)";
const GENERICS: &str = "generics(T = Row, const N = 4)";

/// `Error = E`.
fn associated(input: ParseStream<'_>) -> Result<(Ident, Type)> {
    let ident = input.parse()?;
    input.parse::<Token![=]>()?;
    Ok((ident, input.parse()?))
}

/// `T = Row` or `const N = 4`.
fn binding(input: ParseStream<'_>) -> Result<Binding> {
    let constant = input.parse::<Option<Token![const]>>()?;
    let ident = input.parse()?;
    input.parse::<Token![=]>()?;
    let value = match constant {
        Some(_) => Bound::Const(input.parse::<Expr>()?),
        None => Bound::Type(input.parse()?),
    };
    Ok(Binding { ident, value })
}

fn prefix(input: ParseStream<'_>) -> Result<Option<String>> {
    let mut prefix = None;
    while !input.is_empty() {
        let key = settings::key(input, &["prefix"])?;
        if key != "prefix" {
            return Err(settings::unknown(&key, &["prefix"], &[]));
        }
        let usage = "prefix = \"…\"";
        let text: LitStr = settings::value(input, &key, usage, |input| input.parse())?;
        let value = text.value();
        if value.is_empty() || !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(syn::Error::new(
                text.span(),
                "a prefix begins file names: write letters, digits and `_`",
            ));
        }
        prefix = Some(value);
        settings::end(input, &key, usage)?;
    }
    Ok(prefix)
}
