//! What an error type says.

use proc_macro2::Span;
use syn::{
    Attribute, Data, DeriveInput, Error, GenericParam, Generics, Ident, Member, Path, Result, Type,
    ext::IdentExt as _, parse::ParseStream, spanned::Spanned as _,
};

use crate::{
    check::{Errors, settings},
    model::{is_mesh, plain},
};

/// An enum or a struct under `#[derive(MeshError)]`.
pub(crate) struct ErrorType {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// Where the runtime is found, if not at `::meshrpc`.
    pub(crate) krate: Option<Path>,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Enum(Vec<Variant>),
    Struct { fields: Fields, code: Option<Ident> },
}

/// A variant of an enum.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// Wire name.
    pub(crate) name: String,
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) fields: Fields,
    /// The code it gives a failed call, as a variant of `Code`.
    pub(crate) code: Option<Ident>,
    /// It receives failed calls.
    pub(crate) transport: Option<Ident>,
    /// It receives what cannot be rebuilt.
    pub(crate) fallback: Option<Ident>,
}

/// What a variant or a struct holds.
pub(crate) struct Fields {
    pub(crate) shape: Shape,
    pub(crate) members: Vec<(Member, Type)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Unit,
    Newtype,
    Tuple,
    Struct,
}

/// `#[mesh(…)]` on a type or a variant.
#[derive(Default)]
struct Attributes {
    krate: Option<Path>,
    name: Option<(String, Span)>,
    status: Option<(Ident, Span)>,
    transport: Option<Ident>,
    fallback: Option<Ident>,
}

/// Codes by the names that `status` takes.
const CODES: [(&str, &str); 16] = [
    ("cancelled", "Cancelled"),
    ("unknown", "Unknown"),
    ("invalid_argument", "InvalidArgument"),
    ("deadline_exceeded", "DeadlineExceeded"),
    ("not_found", "NotFound"),
    ("already_exists", "AlreadyExists"),
    ("permission_denied", "PermissionDenied"),
    ("resource_exhausted", "ResourceExhausted"),
    ("failed_precondition", "FailedPrecondition"),
    ("aborted", "Aborted"),
    ("out_of_range", "OutOfRange"),
    ("unimplemented", "Unimplemented"),
    ("internal", "Internal"),
    ("unavailable", "Unavailable"),
    ("data_loss", "DataLoss"),
    ("unauthenticated", "Unauthenticated"),
];

const ON_ENUM: &[&str] = &["crate"];
const ON_STRUCT: &[&str] = &["status", "crate"];
const ON_VARIANT: &[&str] = &["status", "transport", "fallback", "name"];

impl ErrorType {
    pub(super) fn parse(input: &DeriveInput) -> Result<Self> {
        let mut errors = Errors::default();
        for parameter in &input.generics.params {
            if let GenericParam::Lifetime(lifetime) = parameter {
                errors.push(Error::new(
                    lifetime.lifetime.span(),
                    "an error that crosses owns what it holds: remove the lifetime, and hold `String` instead of `&str`",
                ));
            }
        }
        let keys = match &input.data {
            Data::Enum(_) => ON_ENUM,
            _ => ON_STRUCT,
        };
        let attributes = errors
            .take(Attributes::parse(&input.attrs, keys, |key| {
                misplaced(key, matches!(input.data, Data::Enum(_)))
            }))
            .unwrap_or_default();
        let kind = match &input.data {
            Data::Union(data) => {
                return Err(Error::new(
                    data.union_token.span,
                    "a union cannot cross: write an enum",
                ));
            }
            Data::Struct(data) => Kind::Struct {
                fields: Fields::parse(&data.fields, &mut errors),
                code: attributes.status.map(|(code, _)| code),
            },
            Data::Enum(data) => {
                let variants: Vec<Variant> = data
                    .variants
                    .iter()
                    .filter_map(|variant| Variant::parse(variant, &mut errors))
                    .collect();
                if data.variants.is_empty() {
                    errors.push(Error::new(
                        input.ident.span(),
                        "an enum without variants cannot hold a failed call: add `#[mesh(transport)] Mesh(meshrpc::Error)`",
                    ));
                }
                Kind::Enum(variants)
            }
        };
        if let Kind::Enum(variants) = &kind {
            together(variants, &mut errors);
        }
        errors.finish()?;
        Ok(Self {
            ident: input.ident.clone(),
            generics: input.generics.clone(),
            krate: attributes.krate,
            kind,
        })
    }
}

impl Variant {
    fn parse(variant: &syn::Variant, errors: &mut Errors) -> Option<Self> {
        let fields = Fields::parse(&variant.fields, errors);
        let attributes = errors.take(Attributes::parse(&variant.attrs, ON_VARIANT, |key| {
            (key == "crate").then(|| {
                Error::new(
                    key.span(),
                    "`crate` is said of the whole type: write it above the enum",
                )
            })
        }))?;
        for role in [&attributes.transport, &attributes.fallback]
            .into_iter()
            .flatten()
        {
            if fields.members.len() != 1 {
                let what = if role == "transport" {
                    "a failed call"
                } else {
                    "what cannot be rebuilt"
                };
                errors.push(Error::new(
                    role.span(),
                    format!("a variant for {what} has one field, which holds the `meshrpc::Error`: write `{}(meshrpc::Error)`", variant.ident),
                ));
                return None;
            }
            if variant.attrs.iter().any(|a| a.path().is_ident("cfg")) {
                errors.push(Error::new(
                    role.span(),
                    format!("a `{role}` variant has to be there always: remove its `#[cfg]`"),
                ));
                return None;
            }
        }
        Some(Self {
            ident: variant.ident.clone(),
            name: match attributes.name {
                Some((name, _)) => name,
                None => plain(&variant.ident),
            },
            cfg: variant
                .attrs
                .iter()
                .filter(|a| a.path().is_ident("cfg"))
                .cloned()
                .collect(),
            fields,
            code: attributes.status.map(|(code, _)| code),
            transport: attributes.transport,
            fallback: attributes.fallback,
        })
    }
}

