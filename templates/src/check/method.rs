//! The signature of a method.

use syn::{
    Error, GenericParam, Safety, Signature, TraitItemFn, TypeParamBound, spanned::Spanned as _,
};

use super::{Errors, bounds_on_self, future, item::is_satisfied, types};
use crate::model::{Argument, Effects, Form, Local, has_bound, plain};

/// True for a function that the client inherits, since it can be called without another process:
/// one with a body that has no `self`, needs `Self: Sized`, or is generic.
pub(crate) fn stays_local(function: &TraitItemFn) -> bool {
    let signature = &function.sig;
    function.default.is_some()
        && (signature.receiver().is_none()
            || needs_sized(signature)
            || type_parameter(signature).is_some())
}

pub(crate) fn method(function: &TraitItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if let Some(lifetime) = expanded_lifetime(signature) {
        errors.push(Error::new(
            lifetime,
            "write `#[mesh_service]` above `#[async_trait]`: below it, what you wrote can no longer be seen",
        ));
        return;
    }
    let before = errors.is_empty();
    qualifiers(signature, errors);
    if let Some(parameter) = type_parameter(signature) {
        errors.push(Error::new(
            parameter.span(),
            "another process cannot know this type: write the concrete type, or give the method a body or `#[mesh(local = …)]` to keep it local",
        ));
    }
    needs(signature, errors);
    if before && errors.is_empty() && signature.asyncness.is_none() {
        errors.take(future::check(signature));
    }
}

/// A method that the client answers.
pub(crate) fn local(function: &TraitItemFn, local: &Local, errors: &mut Errors) {
    if function.default.is_none() && local.answer.is_none() {
        errors.push(Error::new(
            local.key.span(),
            "a method that is `local` is answered by its body: write one, or `local = …` with what the client answers",
        ));
    }
}

/// What the method asks of the service, which the client is too.
fn needs(signature: &Signature, errors: &mut Errors) {
    for bound in on_self(signature) {
        if !is_satisfied(bound) {
            errors.push(Error::new(
                types::bound_span(bound),
                "not every client satisfies this bound: remove it, or give the method a body and `#[mesh(local)]`",
            ));
        }
    }
}

/// The bounds of a method on `Self`.
pub(crate) fn on_self(signature: &Signature) -> impl Iterator<Item = &TypeParamBound> {
    let clause = signature.generics.where_clause.iter();
    let predicates = clause.flat_map(|clause| &clause.predicates);
    predicates.filter_map(bounds_on_self).flatten()
}

/// `sticky` names an argument.
pub(crate) fn sticky(effects: &Effects, arguments: &[Argument], errors: &mut Errors) {
    let Some(name) = &effects.sticky else { return };
    let sent = arguments
        .iter()
        .filter(|argument| !matches!(argument.form, Form::Skip(_)));
    let arguments: Vec<_> = sent.collect();
    match arguments
        .iter()
        .find(|argument| argument.name == plain(name))
    {
        Some(argument) if matches!(argument.form, Form::With { .. }) => {
            errors.push(Error::new(
                name.span(),
                format!("`{name}` crosses as what another type makes of it: write an argument that is an integer or a text"),
            ));
            return;
        }
        Some(_) => return,
        None => {}
    }
    let message = match arguments.as_slice() {
        [] => format!("there is no argument `{name}`: the method takes none"),
        some => {
            let names: Vec<_> = some.iter().map(|a| format!("`{}`", a.name)).collect();
            format!(
                "there is no argument `{name}`: write one of {}",
                names.join(", ")
            )
        }
    };
    errors.push(Error::new(name.span(), message));
}

fn qualifiers(signature: &Signature, errors: &mut Errors) {
    if let Some(token) = &signature.constness {
        errors.push(Error::new(
            token.span,
            "a remote call is not constant: remove `const`",
        ));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(Error::new(
            token.span,
            "the caller's promise does not reach another process: remove `unsafe`",
        ));
    }
    if let Some(abi) = &signature.abi {
        errors.push(Error::new(
            abi.extern_token.span,
            "a remote call has no ABI: remove `extern`",
        ));
    }
    if let Some(variadic) = &signature.variadic {
        errors.push(Error::new(
            variadic.dots.span(),
            "a remote call has a fixed number of arguments: take a `Vec<T>`",
        ));
    }
}

/// The lifetime that gives away a method as `#[async_trait]` leaves it.
fn expanded_lifetime(signature: &Signature) -> Option<proc_macro2::Span> {
    let expanded = signature.generics.params.iter().any(|parameter| {
        matches!(parameter, GenericParam::Lifetime(found) if found.lifetime.ident == "async_trait")
    });
    expanded.then(|| signature.ident.span())
}

fn type_parameter(signature: &Signature) -> Option<&syn::Ident> {
    signature
        .generics
        .params
        .iter()
        .find_map(|parameter| match parameter {
            GenericParam::Type(ty) => Some(&ty.ident),
            GenericParam::Const(constant) => Some(&constant.ident),
            GenericParam::Lifetime(_) => None,
        })
}

fn needs_sized(signature: &Signature) -> bool {
    has_bound(on_self(signature), "Sized")
}
