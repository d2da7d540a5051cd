//! What the future of a method may borrow.

use syn::{
    GenericArgument, Ident, Lifetime, PathArguments, ReceiverKind, ReturnType, Signature, Type,
    TypeImplTrait, TypeParamBound, TypePath, TypeReference,
    visit::{self, Visit},
};

use crate::check::types::unwrapped;

/// What the future of a method may borrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Everything the method was given.
    Everything,
    /// What has this lifetime; `_` is the one of `&self`.
    Lifetime(Ident),
    /// Nothing: it is `'static`.
    Nothing,
}

impl Hold {
    /// By the return type of a method that is not an `async fn`.
    pub(super) fn of(signature: &Signature) -> Self {
        let ReturnType::Type(_, written) = &signature.output else {
            return Self::Everything;
        };
        match unwrapped(written) {
            Type::ImplTrait(future) => Self::by_bounds(&future.bounds).unwrap_or_else(|| {
                let captures = future.bounds.iter().find_map(|bound| match bound {
                    TypeParamBound::PreciseCapture(captures) => Some(captures),
                    _ => None,
                });
                let some = |captures: &syn::PreciseCapture| {
                    captures
                        .params
                        .iter()
                        .any(|captured| matches!(captured, syn::CapturedParam::Lifetime(_)))
                };
                match captures {
                    Some(captures) if !some(captures) => Self::Nothing,
                    _ => Self::Everything,
                }
            }),
            Type::Path(path) => Self::boxed(path),
            _ => Self::Everything,
        }
    }

    fn boxed(path: &TypePath) -> Self {
        let mut arguments =
            path.path
                .segments
                .iter()
                .filter_map(|segment| match &segment.arguments {
                    PathArguments::AngleBracketed(list) => Some(&list.args),
                    _ => None,
                });
        for argument in arguments.next_back().into_iter().flatten() {
            match argument {
                GenericArgument::Lifetime(lifetime) => return Self::by_lifetime(lifetime),
                GenericArgument::Type(inner) => match unwrapped(inner) {
                    Type::Path(inner) => return Self::boxed(inner),
                    Type::TraitObject(future) => {
                        return Self::by_bounds(&future.bounds).unwrap_or(Self::Nothing);
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        Self::Nothing
    }

    fn by_bounds<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Self> {
        bounds.into_iter().find_map(|bound| match bound {
            TypeParamBound::Lifetime(lifetime) => Some(Self::by_lifetime(lifetime)),
            _ => None,
        })
    }

    fn by_lifetime(lifetime: &Lifetime) -> Self {
        match lifetime.ident == "static" {
            true => Self::Nothing,
            false => Self::Lifetime(lifetime.ident.clone()),
        }
    }

    /// Whether it may borrow the receiver.
    pub(crate) fn has_receiver(&self, signature: &Signature) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Lifetime(held) => {
                let own = signature
                    .receiver()
                    .and_then(|receiver| match &receiver.kind {
                        ReceiverKind::Reference(_, lifetime, _) => lifetime.as_ref(),
                        _ => None,
                    });
                held == "_" || own.is_some_and(|own| own.ident == *held)
            }
        }
    }

    /// Whether it may keep an argument of this type as it is.
    pub(super) fn has(&self, argument: &Type) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => Borrows::of(argument, None),
            Self::Lifetime(held) => Borrows::of(argument, Some(held)),
        }
    }
}

/// Looks for borrows that a future cannot keep.
struct Borrows<'a> {
    held: Option<&'a Ident>,
    kept: bool,
}

impl<'a> Borrows<'a> {
    fn of(ty: &Type, held: Option<&'a Ident>) -> bool {
        let mut borrows = Self { held, kept: true };
        borrows.visit_type(ty);
        borrows.kept
    }
}

impl<'ast> Visit<'ast> for Borrows<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        self.kept &= reference.lifetime.is_some();
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        let named = self.held.filter(|held| *held != "_");
        self.kept &=
            lifetime.ident == "static" || named.is_some_and(|held| lifetime.ident == *held);
    }

    // What it stands for may borrow.
    fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
        self.kept = false;
    }
}

#[cfg(test)]
mod tests {
    use syn::{TraitItemFn, parse_quote};

    use super::*;

    fn hold(function: TraitItemFn) -> (bool, Vec<bool>) {
        let signature = function.sig;
        let hold = Hold::of(&signature);
        let arguments = signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some(hold.has(&typed.ty)),
            syn::FnArg::Receiver(_) => None,
        });
        (hold.has_receiver(&signature), arguments.collect())
    }

    #[test]
    fn a_future_holds_what_its_type_says() {
        let cases: [(TraitItemFn, bool, &[bool]); 11] = [
            (
                parse_quote!(
                    fn f(&self, a: &str) -> impl Future<Output = R>;
                ),
                true,
                &[true],
            ),
            (
                parse_quote!(
                    fn f(&self, a: &str) -> impl Future<Output = R> + 'static;
                ),
                false,
                &[false],
            ),
            (
                parse_quote!(
                    fn f(&self, a: u8) -> impl Future<Output = R> + use<Self>;
                ),
                false,
                &[true],
            ),
            (
                parse_quote!(
                    fn f(&self, a: &str) -> impl Future<Output = R> + '_;
                ),
                true,
                &[false],
            ),
            (
                parse_quote!(
                    fn f(&self, a: &str, b: String) -> BoxFuture<'_, R>;
                ),
                true,
                &[false, true],
            ),
            (
                parse_quote!(
                    fn f<'a>(&'a self, a: &'a str, b: &str) -> BoxFuture<'a, R>;
                ),
                true,
                &[true, false],
            ),
            (
                parse_quote!(
                    fn f<'a>(&self, a: &'a str) -> BoxFuture<'a, R>;
                ),
                false,
                &[true],
            ),
            (
                parse_quote!(
                    fn f(&self, a: Cow<'_, str>) -> BoxFuture<'static, R>;
                ),
                false,
                &[false],
            ),
            (
                parse_quote!(
                    fn f(&self, a: &str) -> Pin<Box<dyn Future<Output = R> + Send>>;
                ),
                false,
                &[false],
            ),
            (
                parse_quote!(
                    fn f(&self, a: &str) -> Pin<Box<dyn Future<Output = R> + Send + '_>>;
                ),
                true,
                &[false],
            ),
            (
                parse_quote!(
                    fn f(&self, a: impl Into<String>) -> BoxFuture<'_, R>;
                ),
                true,
                &[false],
            ),
        ];
        for (function, receiver, arguments) in cases {
            let text = quote::quote!(#function).to_string();
            assert_eq!(hold(function), (receiver, arguments.to_vec()), "{text}");
        }
    }
}
