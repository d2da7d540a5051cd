//! The traits of this folder as their source has them, and their forms.

use std::{collections::BTreeMap, fs, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, GenericParam, ItemTrait, Meta, ReturnType, TraitItem, TraitItemFn, Type,
    visit::{self, Visit},
};

/// All traits of this folder, and what surrounds them.
pub struct Corpus {
    pub traits: Vec<Found>,
    /// All tokens of each file.
    text: String,
    /// How each error type of the folder crosses.
    errors: BTreeMap<String, &'static str>,
    /// The error of each alias of `Result`, and what other aliases stand for.
    aliases: BTreeMap<String, Type>,
}

/// A trait with our attribute.
pub struct Found {
    item: ItemTrait,
    options: TokenStream,
}

impl Found {
    pub fn methods(&self) -> impl Iterator<Item = &TraitItemFn> {
        self.item.items.iter().filter_map(|item| match item {
            TraitItem::Fn(function) => Some(function),
            _ => None,
        })
    }

    fn remote(&self) -> impl Iterator<Item = &TraitItemFn> {
        self.methods().filter(|method| !is_local(method))
    }
}

impl Corpus {
    /// Reads the files.
    pub fn read() -> Self {
        let mut corpus = Self {
            traits: Vec::new(),
            text: String::new(),
            errors: BTreeMap::new(),
            aliases: BTreeMap::new(),
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traits");
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(path).expect("a source file");
            let file = syn::parse_file(&text).expect("it compiles");
            corpus.text.push_str(&file.to_token_stream().to_string());
            corpus.visit_file(&file);
        }
        corpus
    }

    /// The forms that a trait has.
    pub fn forms(&self, found: &Found) -> Vec<&'static str> {
        let item = &found.item;
        let style = self.style(found);
        let mut forms = vec![style, self.error(found)];
        let mut has = |form: &'static str, it: bool| {
            if it {
                forms.push(form);
            }
        };
        let is_waiting = |method: &TraitItemFn| {
            let returned = method.sig.output.to_token_stream().to_string();
            method.sig.asyncness.is_none() && !returned.contains("Future") && !is_stream(method)
        };
        let sync = found.methods().any(is_waiting);
        has("async with sync methods", sync && style != "style: sync");
        let name = &item.ident;
        let object = [format!("dyn {name} "), format!("dyn Dyn{name} ")]
            .iter()
            .any(|object| self.text.contains(object.as_str()))
            || self.text.contains(&format!("dyn {name} >"));
        has("used as dyn", object);
        has("borrowed arguments", found.remote().any(borrows));
        let plain = |method: &TraitItemFn| {
            !is_stream(method) && self.failure(method).is_none() && !says(method, "oneway")
        };
        has("plain returns", found.remote().any(plain));
        let body = |method: &TraitItemFn| method.default.is_some() && !is_generic(method);
        has("default bodies", found.remote().any(body));
        let types = item
            .items
            .iter()
            .any(|item| matches!(item, TraitItem::Type(_)));
        has("associated types", types);
        has("streams", found.methods().any(is_stream));
        let receiver = |text: &str| found.methods().any(|method| receives(method) == text);
        has("&mut self", receiver("& mut self"));
        has("self: Arc<Self>", receiver("self : Arc < Self >"));
        has(
            "foreign supertraits",
            found.options.to_string().contains("supertraits"),
        );
        has("generic methods", found.methods().any(is_generic));
        let generics = item.generics.params.iter();
        has(
            "trait generics",
            generics
                .clone()
                .any(|parameter| matches!(parameter, GenericParam::Type(_))),
        );
        let ours = ["mesh_service", "async_trait", "doc", "cfg_attr", "cfg"];
        let other = |attribute: &Attribute| !ours.contains(&last(attribute).as_str());
        has("other attribute macros", item.attrs.iter().any(other));
        let cfg = |method: &TraitItemFn| method.attrs.iter().any(|a| a.path().is_ident("cfg"));
        has("#[cfg] on methods", found.methods().any(cfg));
        let spelt = item.attrs.iter().any(|attribute| {
            let text = attribute.meta.to_token_stream().to_string();
            text.contains("async_trait") && text != "async_trait"
        });
        has("async_trait by cfg_attr or path", spelt);
        has("private", matches!(item.vis, syn::Visibility::Inherited));
        has(
            "raw identifiers",
            item.to_token_stream().to_string().contains("r#"),
        );
        has("local", found.methods().any(is_local));
        has(
            "oneway",
            found.methods().any(|method| says(method, "oneway")),
        );
        let tokens = item.to_token_stream().to_string();
        has("skip", tokens.contains("mesh (skip"));
        has("with", tokens.contains("mesh (with"));
        forms
    }

    fn style(&self, found: &Found) -> &'static str {
        let of = |text: &str| {
            let mut methods = found.methods();
            methods.any(|method| {
                method
                    .sig
                    .output
                    .to_token_stream()
                    .to_string()
                    .contains(text)
            })
        };
        let spelt = found.item.attrs.iter().any(|attribute| {
            attribute
                .meta
                .to_token_stream()
                .to_string()
                .contains("async_trait")
        });
        if spelt {
            "style: async_trait"
        } else if found.methods().any(|method| method.sig.asyncness.is_some()) {
            "style: native async"
        } else if of("impl Future") {
            "style: impl Future"
        } else if of("dyn Future") {
            "style: boxed"
        } else {
            "style: sync"
        }
    }

    /// The error that most methods have.
    fn error(&self, found: &Found) -> &'static str {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for method in found.remote() {
            if let Some(error) = self.failure(method) {
                *kinds.entry(self.kind(&error)).or_default() += 1;
            }
        }
        let most = kinds.into_iter().max_by_key(|(_, count)| *count);
        most.map_or("errors: none", |(kind, _)| kind)
    }

    /// The type of the error of a method, if it has one.
    fn failure(&self, method: &TraitItemFn) -> Option<Type> {
        let ReturnType::Type(_, ty) = &method.sig.output else {
            return None;
        };
        let mut results = Results(Vec::new());
        results.visit_type(ty);
        let (name, error) = results.0.into_iter().next()?;
        match error {
            Some(error) => Some(error),
            None => self.aliases.get(&name).cloned(),
        }
    }

    fn kind(&self, error: &Type) -> &'static str {
        let text = error.to_token_stream().to_string();
        if let Some(alias) = self.aliases.get(&text) {
            return self.kind(alias);
        }
        if let Some(kind) = self.errors.get(&text) {
            return kind;
        }
        match text.as_str() {
            "anyhow" => "errors: anyhow",
            "io" | "io :: Error" => "errors: foreign",
            text if text.starts_with("Box < dyn") => "errors: Box<dyn Error>",
            text if text.starts_with("Self ::") => "errors: associated or generic",
            _ => "errors: other",
        }
    }
}

