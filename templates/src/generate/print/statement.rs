//! Blocks and their statements.

use syn::{Block, Expr, Local, Pat, Stmt, StmtMacro};

use super::{Shape, TAB, WIDTH, expr, flat, item};

/// A block whose closing brace is indented by `indent`.
pub(super) fn block(block: &Block, indent: usize) -> String {
    if block.stmts.is_empty() {
        return "{}".to_owned();
    }
    let inner = indent + TAB;
    let lines: String = block
        .stmts
        .iter()
        .map(|statement| {
            format!(
                "{}{}\n",
                " ".repeat(inner),
                self::statement(statement, inner)
            )
        })
        .collect();
    format!("{{\n{lines}{}}}", " ".repeat(indent))
}

fn statement(statement: &Stmt, indent: usize) -> String {
    let shape = Shape {
        indent,
        column: indent,
        tail: 0,
    };
    match statement {
        Stmt::Local(local) => self::local(local, shape),
        Stmt::Item(item) => item::item(item, indent),
        Stmt::Expr(written, None) => expr(written, shape),
        Stmt::Expr(written, Some(_)) => format!("{};", expr(written, shape.with_tail(1))),
        Stmt::Macro(StmtMacro {
            attrs,
            mac,
            semi_token,
        }) => {
            let end = semi_token.map_or("", |_| ";");
            let call = Expr::Macro(syn::ExprMacro {
                attrs: attrs.clone(),
                mac: mac.clone(),
            });
            format!("{}{end}", expr(&call, shape.with_tail(end.len())))
        }
    }
}

fn local(local: &Local, shape: Shape) -> String {
    let mut head = String::new();
    for attribute in &local.attrs {
        head.push_str(&format!(
            "{}\n{}",
            flat::tokens(attribute),
            " ".repeat(shape.indent)
        ));
    }
    head.push_str("let ");
    head.push_str(&match &local.pat {
        Pat::Type(typed) => format!("{}: {}", flat::tokens(&typed.pat), flat::tokens(&typed.ty)),
        pattern => flat::tokens(pattern),
    });
    match &local.init {
        Some(init) => {
            head.push_str(" =");
            let otherwise = init
                .diverge
                .as_ref()
                .map(|(_, otherwise)| format!(" else {}", expr(otherwise, shape)));
            let value = assigned(&head, &init.expr, shape);
            format!("{head}{value}{};", otherwise.unwrap_or_default())
        }
        None => format!("{head};"),
    }
}

/// A value behind `=`, and the space before it: on the same line, or on the next if that is better.
pub(super) fn assigned(head: &str, value: &Expr, shape: Shape) -> String {
    let same = expr(value, shape.after(head).after(" ").with_tail(1));
    if !same.contains('\n') && shape.after(head).with_tail(2).fits(&same) {
        return format!(" {same}");
    }
    let inside = shape.inside(1);
    let next = expr(value, inside);
    let fits = next.lines().enumerate().all(|(index, line)| {
        line.chars().count() + if index == 0 { inside.indent } else { 0 } < WIDTH
    });
    let first_ends = |text: &str, c: char| text.lines().next().is_some_and(|l| l.ends_with(c));
    let first = same.lines().next().unwrap_or_default();
    let better = !shape.after(head).with_tail(2).fits(first)
        || !next.contains('\n')
        || same.lines().count() > next.lines().count() + 1
        || ['(', '{', '[']
            .into_iter()
            .any(|c| first_ends(&same, c) && !first_ends(&next, c));
    match fits && better {
        true => format!("\n{}{next}", " ".repeat(inside.indent)),
        false => format!(" {same}"),
    }
}

/// Lines, all but the first moved in.
pub(super) fn indented(text: &str, indent: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(indent)))
}
