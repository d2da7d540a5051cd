//! A method.

use syn::{Attribute, FnArg, Result, Signature, TraitItemFn};

use super::{
    Argument, Effects, Form, Hold, LocalMethod, OnFailure, Receiver, Reply, StreamType, Style,
    attribute::strip, plain, style,
};
use crate::check;

/// A method that another process answers.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// As written, without our attributes on arguments.
    pub(crate) signature: Signature,
    /// Wire name.
    pub(crate) name: String,
    /// What a duplicate is reported at.
    pub(crate) name_span: proc_macro2::Span,
    /// First eight bytes of the hash of `contract/method`.
    pub(crate) key: u64,
    /// `#[cfg]`, for every item generated from the method.
    pub(crate) cfg: Vec<Attribute>,
    /// Its documentation.
    pub(crate) docs: Vec<Attribute>,
    /// Calling it warns.
    pub(crate) deprecated: bool,
    /// How it takes the service.
    pub(crate) receiver: Receiver,
    /// How it comes to its reply.
    pub(crate) style: Style,
    /// What its future may borrow.
    pub(crate) hold: Hold,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) reply: Reply,
    /// What `#[mesh(…)]` says.
    pub(crate) effects: Effects,
}

/// What a function of a trait is.
pub(super) enum Parsed {
    /// Another process answers it.
    Remote(Box<Method>),
    /// The client answers it.
    Answered(Box<LocalMethod>),
    /// The client has its body.
    Inherited,
}

impl Parsed {
    /// `function` has the concrete types where `written` has the trait's; `on_failure` is the
    /// trait's.
    pub(super) fn parse(
        function: &TraitItemFn,
        written: &Signature,
        on_failure: Option<&OnFailure>,
    ) -> Result<Self> {
        let mut errors = check::Errors::default();
        let effects = errors.take(Effects::parse(function)).unwrap_or_default();
        if let Some(local) = &effects.local {
            if let Some(key) = &effects.remote {
                errors.push(syn::Error::new(
                    key.span(),
                    format!(
                        "`{key}` means nothing for a method that is `local`: remove one of them"
                    ),
                ));
            }
            check::local(function, local, &mut errors);
            errors.finish()?;
            return Ok(match &local.answer {
                Some(answer) => Parsed::Answered(Box::new(LocalMethod {
                    signature: without_attributes(&function.sig),
                    cfg: attributes(function, "cfg"),
                    docs: attributes(function, "doc"),
                    answer: answer.clone(),
                })),
                None => Parsed::Inherited,
            });
        }
        if check::stays_local(function) {
            return errors.finish().map(|()| Parsed::Inherited);
        }

        let signature = &function.sig;
        let (style, output) = style::of(signature);
        let hold = match style {
            Style::Async | Style::Blocking | Style::Stream => Hold::Everything,
            Style::Future | Style::Boxed => Hold::of(signature),
        };
        let receiver = errors.take(Receiver::parse(signature));
        check::method(function, &mut errors);
        let mut arguments = Vec::new();
        let typed = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (index, input) in typed.enumerate() {
            if let Some(argument) = errors.take(Argument::parse(index, input, &hold)) {
                arguments.push(argument);
            }
        }
        if errors.is_empty() {
            check::sticky(&effects, &arguments, &mut errors);
        }
        // A form that was refused as a whole needs no second word on what it returns.
        let reply = if effects.oneway.is_some() && check::is_nothing(output.as_ref()) {
            Some(Reply::nothing())
        } else if errors.is_empty() {
            let streams = arguments
                .iter()
                .any(|argument| matches!(argument.form, Form::Stream(_)));
            let (_, written) = style::of(written);
            let at = written
                .as_ref()
                .map_or_else(|| signature.ident.span(), check::types::span);
            errors.take(Reply::parse(
                output.as_ref(),
                at,
                style,
                &effects,
                on_failure.filter(|_| !streams),
            ))
        } else {
            None
        };
        if let Some(reply) = &reply {
            check::stream::method(style, &arguments, reply, &effects, &mut errors);
            check::effects(&arguments, reply, &effects, &mut errors);
        }
        errors.finish()?;
        let (Some(receiver), Some(reply)) = (receiver, reply) else {
            return Ok(Parsed::Inherited);
        };

        let (name, name_span) = effects
            .name
            .clone()
            .unwrap_or_else(|| (plain(&signature.ident), signature.ident.span()));
        let mut stripped = signature.clone();
        strip(&mut stripped);
        Ok(Parsed::Remote(Box::new(Method {
            signature: stripped,
            name,
            name_span,
            key: 0,
            cfg: attributes(function, "cfg"),
            docs: attributes(function, "doc"),
            deprecated: !attributes(function, "deprecated").is_empty(),
            receiver,
            style,
            hold,
            arguments,
            reply,
            effects,
        })))
    }
}

impl Method {
    /// The arguments that are sent before the method starts, with their places.
    pub(crate) fn plain_arguments(&self) -> impl Iterator<Item = (usize, &Argument)> {
        let arguments = self.arguments.iter().enumerate();
        arguments.filter(|(_, argument)| !matches!(argument.form, Form::Stream(_) | Form::Skip(_)))
    }

    /// The argument that is a stream, with its place.
    pub(crate) fn taken(&self) -> Option<(usize, &Argument, &StreamType)> {
        let mut arguments = self.arguments.iter().enumerate();
        arguments.find_map(|(index, argument)| match &argument.form {
            Form::Stream(stream) => Some((index, argument, &**stream)),
            _ => None,
        })
    }

    /// A direction of its calls is a stream.
    pub(crate) fn streams(&self) -> bool {
        self.reply.stream.is_some() || self.taken().is_some()
    }

    /// Index of the argument whose value calls stick to an instance by.
    pub(crate) fn sticky(&self) -> Option<usize> {
        let name = plain(self.effects.sticky.as_ref()?);
        self.arguments
            .iter()
            .position(|argument| argument.name == name)
    }
}

fn attributes(function: &TraitItemFn, name: &str) -> Vec<Attribute> {
    let attributes = function.attrs.iter().filter(|a| a.path().is_ident(name));
    attributes.cloned().collect()
}

fn without_attributes(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        if let FnArg::Typed(input) = input {
            input.attrs.clear();
        }
    }
    signature
}
