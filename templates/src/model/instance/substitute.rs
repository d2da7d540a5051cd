//! Concrete types in place of the parameters and associated types of a trait.

use std::collections::HashMap;

use syn::{
    Expr, ExprPath, GenericArgument, Ident, Path, Type, TypeParamBound, TypePath, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::check::{self, Errors};

#[derive(Clone, Debug, Default)]
pub(super) struct Substitute {
    /// Name of the trait.
    name: Option<Ident>,
    types: HashMap<String, Type>,
    constants: HashMap<String, Expr>,
    associated: HashMap<String, Type>,
    /// Associated types of supertraits.
    inherited: HashMap<String, Type>,
    /// The traits that each parameter implements and that may have associated types.
    bounds: HashMap<String, Vec<Path>>,
    /// Met on the way.
    errors: Errors,
}

impl Substitute {
    pub(super) fn of(name: &Ident) -> Self {
        Self {
            name: Some(name.clone()),
            ..Self::default()
        }
    }

    pub(super) fn ty(&mut self, ident: &Ident, value: &Type) {
        self.types.insert(ident.to_string(), value.clone());
    }

    /// Notes that a parameter implements a trait.
    pub(super) fn bound(&mut self, ident: &Ident, bound: &TypeParamBound) {
        if let TypeParamBound::Trait(bound) = bound
            && !check::generics::is_plain(&bound.path)
        {
            let bounds = self.bounds.entry(ident.to_string()).or_default();
            bounds.push(bound.path.clone());
        }
    }

    pub(super) fn finish(self) -> syn::Result<()> {
        self.errors.finish()
    }

    pub(super) fn constant(&mut self, ident: &Ident, value: &Expr) {
        self.constants.insert(ident.to_string(), value.clone());
    }

    pub(super) fn associate(&mut self, ident: &Ident, value: &Type) {
        self.associated.insert(ident.to_string(), value.clone());
    }

    pub(super) fn inherit(&mut self, ident: &Ident, value: &Type) {
        self.inherited.insert(ident.to_string(), value.clone());
    }

    /// What stands for a path, if anything does.
    fn concrete(&mut self, written: &TypePath) -> Option<Type> {
        let segments = &written.path.segments;
        let (value, used) = match &written.qself {
            // `<Self as Trait>::Name`, whatever path the trait is named by.
            Some(of) if matches!(&*of.ty, Type::Path(path) if path.path.is_ident("Self")) => {
                let from = of.position.checked_sub(1).and_then(|at| segments.get(at));
                let found = segments.get(of.position)?.ident.to_string();
                let ours = from
                    .zip(self.name.as_ref())
                    .is_some_and(|(from, name)| from.ident == *name);
                let value = if ours {
                    self.associated.get(&found)
                } else {
                    self.inherited
                        .get(&found)
                        .or_else(|| self.associated.get(&found))
                };
                (value?.clone(), of.position + 1)
            }
            Some(_) => return None,
            None => {
                let first = segments.first()?;
                let plain = written.path.leading_colon.is_none();
                if plain && first.ident == "Self" {
                    let found = segments.get(1)?.ident.to_string();
                    let value = self.associated.get(&found);
                    let value = value.or_else(|| self.inherited.get(&found));
                    (value?.clone(), 2)
                } else {
                    let value = self.types.get(&first.ident.to_string())?;
                    (plain && first.arguments.is_none()).then(|| (value.clone(), 1))?
                }
            }
        };
        if segments.len() == used {
            return Some(value);
        }
        // `T::Name`: a type of what stands for `T`.
        let first = segments.first()?.ident.clone();
        let rest: Vec<_> = segments.iter().skip(used).cloned().collect();
        match self.bounds.get(&first.to_string()).map(Vec::as_slice) {
            Some([bound]) => {
                let mut bound = bound.clone();
                self.visit_path_mut(&mut bound);
                Some(parse_quote!(<#value as #bound>::#(#rest)::*))
            }
            _ => {
                self.errors.push(check::generics::whose_type(&first, &rest));
                None
            }
        }
    }

    fn constant_at(&self, path: &Path) -> Option<&Expr> {
        self.constants.get(&path.get_ident()?.to_string())
    }
}

impl VisitMut for Substitute {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let concrete = match ty {
            Type::Path(path) => self.concrete(path),
            _ => None,
        };
        match concrete {
            Some(concrete) => *ty = concrete,
            None => visit_mut::visit_type_mut(self, ty),
        }
    }

    fn visit_generic_argument_mut(&mut self, written: &mut GenericArgument) {
        let constant = match written {
            GenericArgument::Type(Type::Path(TypePath {
                qself: None, path, ..
            })) => self.constant_at(path),
            _ => None,
        };
        match constant {
            Some(value) => *written = argument(value),
            None => visit_mut::visit_generic_argument_mut(self, written),
        }
    }

    fn visit_expr_mut(&mut self, written: &mut Expr) {
        let constant = match written {
            Expr::Path(ExprPath {
                qself: None, path, ..
            }) => self.constant_at(path).cloned(),
            _ => None,
        };
        match constant {
            Some(value) => *written = value,
            None => visit_mut::visit_expr_mut(self, written),
        }
    }
}

/// A constant as an argument between angle brackets.
pub(super) fn argument(value: &Expr) -> GenericArgument {
    match value {
        Expr::Lit(_) | Expr::Block(_) => GenericArgument::Const(value.clone()),
        other => GenericArgument::Const(parse_quote!({ #other })),
    }
}
