//! An argument: how it is written, how it travels, and how it is handed to the method.

use proc_macro2::Ident;
use syn::{
    Expr, GenericArgument, Pat, PatType, Path, PathArguments, Result, Type, TypeImplTrait,
    TypeParamBound, parse::ParseStream, spanned::Spanned as _,
};

use super::{
    Detach, Hold, Lend, Owned, StreamType, attribute::is_mesh, effects::KEYS as METHOD_KEYS, plain,
};
use crate::check::{self, settings, types};

/// An argument of a method.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// As the user named it; nothing if it is a pattern.
    pub(crate) ident: Option<Ident>,
    /// Wire name.
    pub(crate) name: String,
    /// As decoded: owns everything.
    pub(crate) owned: Type,
    /// How it gets there and back.
    pub(crate) form: Form,
    /// What keeps it from being held by the method's future as it is, undone.
    pub(crate) detach: Option<Detach>,
    /// What a check of the type is reported at.
    pub(crate) span: proc_macro2::Span,
}

/// How an argument is encoded at the caller and handed to the method at the callee.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Encoded and passed as it is.
    Value,
    /// Encoded from the borrow, lent from the owned value.
    Lent(Lend),
    /// `impl Into<T>`: converted, then passed as it is.
    Into,
    /// `impl AsRef<T>`: encoded from the reference to this type.
    AsRef(Box<Type>),
    /// `impl IntoIterator<Item = T>`: collected; handed over lent if the items borrow.
    Items(Option<Lend>),
    /// Not sent: the handler has this value.
    Skip(Box<Expr>),
    /// Crosses as what this module makes of it.
    With {
        /// The module.
        module: Box<Path>,
        /// How what the module gives back is passed.
        passed: Passed,
    },
    /// A byte string that is not copied where that can be. The owned form is how the contract
    /// describes it.
    Raw(Raw),
    /// A stream, which is sent item by item. The owned form is the item's.
    Stream(Box<StreamType>),
}

/// How an argument that a module made again is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// As it is.
    Owned,
    /// By reference.
    Lent,
    /// By reference to what it points to, a trait object.
    Behind,
}

/// How a byte string is given and handed to the method.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    /// As this type.
    Owned(Box<Type>),
    /// As `&[u8]`.
    Lent,
}

/// `#[mesh(…)]` on an argument.
#[derive(Default)]
struct Said {
    skip: Option<Expr>,
    with: Option<Path>,
    raw: bool,
}

const KEYS: &[&str] = &["skip", "with", "raw"];

impl Said {
    fn parse(input: &PatType) -> Result<Self> {
        let mut said = Self::default();
        let mut seen = settings::Seen::default();
        for attribute in input.attrs.iter().filter(|attribute| is_mesh(attribute)) {
            attribute.parse_args_with(|input: ParseStream<'_>| said.read(input, &mut seen))?;
        }
        Ok(said)
    }

    fn read(&mut self, input: ParseStream<'_>, seen: &mut settings::Seen) -> Result<()> {
        while !input.is_empty() {
            let key = settings::key(input, KEYS)?;
            seen.once(&key)?;
            let usage = match key.to_string().as_str() {
                "skip" => {
                    let usage = "skip = what the handler passes";
                    self.skip = Some(settings::value(input, &key, usage, |input| input.parse())?);
                    usage
                }
                "with" => {
                    let usage = "with = path::of::module";
                    let module = settings::value(input, &key, usage, Path::parse_mod_style)?;
                    self.with = Some(module);
                    usage
                }
                "raw" => {
                    self.raw = true;
                    "raw"
                }
                name if METHOD_KEYS.contains(&name) => {
                    return Err(syn::Error::new(
                        key.span(),
                        format!("`{key}` is said of the method: write it above the method"),
                    ));
                }
                _ => return Err(settings::unknown(&key, KEYS)),
            };
            if self.skip.is_some() && self.with.is_some() {
                return Err(syn::Error::new(
                    key.span(),
                    "what is not sent needs no form to be sent in: remove `with` or `skip`",
                ));
            }
            if self.raw && (self.skip.is_some() || self.with.is_some()) {
                let other = if self.skip.is_some() { "skip" } else { "with" };
                return Err(syn::Error::new(
                    key.span(),
                    format!("`raw` sends the argument itself, as it is: remove `{other}` or `raw`"),
                ));
            }
            settings::end(input, &key, usage)?;
        }
        Ok(())
    }
}

/// What crosses as what `module` makes of it: owned, or by a reference that is all it borrows.
fn converted(written: &Type, module: Path) -> Result<Form> {
    let (inner, passed) = match written {
        Type::Reference(reference) => {
            types::reference(reference)?;
            let passed = match types::unwrapped(&reference.elem) {
                Type::TraitObject(_) => Passed::Behind,
                _ => Passed::Lent,
            };
            (&*reference.elem, passed)
        }
        other if StreamType::of(other).is_some() => {
            let at = module
                .segments
                .last()
                .map_or_else(|| module.span(), |last| last.ident.span());
            return Err(check::stream::not_converted(at));
        }
        Type::ImplTrait(written) => {
            return Err(syn::Error::new(
                written.impl_token.span(),
                "the module makes one type of it: write the concrete type",
            ));
        }
        other => (other, Passed::Owned),
    };
    types::inside_cow(inner)?;
    Ok(Form::With {
        module: Box::new(module),
        passed,
    })
}

impl Argument {
    pub(super) fn parse(index: usize, input: &PatType, hold: &Hold) -> Result<Self> {
        if let Some(cfg) = input.attrs.iter().find(|a| a.path().is_ident("cfg")) {
            return Err(syn::Error::new(
                cfg.path().span(),
                "a method has the same arguments in every build: write two methods, each under its own `#[cfg]`",
            ));
        }
        let Said { skip, with, raw } = Said::parse(input)?;
        let ident = match &*input.pat {
            Pat::Ident(pattern) => Some(pattern.ident.clone()),
            _ => None,
        };
        let name = match &ident {
            Some(ident) => plain(ident),
            None => format!("argument_{}", index + 1),
        };
        let written = types::unwrapped(&input.ty);
        if let Some(value) = skip {
            return Ok(Self {
                ident,
                name,
                owned: written.clone(),
                form: Form::Skip(Box::new(value)),
                detach: None,
                span: types::span(&input.ty),
            });
        }
        if let Some(module) = with {
            return Ok(Self {
                ident,
                name,
                owned: written.clone(),
                form: converted(written, module)?,
                detach: (!hold.has(&input.ty)).then_some(Detach::Converted),
                span: types::span(&input.ty),
            });
        }
        if raw {
            return Ok(Self {
                ident,
                name,
                owned: syn::parse_quote!(::std::vec::Vec<u8>),
                form: Form::Raw(raw_argument(written)?),
                detach: (!hold.has(&input.ty)).then_some(Detach::Converted),
                span: types::span(&input.ty),
            });
        }
        if let Some(stream) = StreamType::of(&input.ty) {
            return Self::of_stream(ident, name, stream);
        }
        let (owned, form) = match written {
            Type::ImplTrait(written) => implied(written)?,
            written => {
                let Owned { ty, lend } = Owned::of(written)?;
                (ty, lend.map_or(Form::Value, Form::Lent))
            }
        };
        Ok(Self {
            ident,
            name,
            owned,
            detach: match hold.has(&input.ty) {
                true => None,
                false => Some(Detach::of(&form, &input.ty)?),
            },
            form,
            span: types::span(&input.ty),
        })
    }

