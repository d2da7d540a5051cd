//! The owned counterpart of a type that borrows, and how the borrow is made from it again.

use proc_macro2::Span;
use syn::{
    GenericArgument, Lifetime, Path, PathArguments, PathSegment, Result, Type, TypePath,
    TypeReference, parse_quote, parse_quote_spanned,
    visit_mut::{self, VisitMut},
};

use super::last_is;
use crate::check::types;

/// A type that owns everything.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    /// The type.
    pub(crate) ty: Type,
    /// How the written type is lent from it; nothing if it is the written type.
    pub(crate) lend: Option<Lend>,
}

/// How a borrowing value is made from an owned one, step by step.
#[derive(Clone, Debug)]
pub(crate) enum Lend {
    /// Owned, inside something that borrows: this type, made anew.
    Clone(Box<Type>),
    /// `&T`.
    Ref,
    /// `&str`.
    Str,
    /// `&[T]`.
    Slice,
    /// `&Path`: that of the standard library, or the program's own.
    Path(Box<Path>),
    /// `&CStr`.
    CStr,
    /// A reference to something that borrows itself.
    RefTo(Box<Lend>),
    /// `&[T]` where `T` borrows.
    SliceOf(Box<Lend>),
    /// `Option<T>` where `T` borrows.
    Option(Box<Lend>),
    /// A collection of what borrows.
    Collect(Box<Lend>),
    /// A map with keys or values that borrow.
    CollectMap(Box<Lend>, Box<Lend>),
    /// A tuple with elements that borrow.
    Tuple(Vec<Lend>),
}

impl Lend {
    /// The types that are made anew.
    pub(crate) fn cloned(&self) -> Vec<&Type> {
        match self {
            Lend::Clone(ty) => vec![ty],
            Lend::RefTo(inner) | Lend::SliceOf(inner) | Lend::Option(inner) => inner.cloned(),
            Lend::Collect(inner) => inner.cloned(),
            Lend::CollectMap(keys, values) => [keys.cloned(), values.cloned()].concat(),
            Lend::Tuple(elements) => elements.iter().flat_map(Lend::cloned).collect(),
            Lend::Ref | Lend::Str | Lend::Slice | Lend::Path(_) | Lend::CStr => Vec::new(),
        }
    }
}

impl Owned {
    /// The owned form of an argument's type.
    pub(crate) fn of(written: &Type) -> Result<Self> {
        Self::at(written, Depth::Top)
    }

