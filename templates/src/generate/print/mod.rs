//! Generated items as text, laid out as rustfmt would by default.
//!
//! Only for what is generated: an expression of another kind is printed by prettyplease, which is
//! right but not always what rustfmt does.

mod chain;
mod flat;
mod item;
mod statement;
mod ty;

use proc_macro2::TokenStream;
use syn::{Expr, ExprClosure, parse_quote};

use chain::Chain;
pub(super) use flat::{Argument, arguments};
pub(super) use item::items;
use statement::{block, indented};

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of an indentation.
const TAB: usize = 4;
/// Most that stands between the parentheses of a call on one line.
const CALL_WIDTH: usize = 60;
/// Most that a chain of several links takes on one line.
const CHAIN_WIDTH: usize = 60;
/// Most that stands between the braces of a struct on one line.
const STRUCT_WIDTH: usize = 18;

/// Where something is written.
#[derive(Clone, Copy)]
struct Shape {
    /// Indentation of the line it begins on.
    indent: usize,
    /// Column at which it begins.
    column: usize,
    /// Columns that follow it on its last line.
    tail: usize,
}

impl Shape {
    /// Behind `text` on the same line.
    fn after(self, text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or_default();
        let from = if text.contains('\n') { 0 } else { self.column };
        Self {
            column: from + last.chars().count(),
            ..self
        }
    }

    fn without_tail(self) -> Self {
        Self { tail: 0, ..self }
    }

    fn with_tail(self, more: usize) -> Self {
        Self {
            tail: self.tail + more,
            ..self
        }
    }

    /// On a line of its own, one step in, before `tail` columns.
    fn inside(self, tail: usize) -> Self {
        let indent = self.indent + TAB;
        Self {
            indent,
            column: indent,
            tail,
        }
    }

    fn fits(self, text: &str) -> bool {
        !text.contains('\n') && self.column + text.chars().count() + self.tail <= WIDTH
    }
}

/// An expression.
fn expr(written: &Expr, shape: Shape) -> String {
    if !flat::attributes(written).is_empty() {
        let mut bare = written.clone();
        let attributes = flat::attributes_mut(&mut bare).map(std::mem::take);
        let attributes = item::attributes(&attributes.unwrap_or_default(), shape.indent);
        return format!("{attributes}{}", expr(&bare, shape));
    }
    if let Some(text) = flat::expr(written)
        && shape.fits(&text)
    {
        return text;
    }
    match written {
        Expr::MethodCall(_) | Expr::Field(_) | Expr::Await(_) | Expr::Try(_) => {
            Chain::of(written).lay(shape)
        }
        Expr::Group(inner) => expr(&inner.expr, shape),
        Expr::Reference(inner) => {
            let mark = match inner.mutability {
                Some(_) => "&mut ",
                None => "&",
            };
            format!("{mark}{}", expr(&inner.expr, shape.after(mark)))
        }
        Expr::Paren(inner) => {
            format!("({})", expr(&inner.expr, shape.after("(").with_tail(1)))
        }
        Expr::Call(call) => {
            let head = expr(&call.func, shape.without_tail());
            let list: Vec<&Expr> = call.args.iter().collect();
            format!("{head}{}", delimited(&list, "(", ")", shape.after(&head)))
        }
        Expr::Array(array) => {
            let list: Vec<&Expr> = array.elems.iter().collect();
            delimited(&list, "[", "]", shape)
        }
        Expr::Tuple(tuple) => {
            let list: Vec<&Expr> = tuple.elems.iter().collect();
            delimited(&list, "(", ")", shape)
        }
        Expr::Macro(call) => {
            let head = format!("{}!", flat::tokens(&call.mac.path));
            macro_call(&head, &call.mac.tokens, shape)
        }
        Expr::Closure(closure) => self::closure(closure, shape),
        Expr::Async(inner) => {
            let capture = inner.capture.map_or("", |_| "move ");
            format!("async {capture}{}", block(&inner.block, shape.indent))
        }
        Expr::Block(inner) if inner.label.is_none() && inner.attrs.is_empty() => {
            block(&inner.block, shape.indent)
        }
        Expr::Binary(binary) => {
            let inside = shape.inside(shape.tail);
            let op = quote::ToTokens::to_token_stream(&binary.op).to_string();
            let op = op.replace(' ', "");
            format!(
                "{}\n{}{op} {}",
                expr(&binary.left, shape.without_tail()),
                " ".repeat(inside.indent),
                expr(&binary.right, inside)
            )
        }
        Expr::Struct(literal) if literal.rest.is_none() => {
            let inside = shape.inside(1);
            let fields = literal.fields.iter().map(|field| {
                let head = format!("{}: ", flat::member(&field.member));
                let value = expr(&field.expr, inside.after(&head));
                let head = format!("{}{head}", item::attributes(&field.attrs, inside.indent));
                match field.colon_token {
                    Some(_) => format!("{head}{value},"),
                    None => format!("{value},"),
                }
            });
            let path = flat::tokens(&literal.path);
            format!("{path} {}", braced(fields.collect(), shape.indent))
        }
        Expr::Match(written) => {
            let head = format!("match {} ", expr(&written.expr, shape.after("match ")));
            let arms = written.arms.iter().map(|arm| item::arm(arm, shape));
            format!("{head}{}", braced(arms.collect(), shape.indent))
        }
        other => fallback(other, shape.indent),
    }
}