    fn of_stream(ident: Option<Ident>, name: String, stream: StreamType) -> Result<Self> {
        check::stream::taken(&stream)?;
        let Owned { ty, lend } = Owned::of(&stream.item)?;
        if lend.is_some() {
            return Err(types::borrow_inside(&stream.item));
        }
        Ok(Self {
            ident,
            name,
            span: types::span(&stream.item),
            detach: None,
            owned: ty,
            form: Form::Stream(Box::new(stream)),
        })
    }
}

/// A byte string, as far as it can be told from its name that it is one.
fn raw_argument(written: &Type) -> Result<Raw> {
    if let Type::Reference(reference) = written {
        types::reference(reference)?;
        if !matches!(types::unwrapped(&reference.elem), Type::Slice(slice) if types::is_byte(&slice.elem))
        {
            return Err(types::not_bytes(written));
        }
        return Ok(Raw::Lent);
    }
    types::bytes(written)?;
    Ok(Raw::Owned(Box::new(written.clone())))
}

/// `impl Into<T>`, `impl AsRef<T>`, `impl IntoIterator<Item = T>`.
fn implied(written: &TypeImplTrait) -> Result<(Type, Form)> {
    for bound in &written.bounds {
        let TypeParamBound::Trait(bound) = bound else {
            continue;
        };
        let Some(segment) = bound.path.segments.last() else {
            continue;
        };
        let argument = |wanted: Option<&str>| match &segment.arguments {
            PathArguments::AngleBracketed(list) => {
                list.args
                    .iter()
                    .find_map(|argument| match (argument, wanted) {
                        (GenericArgument::Type(ty), None) => Some(ty.clone()),
                        (GenericArgument::AssocType(found), Some(name)) if found.ident == name => {
                            Some(found.ty.clone())
                        }
                        _ => None,
                    })
            }
            _ => None,
        };
        match segment.ident.to_string().as_str() {
            "Into" => {
                if let Some(target) = argument(None) {
                    let owned = Owned::of(&target)?;
                    if owned.lend.is_some() {
                        return Err(types::borrow_inside(&target));
                    }
                    return Ok((owned.ty, Form::Into));
                }
            }
            "AsRef" => {
                if let Some(target) = argument(None) {
                    let Some(owned) = Owned::behind(&target)? else {
                        return Err(syn::Error::new(
                            segment.ident.span(),
                            "only `AsRef<str>`, `AsRef<Path>` and `AsRef<[T]>` have an owned form: take a reference instead",
                        ));
                    };
                    return Ok((owned, Form::AsRef(Box::new(target))));
                }
            }
            "IntoIterator" => {
                if let Some(item) = argument(Some("Item")) {
                    let owned = Owned::of(&item)?;
                    let ty = owned.ty;
                    let lend = owned.lend.map(|lend| Lend::Collect(Box::new(lend)));
                    return Ok((syn::parse_quote!(::std::vec::Vec<#ty>), Form::Items(lend)));
                }
            }
            "Fn" | "FnMut" | "FnOnce" | "AsyncFn" | "AsyncFnMut" | "AsyncFnOnce" => {
                return Err(syn::Error::new(
                    segment.ident.span(),
                    "a callback cannot cross to another process: take the data it would work on, or return what it would be given",
                ));
            }
            "Stream" => {
                return Err(syn::Error::new(
                    segment.ident.span(),
                    "what the stream carries must be said: write `Stream<Item = T>`",
                ));
            }
            "Future" => {
                return Err(syn::Error::new(
                    segment.ident.span(),
                    "a future cannot cross to another process: await it and pass what it gives",
                ));
            }
            _ => {}
        }
    }
    Err(syn::Error::new(
        written.impl_token.span(),
        "only `impl Into<T>`, `impl AsRef<T>` and `impl IntoIterator<Item = T>` say which type crosses: write the concrete type instead",
    ))
}