impl<'ast> Visit<'ast> for Corpus {
    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let ours = item
            .attrs
            .iter()
            .find(|attribute| last(attribute) == "mesh_service");
        if let Some(attribute) = ours {
            let options = match &attribute.meta {
                Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            let item = item.clone();
            self.traits.push(Found { item, options });
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let fields = item.variants.iter().flat_map(|variant| &variant.fields);
        let kind = kind_of(&item.attrs, fields);
        self.errors.insert(item.ident.to_string(), kind);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let kind = kind_of(&item.attrs, item.fields.iter());
        self.errors.insert(item.ident.to_string(), kind);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        let mut results = Results(Vec::new());
        results.visit_type(&item.ty);
        let ty = match results.0.into_iter().next() {
            Some((_, Some(error))) => error,
            _ => (*item.ty).clone(),
        };
        // `Result<T, E>` where `E` has a default.
        let default = item
            .generics
            .params
            .iter()
            .find_map(|parameter| match parameter {
                GenericParam::Type(parameter) if ty == syn::parse_quote!(E) => {
                    parameter.default.clone()
                }
                _ => None,
            });
        self.aliases.insert(
            item.ident.to_string(),
            default.map_or(ty, |(_, default)| default),
        );
    }
}

/// How an error type crosses, by its derives and by what it holds.
fn kind_of<'a>(
    attributes: &[Attribute],
    fields: impl Iterator<Item = &'a syn::Field>,
) -> &'static str {
    let derives = attributes.iter().any(|attribute| {
        attribute.path().is_ident("derive")
            && attribute
                .meta
                .to_token_stream()
                .to_string()
                .contains("Serialize")
    });
    let is_source = |field: &syn::Field| {
        let named = field.ident.as_ref().is_some_and(|ident| ident == "source");
        let marked = field.attrs.iter().any(|attribute| {
            attribute.path().is_ident("from") || attribute.path().is_ident("source")
        });
        (named || marked)
            && !field
                .ty
                .to_token_stream()
                .to_string()
                .starts_with("meshrpc")
    };
    if derives {
        "errors: own, serde"
    } else if fields.into_iter().any(is_source) {
        "errors: own, with sources"
    } else {
        "errors: own, plain data"
    }
}

/// The results in a type: what each is called, and its error.
struct Results(Vec<(String, Option<Type>)>);

impl<'ast> Visit<'ast> for Results {
    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        if let Some(last) = path.path.segments.last()
            && last.ident.to_string().ends_with("Result")
        {
            let mut types = Vec::new();
            if let syn::PathArguments::AngleBracketed(arguments) = &last.arguments {
                types.extend(arguments.args.iter().filter_map(|argument| match argument {
                    syn::GenericArgument::Type(ty) => Some(ty.clone()),
                    _ => None,
                }));
            }
            let first = path.path.segments.first().map(|first| first.ident.clone());
            let error = match types.len() {
                2 => types.pop(),
                _ if path.path.segments.len() > 1 => Some(syn::parse_quote!(#first)),
                _ => None,
            };
            let error = error.filter(|_| last.ident == "Result");
            self.0.push((last.ident.to_string(), error));
        }
        visit::visit_type_path(self, path);
    }
}

fn last(attribute: &Attribute) -> String {
    let segment = attribute.path().segments.last();
    segment.map_or_else(String::new, |segment| segment.ident.to_string())
}

/// Whether `#[mesh(…)]` on the method has this word.
fn says(method: &TraitItemFn, word: &str) -> bool {
    let mut ours = method
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("mesh"));
    ours.any(|attribute| match &attribute.meta {
        Meta::List(list) => list
            .tokens
            .clone()
            .into_iter()
            .any(|token| matches!(token, TokenTree::Ident(ident) if ident == word)),
        _ => false,
    })
}

fn is_local(method: &TraitItemFn) -> bool {
    says(method, "local")
}

fn is_generic(method: &TraitItemFn) -> bool {
    let mut parameters = method.sig.generics.params.iter();
    parameters.any(|parameter| matches!(parameter, GenericParam::Type(_)))
}

fn is_stream(method: &TraitItemFn) -> bool {
    method.sig.to_token_stream().to_string().contains("Stream")
}

fn borrows(method: &TraitItemFn) -> bool {
    method.sig.inputs.iter().any(|input| match input {
        FnArg::Typed(input) => {
            let text = input.ty.to_token_stream().to_string();
            text.contains('&') || text.contains("Cow")
        }
        FnArg::Receiver(_) => false,
    })
}

fn receives(method: &TraitItemFn) -> String {
    match method.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            let receiver = quote!(#receiver);
            receiver.to_string()
        }
        _ => String::new(),
    }
}
