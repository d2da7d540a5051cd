//! `#[mesh_service(…)]`.

use proc_macro2::Span;
use syn::{
    Expr, Ident, LitBool, LitStr, Path, Result, Token, Type, ext::IdentExt as _, parenthesized,
    parse::ParseStream,
};

use super::{Binding, Bound, OnFailure, plain};
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
    /// What calls of methods without a `Result` give when they fail.
    pub(crate) on_failure: Option<OnFailure>,
    /// What stands for the trait's parameters.
    pub(crate) generics: Vec<Binding>,
    /// What stands for its associated types.
    pub(crate) types: Vec<(Ident, Type)>,
    /// Trait objects are made possible.
    pub(crate) dynamic: Option<Dynamic>,
    /// `supertraits = manual`: the user implements them for the client.
    pub(crate) manual_supertraits: Option<Ident>,
}

/// `exposed`, or `exposed(prefix = "p", out_dir)`.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// The files are written by a build script, below its `OUT_DIR`.
    pub out_dir: bool,
    /// What the names of the files begin with.
    pub prefix: Option<String>,
    /// Where the word stands.
    pub span: Span,
}

/// `dyn`, or `dyn(forward = false)`.
#[derive(Clone, Debug)]
pub(crate) struct Dynamic {
    /// `Arc`, `Box` and `&` of an implementation are implementations.
    pub(crate) forward: bool,
    /// Where the word stands.
    pub(crate) span: Span,
}

const KEYS: &[&str] = &[
    "name",
    "exposed",
    "crate",
    "types",
    "generics",
    "supertraits",
    "dyn",
    "on_failure",
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
                "on_failure" => OnFailure::USAGE,
                other => other,
            };
            match name.as_str() {
                "name" => options.name = Some(settings::wire_name(input, &key, usage)?),
                "exposed" => {
                    let mut exposed = Exposed {
                        out_dir: false,
                        prefix: None,
                        span: key.span(),
                    };
                    if input.peek(syn::token::Paren) {
                        let inner;
                        parenthesized!(inner in input);
                        exposed.parse(&inner)?;
                    }
                    options.exposed = Some(exposed);
                }
                "crate" => {
                    let path = settings::value(input, &key, usage, Path::parse_mod_style)?;
                    options.krate = Some(path);
                }
                "on_failure" => options.on_failure = Some(OnFailure::parse(input, &key)?),
                "dyn" => {
                    let mut forward = true;
                    if input.peek(syn::token::Paren) {
                        let inner;
                        parenthesized!(inner in input);
                        forward = forwarding(&inner)?;
                    }
                    let span = key.span();
                    options.dynamic = Some(Dynamic { forward, span });
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
                _ => return Err(settings::unknown(&key, KEYS)),
            }
            settings::end(input, &key, usage)?;
        }
        Ok(options)
    }

    pub(crate) fn name_or(&self, ident: &Ident) -> String {
        self.name.clone().unwrap_or_else(|| plain(ident))
    }
}

/// `forward = false`.
fn forwarding(input: ParseStream<'_>) -> Result<bool> {
    let mut forward = true;
    while !input.is_empty() {
        let key = settings::key(input, &["forward"])?;
        if key != "forward" {
            return Err(settings::unknown(&key, &["forward"]));
        }
        let usage = "forward = false";
        let value: LitBool = settings::value(input, &key, usage, |input| input.parse())?;
        forward = value.value;
        settings::end(input, &key, usage)?;
    }
    Ok(forward)
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

const EXPOSED: &[&str] = &["prefix", "out_dir"];

impl Exposed {
    /// What stands between its parentheses.
    fn parse(&mut self, input: ParseStream<'_>) -> Result<()> {
        let mut seen = settings::Seen::default();
        while !input.is_empty() {
            let key = settings::key(input, EXPOSED)?;
            seen.once(&key)?;
            let usage = match key.to_string().as_str() {
                "out_dir" => {
                    self.out_dir = true;
                    "out_dir"
                }
                "prefix" => {
                    let usage = "prefix = \"…\"";
                    let text: LitStr = settings::value(input, &key, usage, |input| input.parse())?;
                    self.prefix = Some(prefix(&text)?);
                    usage
                }
                _ => return Err(settings::unknown(&key, EXPOSED)),
            };
            settings::end(input, &key, usage)?;
        }
        Ok(())
    }
}

fn prefix(text: &LitStr) -> Result<String> {
    let value = text.value();
    if value.is_empty() || !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(syn::Error::new(
            text.span(),
            "a prefix begins file names: write letters, digits and `_`",
        ));
    }
    Ok(value)
}
