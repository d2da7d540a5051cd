//! Parameters and associated types of a trait, and what the attribute says of them.

use std::collections::HashSet;

use syn::{
    Error, GenericParam, Ident, ItemTrait, Path, PathSegment, Result, TraitItem, TypeParamBound,
    WherePredicate, spanned::Spanned as _,
};

use super::Errors;
use crate::model::{Options, declares};

/// Names in `generics(…)` and `types(…)` that the trait has not.
pub(crate) fn names(item: &ItemTrait, options: &Options, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for binding in &options.generics {
        let ident = &binding.ident;
        let known = item
            .generics
            .params
            .iter()
            .any(|parameter| match parameter {
                GenericParam::Type(parameter) => parameter.ident == *ident,
                GenericParam::Const(parameter) => parameter.ident == *ident,
                GenericParam::Lifetime(_) => false,
            });
        if !seen.insert(ident.to_string()) {
            errors.push(twice(ident));
        } else if !known {
            let words = if declares(item, ident) {
                format!("`{ident}` is an associated type: write `types({ident} = …)`")
            } else {
                let words = format!("`{}` has no parameter `{ident}`", item.ident);
                with_known(&words, &parameters(item))
            };
            errors.push(Error::new(ident.span(), words));
        }
    }
    seen.clear();
    for (ident, _) in &options.types {
        let is_parameter = parameters(item).contains(&ident.to_string());
        if !seen.insert(ident.to_string()) {
            errors.push(twice(ident));
        } else if is_parameter {
            errors.push(Error::new(
                ident.span(),
                format!("`{ident}` is a parameter of the trait: write `generics({ident} = …)`"),
            ));
        } else if !declares(item, ident) && options.manual_supertraits.is_none() {
            let own = item.items.iter().filter_map(|each| match each {
                TraitItem::Type(ty) => Some(ty.ident.to_string()),
                _ => None,
            });
            let words = format!("`{}` has no associated type `{ident}`", item.ident);
            errors.push(Error::new(
                ident.span(),
                with_known(&words, &own.collect::<Vec<_>>()),
            ));
        }
    }
}

/// What a trait leaves open and the attribute does not say.
#[derive(Default)]
pub(crate) struct Missing {
    first: Option<Ident>,
    parameters: Vec<String>,
    types: Vec<String>,
}

impl Missing {
    pub(crate) fn parameter(&mut self, ident: &Ident, is_const: bool) {
        self.first.get_or_insert_with(|| ident.clone());
        self.parameters.push(match is_const {
            true => format!("const {ident} = …"),
            false => format!("{ident} = …"),
        });
    }

    pub(crate) fn associated(&mut self, ident: &Ident) {
        self.first.get_or_insert_with(|| ident.clone());
        self.types.push(format!("{ident} = …"));
    }

    /// One error for all of it, with the text that is missing.
    pub(crate) fn finish(self, name: &Ident) -> Result<()> {
        let Some(first) = self.first else {
            return Ok(());
        };
        let of = |key: &str, list: &[String]| format!("{key}({})", list.join(", "));
        let mut keys = Vec::new();
        if !self.parameters.is_empty() {
            keys.push(of("generics", &self.parameters));
        }
        if !self.types.is_empty() {
            keys.push(of("types", &self.types));
        }
        Err(Error::new(
            first.span(),
            format!(
                "another process has to know which `{name}` this is: write `#[mesh_service({})]`",
                keys.join(", ")
            ),
        ))
    }
}

pub(crate) fn with_parameters(parameter: &GenericParam) -> Error {
    Error::new(
        parameter.span(),
        "an associated type with parameters has no one type that could cross: write the concrete type in the methods",
    )
}

pub(crate) fn a_constant(ident: &Ident, options: &Options) -> Error {
    Error::new(
        written(ident, options),
        format!("`{ident}` is a constant: write `const {ident} = …`"),
    )
}

pub(crate) fn not_a_constant(ident: &Ident, options: &Options) -> Error {
    Error::new(
        written(ident, options),
        format!("`{ident}` is a type: write `{ident} = …`"),
    )
}

/// True for a trait without associated types.
pub(crate) fn is_plain(bound: &Path) -> bool {
    const PLAIN: [&str; 18] = [
        "Send",
        "Sync",
        "Sized",
        "Unpin",
        "Copy",
        "Clone",
        "Debug",
        "Display",
        "Default",
        "Eq",
        "PartialEq",
        "Ord",
        "PartialOrd",
        "Hash",
        "Serialize",
        "Deserialize",
        "DeserializeOwned",
        "Any",
    ];
    let last = bound.segments.last();
    last.is_some_and(|last| PLAIN.iter().any(|name| last.ident == name))
}

/// `T::Name` where `T` has no bound, or several.
pub(crate) fn whose_type(parameter: &Ident, rest: &[PathSegment]) -> Error {
    let name = rest.first().map_or(parameter, |segment| &segment.ident);
    Error::new(
        name.span(),
        format!(
            "it cannot be seen whose type this is: write `<{parameter} as …>::{name}` with its trait"
        ),
    )
}

/// The bounds of a predicate on `Self`.
pub(crate) fn bounds_on_self(
    predicate: &WherePredicate,
) -> Option<impl Iterator<Item = &TypeParamBound>> {
    match predicate {
        WherePredicate::Type(predicate) if is_self(&predicate.bounded_ty) => {
            Some(predicate.bounds.iter())
        }
        _ => None,
    }
}

fn is_self(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path) if path.path.is_ident("Self"))
}

/// Where `generics(…)` names a parameter.
fn written(ident: &Ident, options: &Options) -> proc_macro2::Span {
    let named = options.generics.iter().find(|found| found.ident == *ident);
    named.map_or_else(|| ident.span(), |binding| binding.ident.span())
}

fn twice(ident: &Ident) -> Error {
    Error::new(
        ident.span(),
        format!("`{ident}` is given twice: remove one"),
    )
}

fn parameters(item: &ItemTrait) -> Vec<String> {
    let names = item
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(parameter.ident.to_string()),
            GenericParam::Const(parameter) => Some(parameter.ident.to_string()),
            GenericParam::Lifetime(_) => None,
        });
    names.collect()
}

fn with_known(words: &str, known: &[String]) -> String {
    if known.is_empty() {
        return format!("{words}: remove it");
    }
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("{words}: write one of {}", known.join(", "))
}
