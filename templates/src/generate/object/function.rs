//! A function of the trait, as it is called through an object or a pointer.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::{
    Attribute, FnArg, GenericParam, Lifetime, Pat, ReceiverKind, ReturnType, Signature,
    TraitItemFn, Type, TypeParamBound, TypeReference, parse_quote,
    visit_mut::{self, VisitMut},
};

use super::super::{
    Output, Target,
    interface::{add_send, bounds_of_its_own, captures},
};
use crate::{
    check::{on_self, types},
    model::{Form, Hold, Method, ReplyStream, StreamType, Style, canonical, last_is, plain, style},
};

pub(super) struct Function<'a> {
    /// With the concrete types.
    pub(super) signature: Signature,
    pub(super) cfg: Vec<Attribute>,
    /// What its arguments are called in bodies.
    pub(super) names: Vec<Ident>,
    pub(super) style: Style,
    /// What a future gives, or the function returns.
    output: Option<Type>,
    /// Nothing for one that stays local.
    method: Option<&'a Method>,
}

impl<'a> Function<'a> {
    pub(super) fn new(function: TraitItemFn, method: Option<&'a Method>, target: Target) -> Self {
        let signature = function.sig;
        let (style, output) = style::of(&signature);
        let typed = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let names = typed
            .enumerate()
            .map(|(index, input)| match (&*input.pat, target) {
                (Pat::Ident(pattern), Target::File) => pattern.ident.clone(),
                (_, Target::File) => format_ident!("argument_{}", index + 1),
                (_, Target::Macro) => format_ident!("__a{}", index + 1),
            });
        Self {
            names: names.collect(),
            cfg: function
                .attrs
                .into_iter()
                .filter(|a| a.path().is_ident("cfg"))
                .collect(),
            style,
            output,
            method,
            signature,
        }
    }

    /// `__mesh_greet`: what nobody calls, so that it is never ambiguous.
    pub(super) fn mangled(&self) -> Ident {
        format_ident!("__mesh_{}", plain(&self.signature.ident))
    }

    /// True if it can be called through an object. The others are left to their bodies.
    pub(super) fn in_object(&self) -> bool {
        let local = || {
            !self.is_generic()
                && !self.mentions_self()
                && !self.is_impl(&self.signature.output)
                && on_self(&self.signature).next().is_none()
        };
        self.receiver().is_some() && (self.method.is_some() || local())
    }

    /// True if it can be called through a pointer.
    pub(super) fn is_forwarded(&self) -> bool {
        let asks = on_self(&self.signature).any(|bound| {
            !matches!(bound, TypeParamBound::Trait(bound)
                if last_is(&bound.path, "Send") || last_is(&bound.path, "Sync"))
        });
        let by_value = self.signature.receiver().is_some() && self.receiver().is_none();
        let constant = self.signature.constness.is_some();
        (self.method.is_some() || !asks && !self.mentions_self()) && !by_value && !constant
    }

