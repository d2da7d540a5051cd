//! Items, and what they are made of.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    Arm, Attribute, Block, Expr, Fields, Generics, ImplItem, Item, ItemImpl, ItemStruct, ItemTrait,
    Lit, Meta, ReturnType, Signature, TraitItem, Type, Visibility, WhereClause,
};

use super::{
    super::file::normal,
    Shape, TAB, WIDTH, braced, expr, flat,
    statement::{assigned, block, indented},
    ty::ty,
};

/// Items, with a blank line between them unless both are imports.
pub(in super::super) fn items(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        text.push('\n');
        text.push_str(&checked(item));
        text.push('\n');
    }
    text
}

/// An item; as prettyplease prints it, if what is laid out here is not the same code.
fn checked(item: &Item) -> String {
    let text = self::item(item, 0);
    match text.parse::<TokenStream>().map(normal) {
        Ok(same) if same == normal(item.to_token_stream()) => text,
        _ => printed(item),
    }
}

fn printed(item: &Item) -> String {
    let file = syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item.clone()],
    };
    prettyplease::unparse(&file).trim_end().to_owned()
}

pub(super) fn item(item: &Item, indent: usize) -> String {
    let shape = Shape {
        indent,
        column: indent,
        tail: 0,
    };
    match item {
        Item::Const(item) => {
            let name = format!("const {}", item.ident);
            constant((&item.attrs, &item.vis), &name, &item.ty, &item.expr, shape)
        }
        Item::Static(item) => {
            let name = format!("static {}", item.ident);
            constant((&item.attrs, &item.vis), &name, &item.ty, &item.expr, shape)
        }
        Item::Struct(item) => structure(item, indent),
        Item::Impl(item) => implementation(item, indent),
        Item::Trait(item) => interface(item, indent),
        Item::Fn(item) => function(&item.attrs, &item.vis, &item.sig, Some(&item.block), indent),
        Item::Use(item) => format!("{};", flat::tokens(item).trim_end_matches(';')),
        Item::Type(item) => format!(
            "{}{}",
            attributes(&item.attrs, indent),
            flat::tokens(&without_attributes(item))
        ),
        other => indented(&printed(other), indent),
    }
}

fn without_attributes(item: &syn::ItemType) -> syn::ItemType {
    syn::ItemType {
        attrs: Vec::new(),
        ..item.clone()
    }
}

/// Attributes, each with its line's end and the next line's indentation.
pub(super) fn attributes(attributes: &[Attribute], indent: usize) -> String {
    let end = format!("\n{}", " ".repeat(indent));
    let mut text = String::new();
    for attribute in attributes {
        match doc(attribute) {
            Some(doc) => {
                for line in doc.split('\n') {
                    text.push_str(&format!("///{}{end}", line.trim_end()));
                }
            }
            None => text.push_str(&format!("{}{end}", flat::tokens(attribute))),
        }
    }
    text
}