/// Lines between braces.
fn braced(lines: Vec<String>, indent: usize) -> String {
    let inner = " ".repeat(indent + TAB);
    let lines: String = lines
        .into_iter()
        .map(|line| format!("{inner}{line}\n"))
        .collect();
    format!("{{\n{lines}{}}}", " ".repeat(indent))
}

/// Expressions between delimiters: the last may begin on the line of the first, else each stands on
/// its own.
fn delimited(list: &[&Expr], open: &str, close: &str, shape: Shape) -> String {
    if let Some(text) = flat::list(list.iter().copied(), CALL_WIDTH) {
        let text = format!("{open}{text}{close}");
        if shape.fits(&text) {
            return text;
        }
    }
    if let Some((last, before)) = list.split_last()
        && overflows(last, before.is_empty())
        && let Some(mut text) = flat::list(before.iter().copied(), CALL_WIDTH)
    {
        if !before.is_empty() {
            text.push_str(", ");
        }
        let text = format!("{open}{text}");
        let inside = shape.after(&text).with_tail(close.len());
        let last = match last {
            Expr::Closure(last) => braced_closure(last, inside),
            last => expr(last, inside),
        };
        let first = last.lines().next().unwrap_or_default();
        let ends = last.ends_with(['}', ')', ']']);
        let width = text.chars().count() - open.len() + first.chars().count();
        if last.contains('\n') && ends && width <= CALL_WIDTH {
            return format!("{text}{last}{close}");
        }
        // A call that would begin with too much on its line stands upright.
        if let ([Expr::Call(call)], true) = (list, last.contains('\n')) {
            let head = expr(&call.func, shape.after(open));
            let arguments = call
                .args
                .iter()
                .map(|argument| expr(argument, shape.inside(1)));
            let text = format!("{open}{head}");
            if shape.fits(&text) {
                let arguments = vertical(arguments.collect(), "(", ")", shape);
                return format!("{text}{arguments}{close}");
            }
        }
    }
    let inside = shape.inside(1);
    let lines = list.iter().map(|element| expr(element, inside));
    vertical(lines.collect(), open, close, shape)
}

fn vertical(elements: Vec<String>, open: &str, close: &str, shape: Shape) -> String {
    let inner = " ".repeat(shape.indent + TAB);
    let lines: String = elements
        .into_iter()
        .map(|element| format!("{inner}{element},\n"))
        .collect();
    format!("{open}\n{lines}{}{close}", " ".repeat(shape.indent))
}

/// True for the last argument of a call if it may begin on the line of the others.
fn overflows(last: &Expr, only: bool) -> bool {
    match last {
        Expr::Closure(_) | Expr::Async(_) | Expr::Block(_) | Expr::Array(_) => true,
        Expr::Match(_) | Expr::Call(_) | Expr::MethodCall(_) => only,
        Expr::Macro(_) | Expr::Struct(_) | Expr::Tuple(_) => only,
        Expr::Reference(inner) => overflows(&inner.expr, only),
        _ => false,
    }
}

