//! Hashes of tokens: the same inside rustc, where the macro runs, and outside, where files are
//! written.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use sha2::{Digest as _, Sha256};
use syn::{FnArg, ItemTrait, Lit, TraitItem};

use super::{AsyncTrait, Bound, Options, attribute};

/// First eight bytes, little-endian, of SHA-256.
pub(crate) fn short_hash(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    u64::from_le_bytes(first)
}

/// Sixteen hex digits.
pub(crate) fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// The fingerprint of a trait: of what its generated files depend on.
///
/// Attributes on the trait itself are left out, since rustc has expanded some of them and a source
/// file has not; what they mean for the files is put in by itself.
pub(super) fn of_trait(item: &ItemTrait, options: &Options, async_trait: &AsyncTrait) -> u64 {
    let mut signatures = attribute::stripped(item);
    signatures.attrs.clear();
    for (each, written) in signatures.items.iter_mut().zip(&item.items) {
        if let (TraitItem::Fn(function), TraitItem::Fn(written)) = (each, written) {
            function.attrs.clone_from(&written.attrs);
            for (input, written) in function.sig.inputs.iter_mut().zip(&written.sig.inputs) {
                if let (FnArg::Typed(input), FnArg::Typed(written)) = (input, written) {
                    input.attrs.clone_from(&written.attrs);
                }
            }
            function.sig.inputs.pop_punct();
            if let Some(body) = &mut function.default {
                body.stmts.clear();
            }
        }
    }
    let krate = options
        .krate
        .as_ref()
        .map(|path| canonical(path.to_token_stream()));
    let exposed = options
        .exposed
        .as_ref()
        .and_then(|exposed| exposed.prefix.clone());
    let text = format!(
        "meshrpc 1\n{:?}\n{}\n{krate:?}\n{exposed:?}\n{}",
        options.name,
        async_trait.present,
        canonical(signatures.to_token_stream()),
    );
    // Not when `#[async_trait]` is there: rustc has settled that before the attribute is called.
    short_hash(format!("{text}{}", of_instance(options)).as_bytes())
}

/// What else the attribute says that the files depend on, if it says any of it.
fn of_instance(options: &Options) -> String {
    let mut text = String::new();
    for binding in &options.generics {
        let value = match &binding.value {
            Bound::Type(ty) => ty.to_token_stream(),
            Bound::Const(value) => value.to_token_stream(),
        };
        text.push_str(&format!("\n{} = {}", binding.ident, canonical(value)));
    }
    for (ident, ty) in &options.types {
        let ty = canonical(ty.to_token_stream());
        text.push_str(&format!("\n{ident}: {ty}"));
    }
    if let Some(dynamic) = &options.dynamic {
        text.push_str(&format!("\ndyn {}", dynamic.forward));
    }
    if let Some(on_failure) = &options.on_failure {
        text.push_str(&format!("\non_failure {}", on_failure.canonical()));
    }
    text
}

/// Tokens as text with one space after each: docs left out, invisible groups opened, strings by
/// their value.
pub(crate) fn canonical(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) => {
                let doc = punct.as_char() == '#'
                    && matches!(tokens.peek(), Some(TokenTree::Group(group)) if is_doc(group));
                if doc {
                    tokens.next();
                } else {
                    text.push(punct.as_char());
                    text.push(' ');
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("( ", ") "),
                    Delimiter::Brace => ("{ ", "} "),
                    Delimiter::Bracket => ("[ ", "] "),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Ident(ident) => {
                text.push_str(&ident.to_string());
                text.push(' ');
            }
            TokenTree::Literal(literal) => {
                match Lit::new(literal) {
                    Lit::Str(string) => text.push_str(&format!("{:?}", string.value())),
                    other => text.push_str(&other.to_token_stream().to_string()),
                }
                text.push(' ');
            }
        }
    }
}

fn is_doc(group: &proc_macro2::Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
}
