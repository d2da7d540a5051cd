//! `dyn`: what keeps a trait from having objects.

use syn::{Error, ItemTrait, ReturnType, Signature, TraitItem, Type, TypeParamBound};

use super::{Errors, method::on_self, types};
use crate::model::{Form, Method, Options, Style, canonical, has_bound, supertraits};

pub(crate) fn dynamic(
    item: &ItemTrait,
    options: &Options,
    async_trait: bool,
    methods: &[Method],
    errors: &mut Errors,
) {
    let Some(dynamic) = &options.dynamic else {
        return;
    };
    let name = &item.ident;
    if async_trait {
        errors.push(Error::new(
            dynamic.span,
            format!("`#[async_trait]` makes `dyn {name}` possible already: remove `dyn`"),
        ));
    } else if has_objects(item, methods) {
        errors.push(Error::new(
            dynamic.span,
            format!(
                "no method of `{name}` is async, so `dyn {name}` is possible already: remove `dyn`"
            ),
        ));
    }
    for bound in supertraits(item) {
        if has_bound([bound], "Clone") || has_bound([bound], "Sized") {
            errors.push(Error::new(
                types::bound_span(bound),
                "an object has no size, so it cannot be this: remove the bound, or `dyn`",
            ));
        }
    }
    for method in methods {
        if let Some(token) = captures(&method.signature) {
            errors.push(Error::new(
                token,
                "through an object it cannot be seen what this captures: write `'static` or `'_`, or remove `dyn`",
            ));
        }
        borrowing_stream(method, errors);
        for bound in on_self(&method.signature) {
            let known = match bound {
                TypeParamBound::Trait(bound) => {
                    let last = bound.path.segments.last();
                    last.is_some_and(|last| {
                        let name = last.ident.to_string();
                        ["Send", "Sync"].contains(&name.as_str())
                            || supertraits(item).any(|bound| has_bound([bound], &name))
                    })
                }
                _ => true,
            };
            if !known && has_bound([bound], "Sized") {
                errors.push(Error::new(
                    types::bound_span(bound),
                    "an object has no size, so it could not answer the method: give the method a body to keep it local, or remove `dyn`",
                ));
            } else if !known {
                errors.push(Error::new(
                    types::bound_span(bound),
                    "an object is not this, so it could not answer the method: make the bound a supertrait, give the method a body to keep it local, or remove `dyn`",
                ));
            }
        }
    }
}

/// True if the compiler makes objects of the trait as it is.
fn has_objects(item: &ItemTrait, methods: &[Method]) -> bool {
    let remote = methods.iter().all(|method| {
        matches!(method.style, Style::Boxed | Style::Blocking | Style::Stream)
            && method
                .reply
                .stream
                .as_ref()
                .is_none_or(|stream| stream.boxed)
            && method.signature.asyncness.is_none()
            && dispatches(&method.signature)
    });
    remote
        && item.items.iter().all(|each| match each {
            TraitItem::Fn(function) => {
                dispatches(&function.sig) && function.sig.asyncness.is_none()
            }
            TraitItem::Const(_) => false,
            _ => true,
        })
}

fn dispatches(signature: &Signature) -> bool {
    let sized = has_bound(on_self(signature), "Sized");
    let text = canonical(quote::ToTokens::to_token_stream(&signature.inputs));
    sized
        || signature.receiver().is_some()
            && signature.generics.type_params().next().is_none()
            && !text.split_whitespace().any(|word| word == "impl")
}

/// A stream of an object has one lifetime, the object's.
fn borrowing_stream(method: &Method, errors: &mut Errors) {
    let borrows = method.reply.stream.as_ref();
    if !borrows.is_some_and(|stream| !stream.owned && !stream.boxed) {
        return;
    }
    let borrowed = method.arguments.iter().find(|argument| {
        matches!(
            &argument.form,
            Form::Lent(_) | Form::AsRef(_) | Form::Items(Some(_))
        )
    });
    if let Some(argument) = borrowed {
        errors.push(Error::new(
            argument.span,
            "a stream that comes through an object borrows from that alone: take this owned, or write `'static` behind the stream's `Send`",
        ));
    }
}

/// The `use<…>` in what a method returns.
fn captures(signature: &Signature) -> Option<proc_macro2::Span> {
    let ReturnType::Type(_, ty) = &signature.output else {
        return None;
    };
    let Type::ImplTrait(written) = types::unwrapped(ty) else {
        return None;
    };
    written.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::PreciseCapture(captures) => Some(captures.use_token.span),
        _ => None,
    })
}
