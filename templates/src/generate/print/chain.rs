//! Chains: fields, method calls, `.await` and `?` behind a parent.

use syn::Expr;

use super::{CHAIN_WIDTH, Shape, TAB, delimited, expr, flat};

/// A parent and its links, with the `?` of each.
pub(super) struct Chain<'a> {
    parent: &'a Expr,
    links: Vec<Link<'a>>,
    /// `?` behind the parent.
    tries: usize,
}

struct Link<'a> {
    kind: Kind<'a>,
    tries: usize,
}

enum Kind<'a> {
    Field(String),
    Await,
    Call(String, Vec<&'a Expr>),
}

impl<'a> Chain<'a> {
    pub(super) fn of(expr: &'a Expr) -> Self {
        let (mut parent, mut links, mut tries) = (expr, Vec::new(), 0);
        loop {
            let kind;
            (kind, parent) = match parent {
                Expr::Try(inner) => {
                    tries += 1;
                    parent = &inner.expr;
                    continue;
                }
                Expr::Await(inner) => (Kind::Await, &*inner.base),
                Expr::Field(field) => (Kind::Field(flat::member(&field.member)), &*field.base),
                Expr::MethodCall(call) => {
                    let turbofish = call.turbofish.as_ref().map(flat::tokens);
                    let name = format!("{}{}", call.method, turbofish.unwrap_or_default());
                    (
                        Kind::Call(name, call.args.iter().collect()),
                        &*call.receiver,
                    )
                }
                _ => break,
            };
            links.push(Link { kind, tries });
            tries = 0;
        }
        links.reverse();
        Self {
            parent,
            links,
            tries,
        }
    }

    /// The chain on one line, if it is short enough for that at any width.
    pub(super) fn flat(&self) -> Option<String> {
        let mut text = flat::expr(self.parent)?;
        text.push_str(&"?".repeat(self.tries));
        for link in &self.links {
            text.push_str(&link.flat()?);
        }
        (self.links.len() <= 1 || text.chars().count() <= CHAIN_WIDTH).then_some(text)
    }

    /// The chain over several lines.
    pub(super) fn lay(&self, shape: Shape) -> String {
        let mut root = expr(self.parent, shape.without_tail());
        root.push_str(&"?".repeat(self.tries));
        let mut links = self.links.as_slice();
        while root.len() <= TAB.saturating_sub(shape.column - shape.indent)
            && !root.contains('\n')
            && let Some((first, rest)) = links.split_first()
        {
            root.push_str(&first.lay(shape.after(&root).without_tail()));
            links = rest;
        }
        let Some((last, middle)) = links.split_last() else {
            return root;
        };
        let indent = match root.contains('\n') {
            true => shape.indent,
            false => shape.indent + TAB,
        };
        let child = Shape {
            indent,
            column: indent,
            tail: 0,
        };
        let middle: Vec<String> = middle.iter().map(|link| link.lay(child)).collect();
        let vertical = last.lay(Shape {
            tail: shape.tail,
            ..child
        });
        let before = format!("{root}{}", middle.concat());
        if !before.contains('\n') {
            let budget = match self.links.len() {
                1 => super::WIDTH.saturating_sub(shape.column),
                _ => CHAIN_WIDTH,
            };
            let over = last.lay(shape.after(&before));
            let fits = before.chars().count() + over.lines().next().unwrap_or_default().len();
            let lines = over.lines().count();
            if fits <= budget && lines > 1 && (lines >= 5 || vertical.lines().count() >= lines) {
                return format!("{before}{over}");
            }
        }
        let separator = format!("\n{}", " ".repeat(indent));
        let mut parts = vec![root];
        parts.extend(middle);
        parts.push(vertical);
        parts.join(&separator)
    }
}

impl Link<'_> {
    fn flat(&self) -> Option<String> {
        let text = match &self.kind {
            Kind::Field(name) => format!(".{name}"),
            Kind::Await => ".await".to_owned(),
            Kind::Call(name, arguments) => {
                let arguments = flat::list(arguments.iter().copied(), super::CALL_WIDTH)?;
                format!(".{name}({arguments})")
            }
        };
        Some(format!("{text}{}", "?".repeat(self.tries)))
    }

    fn lay(&self, shape: Shape) -> String {
        if let Some(text) = self.flat()
            && shape.fits(&text)
        {
            return text;
        }
        match &self.kind {
            Kind::Call(name, list) => {
                let tries = "?".repeat(self.tries);
                let head = format!(".{name}");
                let shape = shape.with_tail(self.tries);
                format!(
                    "{head}{}{tries}",
                    delimited(list, "(", ")", shape.after(&head))
                )
            }
            _ => self.flat().unwrap_or_default(),
        }
    }
}