fn doc(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn visibility(visibility: &Visibility) -> String {
    match visibility {
        Visibility::Inherited => String::new(),
        written => format!("{} ", flat::tokens(written)),
    }
}

/// `<…>` of a declaration.
fn generics(generics: &Generics) -> String {
    flat::tokens(generics)
}

fn clause(clause: Option<&WhereClause>, indent: usize) -> Option<String> {
    let clause = clause.filter(|clause| !clause.predicates.is_empty())?;
    let outer = " ".repeat(indent);
    let inner = " ".repeat(indent + TAB);
    let lines: String = clause
        .predicates
        .iter()
        .map(|predicate| format!("{inner}{},\n", flat::tokens(predicate)))
        .collect();
    Some(format!("\n{outer}where\n{lines}{outer}"))
}

/// `const name: T = value;`, or a static.
fn constant(
    (attrs, vis): (&[Attribute], &Visibility),
    name: &str,
    ty: &Type,
    value: &Expr,
    shape: Shape,
) -> String {
    let head = format!(
        "{}{}{name}: {} =",
        attributes(attrs, shape.indent),
        visibility(vis),
        flat::tokens(ty)
    );
    let value = assigned(&head, value, shape);
    format!("{head}{value};")
}

fn structure(item: &ItemStruct, indent: usize) -> String {
    let head = format!(
        "{}{}struct {}{}",
        attributes(&item.attrs, indent),
        visibility(&item.vis),
        item.ident,
        generics(&item.generics)
    );
    let inner = indent + TAB;
    let clause = clause(item.generics.where_clause.as_ref(), indent);
    match &item.fields {
        Fields::Named(fields) => {
            let lines = fields.named.iter().map(|field| {
                format!(
                    "{}{}{}: {},",
                    attributes(&field.attrs, inner),
                    visibility(&field.vis),
                    field.ident.to_token_stream(),
                    flat::tokens(&field.ty)
                )
            });
            let body = braced(lines.collect(), indent);
            format!("{head}{}{body}", clause.unwrap_or_else(|| " ".to_owned()))
        }
        Fields::Unnamed(fields) => format!("{head}{};", flat::tokens(fields)),
        Fields::Unit => format!("{head};"),
    }
}

fn implementation(item: &ItemImpl, indent: usize) -> String {
    let before = attributes(&item.attrs, indent);
    let mut head = format!("impl{}", generics(&item.generics));
    let ty = flat::tokens(&item.self_ty);
    let clause = clause(item.generics.where_clause.as_ref(), indent);
    let mut brace = clause.clone().unwrap_or_else(|| " ".to_owned());
    match &item.trait_ {
        Some((path, _)) => {
            let line = format!("{head} {} for {ty}", flat::tokens(path));
            head = if indent + line.len() + 2 <= WIDTH {
                line
            } else {
                let inner = " ".repeat(indent + TAB);
                brace = clause.unwrap_or_else(|| format!("\n{}", " ".repeat(indent)));
                format!("{head} {}\n{inner}for {ty}", flat::tokens(path))
            };
        }
        None => head = format!("{head} {ty}"),
    }
    let inner = indent + TAB;
    let items = item.items.iter().map(|item| match item {
        ImplItem::Fn(item) => function(&item.attrs, &item.vis, &item.sig, Some(&item.block), inner),
        ImplItem::Type(item) => {
            let mut bare = item.clone();
            bare.attrs.clear();
            format!("{}{}", attributes(&item.attrs, inner), flat::tokens(&bare))
        }
        other => flat::tokens(other),
    });
    format!("{before}{head}{brace}{}", body(items.collect(), indent))
}

fn interface(item: &ItemTrait, indent: usize) -> String {
    let before = attributes(&item.attrs, indent);
    let bounds = match item.supertraits.is_empty() {
        true => String::new(),
        false => format!(": {}", flat::tokens(&item.supertraits)),
    };
    let head = format!(
        "{}trait {}{}{bounds}",
        visibility(&item.vis),
        item.ident,
        generics(&item.generics)
    );
    let clause = clause(item.generics.where_clause.as_ref(), indent);
    let inner = indent + TAB;
    let items = item.items.iter().map(|item| match item {
        TraitItem::Fn(item) => function(
            &item.attrs,
            &Visibility::Inherited,
            &item.sig,
            item.default.as_ref(),
            inner,
        ),
        other => flat::tokens(other),
    });
    let body = body(items.collect(), indent);
    format!(
        "{before}{head}{}{body}",
        clause.unwrap_or_else(|| " ".to_owned())
    )
}

/// The items of an `impl` or a trait, with blank lines between.
fn body(items: Vec<String>, indent: usize) -> String {
    if items.is_empty() {
        return "{}".to_owned();
    }
    let inner = " ".repeat(indent + TAB);
    let items: Vec<String> = items
        .into_iter()
        .map(|item| format!("{inner}{item}\n"))
        .collect();
    format!("{{\n{}{}}}", items.join("\n"), " ".repeat(indent))
}

fn function(
    attrs: &[Attribute],
    vis: &Visibility,
    signature: &Signature,
    body: Option<&Block>,
    indent: usize,
) -> String {
    let before = attributes(attrs, indent);
    let asyncness = signature.asyncness.map_or("", |_| "async ");
    let constness = signature.constness.map_or("", |_| "const ");
    let head = format!(
        "{}{constness}{asyncness}fn {}{}",
        visibility(vis),
        signature.ident,
        generics(&signature.generics)
    );
    let inputs: Vec<String> = signature.inputs.iter().map(flat::tokens).collect();
    let output = match &signature.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, ty) => format!(" -> {}", flat::tokens(ty)),
    };
    let clause = clause(signature.generics.where_clause.as_ref(), indent);
    let end = match body {
        Some(_) if clause.is_none() => 2,
        Some(_) => 0,
        None => 1,
    };
    let line = format!("{head}({}){output}", inputs.join(", "));
    let line = if indent + line.chars().count() + end <= WIDTH {
        line
    } else {
        let inner = " ".repeat(indent + TAB);
        let inputs: String = inputs
            .into_iter()
            .map(|input| format!("{inner}{input},\n"))
            .collect();
        let close = format!("{}) -> ", " ".repeat(indent));
        let output = match &signature.output {
            ReturnType::Default => String::new(),
            ReturnType::Type(_, written) => {
                let shape = Shape {
                    indent,
                    column: close.len(),
                    tail: end,
                };
                format!(" -> {}", ty(written, shape))
            }
        };
        format!("{head}(\n{inputs}{}){output}", " ".repeat(indent))
    };
    match body {
        Some(body) => {
            // rustfmt counts the indentation twice.
            let last = line.rsplit_once('\n').map_or("", |(_, last)| last);
            let brace = match last.chars().count() + indent + 2 {
                ..=WIDTH => " ".to_owned(),
                _ => format!("\n{}", " ".repeat(indent)),
            };
            let brace = clause.unwrap_or(brace);
            format!("{before}{line}{brace}{}", block(body, indent))
        }
        None => {
            let clause = clause.unwrap_or_default();
            format!("{before}{line}{};", clause.trim_end().trim_end_matches(','))
        }
    }
}

/// An arm of a `match` that stands in `shape`.
pub(super) fn arm(arm: &Arm, shape: Shape) -> String {
    let inside = shape.inside(1);
    let before = attributes(&arm.attrs, inside.indent);
    let head = format!("{} =>", flat::tokens(&arm.pat));
    if let Expr::Block(body) = &*arm.body
        && flat::one_expression(&body.block).is_none()
    {
        return format!("{before}{head} {}", block(&body.block, inside.indent));
    }
    let body = match &*arm.body {
        Expr::Block(body) => flat::one_expression(&body.block).unwrap_or(&arm.body),
        other => other,
    };
    let value = expr(body, inside.after(&head).after(" "));
    format!("{before}{head} {value},")
}