    /// `&self`, `&mut self` or `self: Arc<Self>`; nothing for any other and for none.
    pub(super) fn receiver(&self) -> Option<Passing> {
        match &self.signature.receiver()?.kind {
            ReceiverKind::Reference(_, _, mutability) => Some(match mutability {
                Some(_) => Passing::Mut,
                None => Passing::Ref,
            }),
            ReceiverKind::Typed(_, ty) => match types::unwrapped(ty) {
                Type::Reference(reference) => {
                    let is_self =
                        matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("Self"));
                    is_self.then_some(match reference.mutability {
                        Some(_) => Passing::Mut,
                        None => Passing::Ref,
                    })
                }
                Type::Path(path) if last_is(&path.path, "Arc") => Some(Passing::Arc),
                _ => None,
            },
            _ => None,
        }
    }

    /// True if its future is boxed for the object trait.
    pub(super) fn is_boxed_here(&self) -> bool {
        matches!(self.style, Style::Async | Style::Future)
    }

    /// True if what implements it is an `async fn`.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_boxed_here() && self.held().is_none()
    }

    /// The signature for an implementation, with plain names; `parameter` is the implementation's
    /// own.
    pub(super) fn implementing(&self, parameter: Option<&Ident>) -> Signature {
        let mut signature = self.signature.clone();
        let mut names = self.names.iter();
        for input in &mut signature.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    receiver.mutability = None;
                    receiver.attrs.clear();
                }
                FnArg::Typed(input) => {
                    input.attrs.clear();
                    if let Some(name) = names.next() {
                        *input.pat = parse_quote!(#name);
                    }
                    let waits = self.method.is_some() && self.style == Style::Blocking;
                    if !waits {
                        add_send(&mut input.ty);
                    }
                }
            }
        }
        if let ReturnType::Type(_, output) = &mut signature.output
            && self.style == Style::Future
        {
            add_send(output);
            captures(output, parameter);
        }
        if self.is_awaited() {
            signature.asyncness = Some(parse_quote!(async));
            signature.output = match &self.output {
                Some(output) => parse_quote!(-> #output),
                None => ReturnType::Default,
            };
        }
        bounds_of_its_own(&mut signature);
        signature
    }

    /// The arguments as they are handed to the object.
    pub(super) fn converted(&self) -> Vec<TokenStream> {
        let forms = self.method.map(|method| &method.arguments);
        let names = self.names.iter().enumerate();
        let converted = names.map(|(index, name)| {
            match forms.and_then(|forms| forms.get(index)).map(|argument| &argument.form) {
                Some(Form::Into) => quote!(::core::convert::Into::into(#name)),
                Some(Form::AsRef(target)) => {
                    quote!(::core::convert::AsRef::<#target>::as_ref(&#name))
                }
                Some(Form::Items(_)) => {
                    quote!(::core::iter::Iterator::collect(::core::iter::IntoIterator::into_iter(#name)))
                }
                Some(Form::Stream(stream)) if !stream.boxed => quote!(::std::boxed::Box::pin(#name)),
                _ => quote!(#name),
            }
        });
        converted.collect()
    }

    /// The type parameters, to call the same function of another implementation with.
    pub(super) fn turbofish(&self) -> Option<TokenStream> {
        let parameters = self.signature.generics.params.iter();
        let names: Vec<_> = parameters
            .filter_map(|parameter| match parameter {
                GenericParam::Type(parameter) => Some(&parameter.ident),
                GenericParam::Const(parameter) => Some(&parameter.ident),
                GenericParam::Lifetime(_) => None,
            })
            .collect();
        (!names.is_empty()).then(|| quote!(::<#(#names),*>))
    }

    /// What a future borrows, if that is not everything.
    fn held(&self) -> Option<Lifetime> {
        if self.style != Style::Future {
            return None;
        }
        match &self.method?.hold {
            Hold::Everything => None,
            Hold::Nothing => Some(parse_quote!('static)),
            Hold::Lifetime(ident) => Some(Lifetime {
                apostrophe: ident.span(),
                ident: ident.clone(),
            }),
        }
    }

    /// What the object trait's method takes for an argument.
    fn taken(&self, rt: &TokenStream, index: usize, written: &Type) -> Type {
        let argument = self.method.and_then(|method| method.arguments.get(index));
        match argument.map(|argument| &argument.form) {
            Some(Form::Into) => argument.map_or_else(|| written.clone(), |a| a.owned.clone()),
            Some(Form::AsRef(target)) => parse_quote!(&#target),
            Some(Form::Items(_)) => match item(written) {
                Some(item) => parse_quote!(::std::vec::Vec<#item>),
                None => written.clone(),
            },
            Some(Form::Stream(stream)) if !stream.boxed => {
                let (item, lifetime) = (&stream.item, lifetime(stream.owned));
                parse_quote!(#rt::BoxStream<#lifetime, #item>)
            }
            _ => written.clone(),
        }
    }

    /// The stream that the method answers with and that is not boxed yet.
    pub(super) fn stream(&self) -> Option<&ReplyStream> {
        let stream = self.method?.reply.stream.as_ref();
        stream.filter(|stream| !stream.boxed)
    }

    /// What it gives, with a boxed stream in place of one that is not.
    fn given(&self, rt: &TokenStream, output: &Type) -> Type {
        let mut output = output.clone();
        if self.stream().is_some() {
            BoxStreams(rt).visit_type_mut(&mut output);
        }
        output
    }

    fn is_generic(&self) -> bool {
        let parameters = &self.signature.generics;
        parameters.type_params().next().is_some()
            || parameters.const_params().next().is_some()
            || self.is_impl(&self.signature.inputs)
    }

    fn is_impl(&self, tokens: &impl quote::ToTokens) -> bool {
        let text = canonical(tokens.to_token_stream());
        text.split_whitespace().any(|word| word == "impl") && !self.is_boxed_here()
            || self.method.is_none() && self.style == Style::Future
    }

    /// True if a value of `Self` is taken or returned.
    fn mentions_self(&self) -> bool {
        let mut signature = self.signature.clone();
        signature.generics.where_clause = None;
        let typed = signature
            .inputs
            .iter()
            .filter(|input| matches!(input, FnArg::Typed(_)));
        let mut tokens: TokenStream = typed.map(|input| quote!(#input)).collect();
        signature.output.to_tokens(&mut tokens);
        canonical(tokens)
            .split_whitespace()
            .any(|word| word == "Self")
    }
}

/// How the service is passed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    Ref,
    Mut,
    Arc,
}

impl Output<'_> {
    /// The method of the object trait: as written, but for a boxed future.
    pub(super) fn boxing(&self, function: &Function<'_>) -> TokenStream {
        let (rt, name) = (&self.rt, function.mangled());
        if !function.is_awaited() {
            let mut signature = function.implementing(None);
            if let ReturnType::Type(_, output) = &mut signature.output {
                **output = function.given(rt, output);
            }
            if let Some(held) = function.held() {
                let output = function.output.clone().unwrap_or_else(|| parse_quote!(()));
                signature.output = parse_quote!(-> #rt::BoxFuture<#held, #output>);
            }
            signature.ident = name;
            let names = function.names.iter();
            let inputs = signature.inputs.iter_mut().filter_map(|input| match input {
                FnArg::Typed(input) => Some(input),
                FnArg::Receiver(_) => None,
            });
            for (index, (input, _)) in inputs.zip(names).enumerate() {
                *input.ty = function.taken(rt, index, &input.ty);
            }
            return signature.to_token_stream();
        }
        let output = function.output.clone().unwrap_or_else(|| parse_quote!(()));
        let output = function.given(rt, &output);
        let lifetimes = Lifetimes::of(function, &output);
        let typed = function
            .signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Typed(typed) => Some(&*typed.ty),
                FnArg::Receiver(_) => None,
            });
        let arguments = typed
            .zip(&function.names)
            .enumerate()
            .map(|(index, (ty, name))| {
                let ty = lifetimes.argument(&function.taken(rt, index, ty));
                quote!(#name: #ty)
            });
        let own = &lifetimes.own;
        let receiver = match function.receiver() {
            Some(Passing::Arc) => quote!(self: ::std::sync::Arc<Self>),
            Some(Passing::Mut) => quote!(&#own mut self),
            _ => quote!(&#own self),
        };
        let clause = lifetimes.clause(function.receiver() == Some(Passing::Arc));
        let (parameters, output) = (&lifetimes.parameters, lifetimes.output(&output));
        quote! {
            fn #name<#(#parameters),*>(#receiver, #(#arguments),*) -> #rt::BoxFuture<'mesh, #output>
            #clause
        }
    }
}

/// `'static`, or the one that is not written.
fn lifetime(owned: bool) -> Lifetime {
    match owned {
        true => parse_quote!('static),
        false => parse_quote!('_),
    }
}

/// Boxes the streams in a type.
struct BoxStreams<'a>(&'a TokenStream);

impl VisitMut for BoxStreams<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match StreamType::of(ty) {
            Some(stream) if !stream.boxed => {
                let (rt, item, lifetime) = (self.0, &stream.item, lifetime(stream.owned));
                *ty = parse_quote!(#rt::BoxStream<#lifetime, #item>);
            }
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// The lifetimes of a boxing method: one for everything, unless what it gives borrows from some of
/// it; then those written, and one each for what is not.
struct Lifetimes {
    parameters: Vec<Lifetime>,
    own: Lifetime,
    /// Those that are written stay.
    kept: bool,
}

impl Lifetimes {
    fn of(function: &Function<'_>, output: &Type) -> Self {
        let mesh: Lifetime = parse_quote!('mesh);
        // Nothing is replaced where nothing borrows.
        if replaced(output, &mesh, false) == *output {
            return Self {
                parameters: vec![mesh.clone()],
                own: mesh,
                kept: false,
            };
        }
        let written = function.signature.generics.lifetimes();
        let mut parameters = vec![parse_quote!('own), parse_quote!('argument)];
        parameters.extend(written.map(|parameter| parameter.lifetime.clone()));
        parameters.push(mesh);
        // A receiver with a lifetime of its own keeps it.
        let own = match function.signature.receiver().map(|receiver| &receiver.kind) {
            Some(ReceiverKind::Reference(_, Some(lifetime), _)) if lifetime.ident != "_" => {
                lifetime.clone()
            }
            _ => parse_quote!('own),
        };
        Self {
            parameters,
            own,
            kept: true,
        }
    }

    fn argument(&self, ty: &Type) -> Type {
        match self.kept {
            true => replaced(ty, &parse_quote!('argument), true),
            false => replaced(ty, &parse_quote!('mesh), false),
        }
    }

    fn output(&self, ty: &Type) -> Type {
        replaced(ty, &self.own, self.kept)
    }

    fn clause(&self, counted: bool) -> Option<TokenStream> {
        let itself = counted.then(|| quote!(Self: 'mesh,));
        let others = self
            .parameters
            .iter()
            .filter(|lifetime| lifetime.ident != "mesh");
        let others: TokenStream = others.map(|lifetime| quote!(#lifetime: 'mesh,)).collect();
        (itself.is_some() || !others.is_empty()).then(|| quote!(where #itself #others))
    }
}

/// A type with `lifetime` for those that are not written, and unless they are `kept` for those that
/// are.
fn replaced(ty: &Type, lifetime: &Lifetime, kept: bool) -> Type {
    struct Replace<'a>(&'a Lifetime, bool);
    impl VisitMut for Replace<'_> {
        fn visit_lifetime_mut(&mut self, found: &mut Lifetime) {
            if found.ident == "_" || !self.1 && found.ident != "static" {
                *found = self.0.clone();
            }
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            reference.lifetime.get_or_insert_with(|| self.0.clone());
            visit_mut::visit_type_reference_mut(self, reference);
        }
    }
    let mut ty = ty.clone();
    Replace(lifetime, kept).visit_type_mut(&mut ty);
    ty
}

/// `T` of `impl IntoIterator<Item = T>`.
fn item(written: &Type) -> Option<Type> {
    let Type::ImplTrait(written) = types::unwrapped(written) else {
        return None;
    };
    written.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let syn::PathArguments::AngleBracketed(list) = &bound.path.segments.last()?.arguments
        else {
            return None;
        };
        list.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::AssocType(found) if found.ident == "Item" => {
                Some(found.ty.clone())
            }
            _ => None,
        })
    })
}