impl Fields {
    fn parse(fields: &syn::Fields, errors: &mut Errors) -> Self {
        for attribute in fields.iter().flat_map(|field| &field.attrs) {
            if is_mesh(attribute) {
                errors.push(Error::new(
                    attribute.path().span(),
                    "`#[mesh(…)]` is said of a variant: write it above the variant",
                ));
            } else if attribute.path().is_ident("cfg") {
                errors.push(Error::new(
                    attribute.path().span(),
                    "a field that may be missing cannot cross: put `#[cfg]` on the variant",
                ));
            }
        }
        let members: Vec<_> = fields
            .members()
            .zip(fields.iter().map(|field| field.ty.clone()))
            .collect();
        let shape = match fields {
            _ if members.is_empty() => Shape::Unit,
            syn::Fields::Unnamed(_) if members.len() == 1 => Shape::Newtype,
            syn::Fields::Unnamed(_) => Shape::Tuple,
            _ => Shape::Struct,
        };
        Self { shape, members }
    }

    /// Wire names of the fields.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.members.iter().map(|(member, _)| match member {
            Member::Named(ident) => plain(ident),
            Member::Unnamed(index) => index.index.to_string(),
        });
        names.collect()
    }
}

impl Attributes {
    fn parse(
        attributes: &[Attribute],
        keys: &[&str],
        misplaced: impl Fn(&Ident) -> Option<Error>,
    ) -> Result<Self> {
        let mut read = Self::default();
        let mut seen = settings::Seen::default();
        for attribute in attributes.iter().filter(|attribute| is_mesh(attribute)) {
            attribute.parse_args_with(|input: ParseStream<'_>| {
                while !input.is_empty() {
                    let key = settings::key(input, keys)?;
                    seen.once(&key)?;
                    if let Some(error) = misplaced(&key) {
                        return Err(error);
                    }
                    read.key(input, &key, keys)?;
                }
                Ok(())
            })?;
        }
        Ok(read)
    }

    fn key(&mut self, input: ParseStream<'_>, key: &Ident, keys: &[&str]) -> Result<()> {
        let name = key.to_string();
        if !keys.contains(&name.as_str()) {
            return Err(settings::unknown(key, keys));
        }
        let usage = match name.as_str() {
            "status" => "status = not_found",
            "name" => "name = \"…\"",
            "crate" => "crate = path::of::meshrpc",
            other => other,
        };
        match name.as_str() {
            "status" => {
                let status = settings::value(input, key, usage, Ident::parse_any)?;
                self.status = Some((code(&status)?, status.span()));
            }
            "name" => self.name = Some((settings::wire_name(input, key, usage)?, key.span())),
            "crate" => {
                self.krate = Some(settings::value(input, key, usage, Path::parse_mod_style)?);
            }
            "transport" => self.transport = Some(key.clone()),
            _ => self.fallback = Some(key.clone()),
        }
        settings::end(input, key, usage)
    }
}

fn code(status: &Ident) -> Result<Ident> {
    match CODES.iter().find(|(name, _)| status == name) {
        Some((_, code)) => Ok(Ident::new(code, Span::call_site())),
        None => {
            let names: Vec<_> = CODES.iter().map(|(name, _)| format!("`{name}`")).collect();
            Err(Error::new(
                status.span(),
                format!(
                    "unknown status `{status}`: write one of {}",
                    names.join(", ")
                ),
            ))
        }
    }
}

/// A key of a variant on a type.
fn misplaced(key: &Ident, is_enum: bool) -> Option<Error> {
    let name = key.to_string();
    let words = match name.as_str() {
        "transport" | "fallback" | "name" | "status" if is_enum => {
            format!("`{name}` is said of a variant: write it above one")
        }
        "transport" | "fallback" => format!(
            "`{name}` is said of a variant, and a struct has none: write `impl From<meshrpc::Error>` for it, or an enum"
        ),
        _ => return None,
    };
    Some(Error::new(key.span(), words))
}

/// What only the variants together can get wrong.
fn together(variants: &[Variant], errors: &mut Errors) {
    let mut transport = variants.iter().filter_map(|v| v.transport.as_ref());
    let mut fallback = variants.iter().filter_map(|v| v.fallback.as_ref());
    let (_, _) = (transport.next(), fallback.next());
    for again in transport {
        errors.push(Error::new(
            again.span(),
            "failed calls go to one variant, and another is `transport` already: remove one of them",
        ));
    }
    for again in fallback {
        errors.push(Error::new(
            again.span(),
            "what cannot be rebuilt goes to one variant, and another is `fallback` already: remove one of them",
        ));
    }
    for (index, variant) in variants.iter().enumerate() {
        // Variants under `cfg` may be two forms of one.
        let taken = variants[..index].iter().any(|other| {
            other.name == variant.name && (other.cfg.is_empty() || variant.cfg.is_empty())
        });
        if taken {
            errors.push(Error::new(
                variant.ident.span(),
                format!(
                    "another variant is called `{}` already: give this one `#[mesh(name = \"…\")]` with a name of its own",
                    variant.name
                ),
            ));
        }
    }
}
