//! What stands for the code of a trait that was refused: everything by its name, so that the
//! refusals are the only errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, FnArg, ItemTrait, Path, QSelf, ReturnType, Signature, TraitItem, TraitItemFn, Type,
    TypeImplTrait, TypeParamBound, Visibility, parse_quote,
    visit::{self, Visit},
};

use super::{
    Output, Target,
    interface::{add_send, captures},
};
use crate::{
    check,
    model::{AsyncTrait, Service, has_bound, supertraits},
};

impl Service {
    /// A trait that was refused, and stubs of what would stand beside it.
    pub fn refused(options: TokenStream, item: &ItemTrait) -> TokenStream {
        let service = Self::stub(options, item);
        let output = Output::new(&service, Target::Macro);
        let (interface, contract) = (output.interface(), output.contract());
        let (client, handler) = (output.client_shell(), output.handler_shell());
        let stubs = output.stubs();
        quote! {
            #interface
            #contract
            #client
            #handler
            #stubs
        }
    }
}

impl Output<'_> {
    fn stubs(&self) -> TokenStream {
        let (rt, item) = (&self.rt, &self.service.item);
        let (client, handler) = (self.client_ident(), self.handler_ident());
        let contract = self.contract_ident();
        let methods = self.stub_methods(item);
        quote! {
            #methods

            impl<S: ?Sized + ::core::marker::Send + ::core::marker::Sync + 'static> #rt::Handler
                for #handler<S>
            {
                fn spec(&self) -> &'static #rt::ServiceSpec {
                    &#contract
                }

                fn call(&self, _: #rt::Request) -> #rt::BoxFuture<'static, #rt::Response> {
                    let _ = &self.service;
                    #rt::unknown_method()
                }
            }

            impl<S: ::core::marker::Send + ::core::marker::Sync + 'static> #rt::Seam<S>
                for #client
            {
                type Handler = #handler<S>;

                fn handler(service: S) -> #handler<S> {
                    #handler::new(service)
                }
            }
        }
    }

    /// The methods of the trait: as an implementation if there can be one, else as the client's
    /// own.
    fn stub_methods(&self, item: &ItemTrait) -> TokenStream {
        let (name, client) = (&item.ident, self.client_ident());
        let functions = || {
            item.items.iter().filter_map(|each| match each {
                TraitItem::Fn(function) => Some(function),
                _ => None,
            })
        };
        let whole = item.unsafety.is_none()
            && item.modifiers.auto_token.is_none()
            && (supertraits(item).all(check::is_satisfied)
                || self.service.options.manual_supertraits.is_some())
            && item.items.iter().all(|each| match each {
                TraitItem::Fn(function) => {
                    function.default.is_some()
                        || self.stub(&Visibility::Inherited, function).is_some()
                }
                TraitItem::Const(constant) => constant.default.is_some(),
                TraitItem::Type(ty) => {
                    let types = &self.service.instance.types;
                    types.iter().any(|(name, _)| *name == ty.ident)
                }
                _ => false,
            });
        let allow = quote!(#[allow(
            dead_code, deprecated, unused_variables, unused_mut, clippy::all, clippy::pedantic
        )]);
        if whole {
            let methods = functions()
                .filter(|function| function.default.is_none())
                .filter_map(|function| self.stub(&Visibility::Inherited, function));
            let by_async_trait = item.attrs.iter().filter(|each| AsyncTrait::is_in(each));
            let associated = self.associated();
            let (implementing, arguments, clause) = item.generics.split_for_impl();
            let head = match self.service.instance.arguments.as_slice() {
                [] => quote!(impl #implementing #name #arguments for #client #clause),
                _ => {
                    let (parameters, implemented) = (self.parameters(None), self.trait_ref());
                    quote!(impl #parameters #implemented for #client)
                }
            };
            return quote! {
                #allow
                #(#by_async_trait)*
                #head {
                    #associated
                    #(#methods)*
                }
            };
        }
        if !item.generics.params.is_empty() {
            return TokenStream::new();
        }
        let vis = self.visibility();
        let methods = functions()
            .filter(|function| !names_associated(&function.sig))
            .filter_map(|function| self.stub(&vis, function));
        quote! {
            #allow
            impl #client {
                #(#methods)*
            }
        }
    }

    /// The method with a body that fits; nothing if there is none.
    fn stub(&self, vis: &Visibility, function: &TraitItemFn) -> Option<TokenStream> {
        let cfg = cfg(&function.attrs);
        let mut signature = function.sig.clone();
        if signature.constness.is_some()
            || signature.variadic.is_some()
            || !check::on_self(&signature).all(check::is_satisfied)
        {
            return None;
        }
        let future = match &signature.output {
            ReturnType::Type(_, ty) => match check::types::unwrapped(ty) {
                Type::ImplTrait(written) => {
                    // The client's `Self` is no parameter that could be captured.
                    let captures =
                        |bound: &TypeParamBound| matches!(bound, TypeParamBound::PreciseCapture(_));
                    if !has_bound(&written.bounds, "Future") || written.bounds.iter().any(captures)
                    {
                        return None;
                    }
                    true
                }
                other if names_unknown(other) => return None,
                _ => false,
            },
            ReturnType::Default => false,
        };
        for input in &mut signature.inputs {
            if let FnArg::Typed(input) = input {
                input.attrs.clear();
                if self.adds_send() {
                    add_send(&mut input.ty);
                }
            }
        }
        if let ReturnType::Type(_, output) = &mut signature.output {
            captures(output, None);
        }
        // As the trait has it, and without a word on what the future would hold.
        let desugared = signature.asyncness.is_some() && !self.service.async_trait.present;
        if desugared {
            signature.asyncness = None;
            let output = match &signature.output {
                ReturnType::Default => quote!(()),
                ReturnType::Type(_, ty) => quote!(#ty),
            };
            signature.output = parse_quote! {
                -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
            };
        }
        let body = match future || desugared {
            true => quote!(::core::future::pending()),
            false => quote!(::core::unreachable!("refused when it was compiled")),
        };
        Some(quote! {
            #(#cfg)*
            #vis #signature {
                #body
            }
        })
    }
}

/// Whether no value could be made of a return type: `!`, or `impl Trait` inside of it.
fn names_unknown(ty: &Type) -> bool {
    let mut named = Named::default();
    named.visit_type(ty);
    matches!(ty, Type::Never(_)) || named.unknown
}

fn cfg(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}

/// Whether a signature names what only an implementation of the trait has.
fn names_associated(signature: &Signature) -> bool {
    let mut named = Named::default();
    named.visit_signature(signature);
    named.associated
}

/// What types name that a method of the client's own cannot.
#[derive(Default)]
struct Named {
    unknown: bool,
    associated: bool,
}

impl<'ast> Visit<'ast> for Named {
    fn visit_type_impl_trait(&mut self, written: &'ast TypeImplTrait) {
        self.unknown = true;
        visit::visit_type_impl_trait(self, written);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let first = path.segments.first();
        self.associated |= path.segments.len() > 1 && first.is_some_and(|it| it.ident == "Self");
        visit::visit_path(self, path);
    }

    fn visit_qself(&mut self, of: &'ast QSelf) {
        self.associated |= matches!(&*of.ty, Type::Path(path) if path.path.is_ident("Self"));
        visit::visit_qself(self, of);
    }
}