fn closure(closure: &ExprClosure, shape: Shape) -> String {
    let head = flat::head(closure);
    let body = match &*closure.body {
        Expr::Block(body) if !matches!(closure.output, syn::ReturnType::Default) => {
            return format!("{head} {}", block(&body.block, shape.indent));
        }
        Expr::Block(body) => match flat::one_expression(&body.block) {
            Some(only) => only,
            None => return format!("{head} {}", block(&body.block, shape.indent)),
        },
        other => other,
    };
    let head = format!("{head} ");
    let text = expr(body, shape.after(&head));
    if shape.after(&head).fits(&text) || is_whole(body) {
        return format!("{head}{text}");
    }
    braced_closure(closure, shape)
}

/// A closure whose body is in braces, unless it has some of its own.
fn braced_closure(closure: &ExprClosure, shape: Shape) -> String {
    match &*closure.body {
        Expr::Block(body) if flat::one_expression(&body.block).is_none() => {
            self::closure(closure, shape)
        }
        body if is_whole(body) => self::closure(closure, shape),
        body => {
            let body = match body {
                Expr::Block(body) => flat::one_expression(&body.block),
                body => Some(body),
            };
            let lines = body.map(|body| expr(body, shape.inside(0)));
            let body = braced(lines.into_iter().collect(), shape.indent);
            format!("{} {body}", flat::head(closure))
        }
    }
}

/// True for expressions that need no braces around several lines.
fn is_whole(body: &Expr) -> bool {
    matches!(body, Expr::Async(_) | Expr::Match(_) | Expr::Struct(_))
}

/// A macro that is written like a call is laid out like one; another stays in one line.
fn macro_call(head: &str, tokens: &TokenStream, shape: Shape) -> String {
    let Some(list) = arguments(tokens) else {
        return format!("{head}({})", flat::tokens(tokens));
    };
    let shape = shape.after(head);
    let inside = shape.inside(1);
    let lines = list.iter().map(|argument| match argument {
        Argument::Expr(argument) => expr(argument, inside),
        Argument::Type(ty) => ty::ty(ty, inside),
    });
    let text = vertical(lines.collect(), "(", ")", shape);
    // Macros get no comma that was not there.
    let text = text.strip_suffix(&format!(",\n{})", " ".repeat(shape.indent)));
    match text {
        Some(text) => format!("{head}{text}\n{})", " ".repeat(shape.indent)),
        None => format!("{head}()"),
    }
}

/// As prettyplease prints it.
fn fallback(written: &Expr, indent: usize) -> String {
    let file: syn::File = parse_quote!(fn f() { #written });
    let text = prettyplease::unparse(&file);
    let body: Vec<&str> = text.lines().skip(1).collect();
    let body = body
        .split_last()
        .map_or(Vec::new(), |(_, body)| body.to_vec());
    let body: Vec<&str> = body
        .into_iter()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    indented(&body.join("\n"), indent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_is_the_same_code() {
        // Laid out, and not merely printed by what steps in if it is not the same.
        let file: syn::File = parse_quote! {
            impl<'a, T: Clone + 'static, const N: usize> a::Trait<'a, [T; N]> for &'a mut Vec<T>
            where
                T: for<'b> Fn(&'b str, (u8,)) -> Box<dyn Send + 'b>,
            {
                type Of<'b> = <T as a::Other>::Of<'b, { N }>;
                const fn f(self: Arc<Self>, mut a: &'a mut dyn Fn(), (b, c): (u8, fn(u8) -> i8)) -> ! {
                    #[allow(unused)]
                    let x: *const u8 = &mut *a.0.b::<u8, _>(1..)? as *const u8;
                    let (Some(y) | Ok(y)) = f(-1, !b, &c[0], "a  b", b'c', 1.5e3) else { return };
                    #[cfg(x)]
                    rt::put!(a, [u8; 3], <_ as AsRef<str>>::as_ref(&b));
                    if a == b && c != d { loop { f() } } else { x += 1; }
                    match x { #[cfg(y)] A::B { c, .. } if c > 1 => (), 0..=9 => { a; b } _ => {} }
                    S { a, b: c, ..Default::default() };
                    async move { |a: u8| -> u8 { a } };
                    [#[cfg(z)] a, b, 1].map(move |_| async { b.await })
                }
            }
        };
        for item in &file.items {
            let text = item::item(item, 0);
            let tokens: TokenStream = text.parse().expect("it is made of tokens");
            let written = quote::ToTokens::to_token_stream(item);
            assert_eq!(
                super::super::file::normal(tokens),
                super::super::file::normal(written),
                "{text}"
            );
        }
    }
}
