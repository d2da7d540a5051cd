//! What a trait says, once it is known to be one that can be served.

mod argument;
mod async_trait;
mod attribute;
mod bounds;
mod detach;
mod effects;
mod fingerprint;
mod hold;
mod instance;
mod local;
mod method;
mod on_failure;
mod options;
mod owned;
mod receiver;
mod reply;
mod stream;
pub(crate) mod style;

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use syn::{Ident, ItemTrait, TraitItem, Visibility, parse::Parser as _};

pub(crate) use argument::{Argument, Form, Passed, Raw};
pub(crate) use async_trait::AsyncTrait;
pub(crate) use attribute::is_mesh;
pub(crate) use bounds::{associated, bound, first_type, has_bound};
pub(crate) use detach::Detach;
pub(crate) use effects::{Deadline, Effects};
pub(crate) use fingerprint::{canonical, hex, short_hash};
pub(crate) use hold::Hold;
pub(crate) use instance::{Binding, Bound, Instance, declares, supertraits};
pub(crate) use local::{Local, LocalMethod};
pub(crate) use method::Method;
use method::Parsed;
pub(crate) use on_failure::{FailureAnswer, OnFailure};
pub use options::{Exposed, Options};
pub(crate) use owned::{Lend, Owned, without_lifetimes};
pub(crate) use receiver::Receiver;
pub(crate) use reply::Reply;
pub(crate) use stream::{ReplyStream, StreamType};
pub(crate) use style::Style;

use crate::check;

/// A trait that is served: what it says, and what is asked for.
#[derive(Clone, Debug)]
pub struct Service {
    /// What the attribute says.
    pub options: Options,
    /// `#[async_trait]` makes of its async methods what it makes of them.
    pub(crate) async_trait: AsyncTrait,
    /// The trait as written, without `#[mesh_service]` and `#[mesh]`.
    pub(crate) item: ItemTrait,
    /// What stands for what the trait leaves open.
    pub(crate) instance: Instance,
    /// The methods that another process answers, in the order of the trait.
    pub(crate) methods: Vec<Method>,
    /// The methods that the client answers itself, by more than their body.
    pub(crate) locals: Vec<LocalMethod>,
    /// Names that the trait's module has of its own, as far as they are known.
    pub(crate) beside: HashSet<String>,
    fingerprint: u64,
}

impl Service {
    /// The service of a trait under `#[mesh_service(options)]`. `item` may still carry the
    /// attribute itself.
    ///
    /// # Errors
    /// For each form that cannot be served, at its own token.
    pub fn parse(options: TokenStream, item: &ItemTrait) -> syn::Result<Self> {
        let mut errors = check::Errors::default();
        let Some(options) = errors.take(Options::parse.parse2(options)) else {
            return Err(errors.into_error());
        };
        check::item(item, &options, &mut errors);
        let mut open = check::Errors::default();
        let instance = Instance::of(item, &options, &mut open);
        if !open.is_empty() {
            // Of methods that use what is missing there is nothing more to say.
            errors.push(open.into_error());
            return Err(errors.into_error());
        }
        let async_trait = AsyncTrait::of(&item.attrs);
        errors.take(check::sends(&async_trait));
        let (mut methods, mut locals) = (Vec::new(), Vec::new());
        let on_failure = options.on_failure.as_ref();
        for each in &item.items {
            let TraitItem::Fn(function) = each else {
                continue;
            };
            let parsed = instance
                .apply(function)
                .and_then(|applied| Parsed::parse(&applied, &function.sig, on_failure));
            match errors.take(parsed) {
                Some(Parsed::Remote(method)) => methods.push(*method),
                Some(Parsed::Answered(method)) => locals.push(*method),
                Some(Parsed::Inherited) | None => {}
            }
        }
        let name = options.name_or(&item.ident);
        for method in &mut methods {
            method.key = short_hash(format!("{name}/{}", method.name).as_bytes());
        }
        if errors.is_empty() {
            check::contract(item, &methods, &mut errors);
            check::dynamic(item, &options, async_trait.present, &methods, &mut errors);
            if async_trait.present {
                check::stream::by_async_trait(&methods, &mut errors);
            }
        }
        errors.finish()?;
        Ok(Self {
            fingerprint: fingerprint::of_trait(item, &options, &async_trait),
            options,
            async_trait,
            instance,
            item: attribute::stripped(item),
            methods,
            locals,
            beside: HashSet::new(),
        })
    }

    /// The service of a trait in a source file, if it carries `#[mesh_service]`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn find(item: &ItemTrait) -> syn::Result<Option<Self>> {
        match attribute::service_options(&item.attrs) {
            Some(options) => Self::parse(options, item).map(Some),
            None => Ok(None),
        }
    }

    /// What the attribute of a trait in a source file says, if it carries `#[mesh_service]`.
    ///
    /// # Errors
    /// If the attribute cannot be read.
    pub fn find_options(item: &ItemTrait) -> syn::Result<Option<Options>> {
        attribute::service_options(&item.attrs)
            .map(|options| Options::parse.parse2(options))
            .transpose()
    }

    /// A trait that was refused, of which no method is served.
    pub(crate) fn stub(options: TokenStream, item: &ItemTrait) -> Self {
        let options = Options::parse.parse2(options).unwrap_or_default();
        Self {
            instance: Instance::of(item, &options, &mut check::Errors::default()),
            options,
            async_trait: AsyncTrait::of(&item.attrs),
            item: attribute::stripped(item),
            methods: Vec::new(),
            locals: Vec::new(),
            beside: HashSet::new(),
            fingerprint: 0,
        }
    }

    /// The style of a method that another process answers.
    pub(crate) fn style(&self, signature: &syn::Signature) -> Option<Style> {
        let remote = self
            .methods
            .iter()
            .find(|method| method.signature.ident == signature.ident);
        remote.map(|method| method.style)
    }

    /// Name of the trait.
    pub fn ident(&self) -> &Ident {
        &self.item.ident
    }

    /// Wire name of the contract.
    pub fn name(&self) -> String {
        self.options.name_or(&self.item.ident)
    }

    /// Changes with whatever generated files depend on; the same inside rustc and outside, and
    /// indifferent to formatting, comments and docs.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// True if calls may change the service, which is then kept behind a lock.
    pub(crate) fn is_locked(&self) -> bool {
        self.methods
            .iter()
            .any(|method| method.receiver == Receiver::Mut)
    }

    pub(crate) fn visibility(&self) -> &Visibility {
        &self.item.vis
    }

    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.item
            .items
            .iter()
            .any(|item| matches!(item, TraitItem::Fn(function) if function.sig.ident == name))
    }

    /// The identifier `prefix` + trait + `suffix`, spanned as the trait's name.
    pub(crate) fn derived(&self, suffix: &str) -> Ident {
        Ident::new(&format!("{}{suffix}", plain(&self.item.ident)), self.span())
    }

    pub(crate) fn span(&self) -> Span {
        self.item.ident.span()
    }
}

/// An identifier without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    match text.strip_prefix("r#") {
        Some(name) => name.to_owned(),
        None => text,
    }
}

pub(crate) fn last_is(path: &syn::Path, name: &str) -> bool {
    path.segments
        .last()
        .is_some_and(|segment| segment.ident == name)
}