    /// The owned form of what a reference to `target` would be taken of, if `target` is unsized.
    pub(super) fn behind(target: &Type) -> Result<Option<Type>> {
        Ok(match target {
            Type::Path(path) if path.path.is_ident("str") => {
                Some(parse_quote!(::std::string::String))
            }
            Type::Path(path) if is_path(&path.path) => Some(path_buf(&path.path)),
            Type::Slice(slice) => {
                let element = Self::at(&slice.elem, Depth::Inside)?;
                if element.lend.is_some() {
                    return Err(types::borrow_inside(&slice.elem));
                }
                let element = element.ty;
                Some(parse_quote!(::std::vec::Vec<#element>))
            }
            _ => None,
        })
    }

    fn at(written: &Type, depth: Depth) -> Result<Self> {
        match types::unwrapped(written) {
            Type::Reference(reference) => Self::reference(reference, depth),
            Type::Tuple(tuple) => {
                let elements = tuple
                    .elems
                    .iter()
                    .map(|element| Self::at(element, Depth::Inside))
                    .collect::<Result<Vec<_>>>()?;
                let types = elements.iter().map(|element| &element.ty);
                Ok(Self {
                    ty: parse_quote!((#(#types,)*)),
                    lend: elements
                        .iter()
                        .any(|element| element.lend.is_some())
                        .then(|| {
                            Lend::Tuple(
                                elements
                                    .iter()
                                    .map(|e| {
                                        e.lend
                                            .clone()
                                            .unwrap_or(Lend::Clone(Box::new(e.ty.clone())))
                                    })
                                    .collect(),
                            )
                        }),
                })
            }
            Type::Path(path) => Self::path(path),
            Type::Array(array) => {
                let element = Self::at(&array.elem, Depth::Inside)?;
                if element.lend.is_some() {
                    return Err(types::borrow_inside(&array.elem));
                }
                let (element, len) = (element.ty, &array.len);
                Ok(Self {
                    ty: parse_quote!([#element; #len]),
                    lend: None,
                })
            }
            Type::Macro(_) => Ok(Self {
                ty: written.clone(),
                lend: None,
            }),
            other => Err(types::cannot_cross(other)),
        }
    }

    fn reference(reference: &TypeReference, depth: Depth) -> Result<Self> {
        types::reference(reference)?;
        let target = types::unwrapped(&reference.elem);
        match target {
            Type::Path(path) if path.path.is_ident("str") => {
                return Ok(Self {
                    ty: parse_quote!(::std::string::String),
                    lend: Some(Lend::Str),
                });
            }
            Type::Path(path) if is_path(&path.path) => {
                return Ok(Self {
                    ty: path_buf(&path.path),
                    lend: Some(Lend::Path(Box::new(path.path.clone()))),
                });
            }
            Type::Path(path) if last_is(&path.path, "CStr") => {
                return Ok(Self {
                    ty: parse_quote!(::std::ffi::CString),
                    lend: Some(Lend::CStr),
                });
            }
            Type::Path(path) if last_is(&path.path, "OsStr") => {
                return Err(types::os_string(path));
            }
            Type::Slice(slice) => {
                let Owned { ty, lend } = Self::at(&slice.elem, Depth::Inside)?;
                let lend = match lend {
                    None => Lend::Slice,
                    Some(_) if depth == Depth::Inside => {
                        return Err(types::borrow_inside(&slice.elem));
                    }
                    Some(lend) => Lend::SliceOf(Box::new(lend)),
                };
                return Ok(Self {
                    ty: parse_quote!(::std::vec::Vec<#ty>),
                    lend: Some(lend),
                });
            }
            _ => {}
        }
        let Owned { ty, lend } = Self::at(target, Depth::Inside)?;
        let lend = match lend {
            None => Lend::Ref,
            Some(_) if depth == Depth::Inside => return Err(types::borrow_inside(target)),
            Some(lend) => Lend::RefTo(Box::new(lend)),
        };
        Ok(Self {
            ty,
            lend: Some(lend),
        })
    }

    fn path(written: &TypePath) -> Result<Self> {
        types::path(written)?;
        let mut owned = written.clone();
        let Some(last) = owned.path.segments.last_mut() else {
            return Ok(Self {
                ty: Type::Path(owned),
                lend: None,
            });
        };
        let is_cow = last.ident == "Cow";
        let mut lends = Vec::new();
        if let PathArguments::AngleBracketed(list) = &mut last.arguments {
            for argument in &mut list.args {
                match argument {
                    GenericArgument::Type(inner) if is_cow => {
                        types::inside_cow(inner)?;
                    }
                    GenericArgument::Type(inner) => {
                        let Owned { ty, lend } = Self::at(inner, Depth::Inside)
                            .or_else(|error| types::unsized_inside(inner, error))?;
                        if lend.is_some() && !COLLECTIONS.contains(&last.ident.to_string().as_str())
                        {
                            return Err(types::borrow_inside(inner));
                        }
                        lends.push((lend, ty.clone()));
                        *inner = ty;
                    }
                    GenericArgument::Lifetime(lifetime) if is_cow => {
                        *lifetime = parse_quote!('static);
                    }
                    GenericArgument::Lifetime(lifetime) if lifetime.ident != "static" => {
                        return Err(types::lifetime(lifetime));
                    }
                    _ => {}
                }
            }
        }
        let lend = if lends.iter().any(|(lend, _)| lend.is_some()) {
            Some(collected(last, lends)?)
        } else {
            None
        };
        Ok(Self {
            ty: Type::Path(owned),
            lend,
        })
    }
}

fn is_path(path: &Path) -> bool {
    path.segments
        .last()
        .is_some_and(|last| last.ident == "Path" && last.arguments.is_empty())
}

/// Other types are called `Path` too, and only the compiler knows which of them this is.
fn path_buf(path: &Path) -> Type {
    let span = path.segments.last().map_or_else(Span::call_site, |last| {
        Span::call_site().located_at(last.ident.span())
    });
    parse_quote_spanned!(span=> <#path as ::std::borrow::ToOwned>::Owned)
}

const COLLECTIONS: [&str; 9] = [
    "Option",
    "Vec",
    "VecDeque",
    "LinkedList",
    "HashSet",
    "BTreeSet",
    "BinaryHeap",
    "HashMap",
    "BTreeMap",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The argument itself: what is lent can be a temporary.
    Top,
    Inside,
}

fn collected(segment: &PathSegment, lends: Vec<(Option<Lend>, Type)>) -> Result<Lend> {
    let mut lends = lends
        .into_iter()
        .map(|(lend, ty)| lend.unwrap_or(Lend::Clone(Box::new(ty))));
    let mut next = || {
        lends.next().map(Box::new).ok_or_else(|| {
            syn::Error::new(
                segment.ident.span(),
                "a type parameter is missing: write them all",
            )
        })
    };
    Ok(match segment.ident.to_string().as_str() {
        "Option" => Lend::Option(next()?),
        "HashMap" | "BTreeMap" => Lend::CollectMap(next()?, next()?),
        _ => Lend::Collect(next()?),
    })
}

/// `ty` with every lifetime `'static`: for places where those of the method are not in scope.
pub(crate) fn without_lifetimes(ty: &Type) -> Type {
    struct Static;
    impl VisitMut for Static {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = syn::Ident::new("static", lifetime.ident.span());
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            reference.lifetime = Some(Lifetime::new("'static", reference.and_token.span));
            visit_mut::visit_type_mut(self, &mut reference.elem);
        }
    }
    let mut ty = ty.clone();
    Static.visit_type_mut(&mut ty);
    ty
}
