//! Which types a generic trait is served with.

mod substitute;

use syn::{
    Expr, GenericArgument, GenericParam, Ident, ItemTrait, Lifetime, Result, TraitItem,
    TraitItemFn, Type, TypeParamBound, WherePredicate, visit_mut::VisitMut as _,
};

use self::substitute::Substitute;
use super::Options;
use crate::check::{self, Errors};

/// What stands for the parameters and the associated types of a trait. A trait without any has
/// one instance, which is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    /// The trait's own lifetimes, which stay open.
    pub(crate) lifetimes: Vec<Lifetime>,
    /// The arguments for its other parameters.
    pub(crate) arguments: Vec<GenericArgument>,
    /// Its associated types.
    pub(crate) types: Vec<(Ident, Type)>,
    /// Associated types of supertraits.
    pub(crate) inherited: Vec<(Ident, Type)>,
    substitute: Substitute,
}

/// `T = Row` or `const N = 4`.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// The parameter.
    pub(crate) ident: Ident,
    /// What stands for it.
    pub(crate) value: Bound,
}

/// What stands for a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// For one that is a type.
    Type(Type),
    /// For one that is a constant.
    Const(Expr),
}

impl Instance {
    pub(super) fn of(item: &ItemTrait, options: &Options, errors: &mut Errors) -> Self {
        let mut instance = Self {
            substitute: Substitute::of(&item.ident),
            ..Self::default()
        };
        check::generics::names(item, options, errors);
        instance.bounds(item);
        let mut missing = check::generics::Missing::default();
        for parameter in &item.generics.params {
            instance.parameter(parameter, options, &mut missing, errors);
        }
        for each in &item.items {
            let TraitItem::Type(ty) = each else { continue };
            if let Some(parameter) = ty.generics.params.first() {
                errors.push(check::generics::with_parameters(parameter));
                continue;
            }
            match options.types.iter().find(|(name, _)| *name == ty.ident) {
                Some((name, value)) => {
                    instance.substitute.associate(&ty.ident, value);
                    instance.types.push((name.clone(), value.clone()));
                }
                None => missing.associated(&ty.ident),
            }
        }
        for (name, value) in &options.types {
            if !declares(item, name) {
                instance.substitute.inherit(name, value);
                instance.inherited.push((name.clone(), value.clone()));
            }
        }
        // What has the wrong name is what is missing.
        if errors.is_empty() {
            errors.take(missing.finish(&item.ident));
        }
        instance
    }

    fn parameter(
        &mut self,
        parameter: &GenericParam,
        options: &Options,
        missing: &mut check::generics::Missing,
        errors: &mut Errors,
    ) {
        let named = |ident: &Ident| {
            let found = options.generics.iter().find(|found| found.ident == *ident);
            found.map(|binding| &binding.value)
        };
        match parameter {
            GenericParam::Lifetime(parameter) => self.lifetimes.push(parameter.lifetime.clone()),
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                let value = match (named(ident), &parameter.default) {
                    (Some(Bound::Type(ty)), _) => ty.clone(),
                    (Some(Bound::Const(_)), _) => {
                        return errors.push(check::generics::not_a_constant(ident, options));
                    }
                    (None, Some((_, default))) => {
                        let mut value = default.clone();
                        self.substitute.visit_type_mut(&mut value);
                        value
                    }
                    (None, None) => return missing.parameter(ident, false),
                };
                self.substitute.ty(ident, &value);
                self.arguments.push(GenericArgument::Type(value));
            }
            GenericParam::Const(parameter) => {
                let ident = &parameter.ident;
                let value = match (named(ident), &parameter.default) {
                    (Some(Bound::Const(value)), _) => value.clone(),
                    (Some(Bound::Type(_)), _) => {
                        return errors.push(check::generics::a_constant(ident, options));
                    }
                    (None, Some((_, default))) => default.clone(),
                    (None, None) => return missing.parameter(ident, true),
                };
                self.substitute.constant(ident, &value);
                self.arguments.push(substitute::argument(&value));
            }
        }
    }

    /// Notes what is said of the parameters.
    fn bounds(&mut self, item: &ItemTrait) {
        for parameter in item.generics.type_params() {
            for bound in &parameter.bounds {
                self.substitute.bound(&parameter.ident, bound);
            }
        }
        let clause = item.generics.where_clause.iter();
        for predicate in clause.flat_map(|clause| &clause.predicates) {
            if let WherePredicate::Type(predicate) = predicate
                && let Type::Path(path) = &predicate.bounded_ty
                && let Some(ident) = path.path.get_ident()
            {
                for bound in &predicate.bounds {
                    self.substitute.bound(ident, bound);
                }
            }
        }
    }

    /// The function with the concrete types in place of those of the trait.
    ///
    /// # Errors
    /// For a type of a parameter's that no trait can be named for.
    pub(crate) fn apply(&self, function: &TraitItemFn) -> Result<TraitItemFn> {
        let mut function = function.clone();
        let mut substitute = self.substitute.clone();
        substitute.visit_signature_mut(&mut function.sig);
        substitute.finish().map(|()| function)
    }
}

/// True if the trait itself has an associated type of this name.
pub(crate) fn declares(item: &ItemTrait, name: &Ident) -> bool {
    item.items
        .iter()
        .any(|each| matches!(each, TraitItem::Type(ty) if ty.ident == *name))
}

/// The bounds on `Self` among the supertraits and in the trait's `where`.
pub(crate) fn supertraits(item: &ItemTrait) -> impl Iterator<Item = &TypeParamBound> {
    let clause = item.generics.where_clause.iter();
    let predicates = clause.flat_map(|clause| &clause.predicates);
    let more = predicates.filter_map(check::bounds_on_self);
    item.supertraits.iter().chain(more.flatten())
}
