//! One line: tokens with the space between them that people expect.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Block, Expr, ExprClosure, ExprMacro, Member, Stmt, Token, Type,
    parse::{ParseStream, Parser as _},
    punctuated::Punctuated,
};

use super::{CALL_WIDTH, STRUCT_WIDTH, chain::Chain};

/// Types, patterns, paths, generics, attributes: everything but operators of expressions.
pub(super) fn tokens(of: &impl ToTokens) -> String {
    let mut line = Line::default();
    line.stream(of.to_token_stream());
    line.text
}

#[derive(Default)]
struct Line {
    text: String,
    /// The last token, with what was joined to it.
    last: String,
}

impl Line {
    fn stream(&mut self, tokens: TokenStream) {
        let mut joined = String::new();
        for token in tokens {
            match token {
                TokenTree::Punct(punct) => {
                    joined.push(punct.as_char());
                    let whole = matches!(joined.as_str(), "::" | "->" | "=>" | "..=" | "==" | "'");
                    let begins = matches!(punct.as_char(), ':' | '-' | '=' | '.');
                    if whole || punct.spacing() == Spacing::Alone || !begins {
                        self.push(&std::mem::take(&mut joined));
                    }
                }
                TokenTree::Ident(ident) => self.push(&ident.to_string()),
                TokenTree::Literal(literal) => self.push(&literal.to_string()),
                TokenTree::Group(group) => self.group(group.delimiter(), group.stream()),
            }
        }
    }

    fn group(&mut self, delimiter: Delimiter, inner: TokenStream) {
        let (open, close) = match delimiter {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Brace if inner.is_empty() => ("{", "}"),
            Delimiter::Brace => ("{ ", " }"),
            Delimiter::None => return self.stream(inner),
        };
        self.push(open);
        self.stream(inner);
        // What stands before the end of a list needs no comma.
        if self.last == "," && self.text.ends_with(',') && !self.text.ends_with("(,") {
            let one = open == "(" && is_tuple_of_one(&self.text);
            if !one {
                self.text.pop();
            }
        }
        self.text.push_str(close);
        self.last = close.trim().to_owned();
    }

    fn push(&mut self, token: &str) {
        if self.needs_space(token) {
            self.text.push(' ');
        }
        // Generic arguments need no comma before their end.
        if token == ">" && self.last == "," {
            self.text.pop();
        }
        self.text.push_str(token);
        self.last = match self.last.as_str() {
            // A lifetime is one word.
            "'" => format!("'{token}"),
            _ => token.trim().to_owned(),
        };
    }

    fn needs_space(&self, next: &str) -> bool {
        let next = next.trim();
        let word = |text: &str| {
            let first = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
            text.starts_with(first) || text.starts_with('\'') && text.len() > 1
        };
        let lifetime = self.last.starts_with('\'') && self.last.len() > 1;
        let keyword = lifetime || KEYWORDS.contains(&self.last.as_str());
        match (self.last.as_str(), next) {
            ("", _) | (_, "," | ";" | ":" | ">" | ")" | "]" | "?" | "!" | ".")
                if !matches!(
                    (self.last.as_str(), next),
                    (":" | "+" | "->" | "," | "=", "?")
                ) =>
            {
                false
            }
            ("," | ";" | ":" | "+" | "=" | "->" | "=>" | "|", _) => true,
            (_, "+" | "=" | "->" | "=>" | "==" | "|") => true,
            (last, "{") => last != "<",
            (_, "(" | "[") if lifetime => true,
            (last, "(") => keyword && !matches!(last, "pub" | "fn" | "crate"),
            (_, "[") => keyword,
            (last, "::") => {
                keyword && last != "crate" && last != "self" && last != "super" && last != "Self"
            }
            (_, "<") => keyword && !matches!(self.last.as_str(), "impl" | "fn" | "for"),
            (last, "&" | "*" | "'" | "#") => keyword || word(last),
            (last, next) if word(next) => word(last) || matches!(last, "}" | ")" | ">"),
            _ => false,
        }
    }
}

/// After which a type or path begins.
const KEYWORDS: [&str; 12] = [
    "as", "dyn", "impl", "mut", "in", "const", "where", "ref", "move", "pub", "fn", "for",
];

/// True if what follows the last open parenthesis is a tuple's only element.
fn is_tuple_of_one(text: &str) -> bool {
    let mut depth = 0i32;
    for (at, c) in text.char_indices().rev().skip(1) {
        match c {
            ')' | ']' | '}' => depth += 1,
            '>' if !text.get(..at).unwrap_or_default().ends_with('-') => depth += 1,
            '(' | '[' | '{' | '<' if depth > 0 => depth -= 1,
            '(' => return true,
            ',' if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// The attributes of an expression, if it is of a kind that is laid out here.
pub(super) fn attributes_mut(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    Some(match expr {
        Expr::Array(expr) => &mut expr.attrs,
        Expr::Async(expr) => &mut expr.attrs,
        Expr::Await(expr) => &mut expr.attrs,
        Expr::Block(expr) => &mut expr.attrs,
        Expr::Call(expr) => &mut expr.attrs,
        Expr::Closure(expr) => &mut expr.attrs,
        Expr::Macro(expr) => &mut expr.attrs,
        Expr::Match(expr) => &mut expr.attrs,
        Expr::MethodCall(expr) => &mut expr.attrs,
        Expr::Struct(expr) => &mut expr.attrs,
        Expr::Try(expr) => &mut expr.attrs,
        _ => return None,
    })
}

/// The same, to be looked at.
pub(super) fn attributes(expr: &Expr) -> &[Attribute] {
    match expr {
        Expr::Array(expr) => &expr.attrs,
        Expr::Async(expr) => &expr.attrs,
        Expr::Await(expr) => &expr.attrs,
        Expr::Block(expr) => &expr.attrs,
        Expr::Call(expr) => &expr.attrs,
        Expr::Closure(expr) => &expr.attrs,
        Expr::Macro(expr) => &expr.attrs,
        Expr::Match(expr) => &expr.attrs,
        Expr::MethodCall(expr) => &expr.attrs,
        Expr::Struct(expr) => &expr.attrs,
        Expr::Try(expr) => &expr.attrs,
        _ => &[],
    }
}

/// An expression on one line, if it is written so at any width.
pub(super) fn expr(expr: &Expr) -> Option<String> {
    if !attributes(expr).is_empty() {
        return None;
    }
    Some(match expr {
        Expr::Path(_) | Expr::Lit(_) | Expr::Infer(_) => tokens(expr),
        Expr::Reference(inner) => {
            let mutable = inner.mutability.map_or("", |_| "mut ");
            format!("&{mutable}{}", self::expr(&inner.expr)?)
        }
        Expr::Unary(unary) => format!("{}{}", tokens(&unary.op), self::expr(&unary.expr)?),
        Expr::Paren(inner) => format!("({})", self::expr(&inner.expr)?),
        Expr::Group(inner) => self::expr(&inner.expr)?,
        Expr::Cast(cast) => format!("{} as {}", self::expr(&cast.expr)?, tokens(&cast.ty)),
        Expr::Binary(binary) => format!(
            "{} {} {}",
            self::expr(&binary.left)?,
            binary.op.to_token_stream().to_string().replace(' ', ""),
            self::expr(&binary.right)?
        ),
        Expr::Index(index) => {
            format!(
                "{}[{}]",
                self::expr(&index.expr)?,
                self::expr(&index.index)?
            )
        }
        Expr::Tuple(tuple) => match tuple.elems.len() {
            1 => format!("({},)", list(tuple.elems.iter(), CALL_WIDTH)?),
            _ => format!("({})", list(tuple.elems.iter(), CALL_WIDTH)?),
        },
        Expr::Array(array) => format!("[{}]", list(array.elems.iter(), CALL_WIDTH)?),
        Expr::Repeat(array) => {
            format!(
                "[{}; {}]",
                self::expr(&array.expr)?,
                self::expr(&array.len)?
            )
        }
        Expr::Call(call) => format!(
            "{}({})",
            self::expr(&call.func)?,
            list(call.args.iter(), CALL_WIDTH)?
        ),
        Expr::Macro(call) => call_of_macro(call)?,
        Expr::Struct(literal) if literal.rest.is_none() => {
            let path = tokens(&literal.path);
            let mut fields = Vec::new();
            for field in &literal.fields {
                let value = self::expr(&field.expr)?;
                let name = member(&field.member);
                fields.push(if field.colon_token.is_some() && name != value {
                    format!("{name}: {value}")
                } else {
                    name
                });
            }
            let fields = fields.join(", ");
            if fields.len() > STRUCT_WIDTH {
                return None;
            }
            match fields.as_str() {
                "" => format!("{path} {{}}"),
                fields => format!("{path} {{ {fields} }}"),
            }
        }
        Expr::Closure(closure) => format!("{} {}", head(closure), body(closure)?),
        Expr::Async(block) => {
            let capture = block.capture.map_or("", |_| " move");
            format!("async{capture} {}", one(&block.block)?)
        }
        Expr::MethodCall(_) | Expr::Field(_) | Expr::Await(_) | Expr::Try(_) => {
            Chain::of(expr).flat()?
        }
        Expr::Return(inner) => match &inner.expr {
            Some(inner) => format!("return {}", self::expr(inner)?),
            None => "return".to_owned(),
        },
        _ => return None,
    })
}

/// Elements between commas, if they are at most `width` wide, or only one.
pub(super) fn list<'a>(elements: impl Iterator<Item = &'a Expr>, width: usize) -> Option<String> {
    let elements: Option<Vec<String>> = elements.map(expr).collect();
    let elements = elements?;
    let text = elements.join(", ");
    (elements.len() <= 1 || text.chars().count() <= width).then_some(text)
}

/// The part of a closure before its body.
pub(super) fn head(closure: &ExprClosure) -> String {
    let capture = closure.capture.map_or("", |_| "move ");
    let inputs: Vec<String> = closure.inputs.iter().map(tokens).collect();
    let output = match &closure.output {
        syn::ReturnType::Default => String::new(),
        syn::ReturnType::Type(_, ty) => format!(" -> {}", tokens(ty)),
    };
    format!("{capture}|{}|{output}", inputs.join(", "))
}

fn body(closure: &ExprClosure) -> Option<String> {
    match &*closure.body {
        _ if !matches!(closure.output, syn::ReturnType::Default) => None,
        Expr::Block(block) if block.block.stmts.is_empty() => Some("{}".to_owned()),
        Expr::Block(block) => one_expression(&block.block).and_then(expr),
        other => expr(other),
    }
}

/// The expression that a block consists of.
pub(super) fn one_expression(block: &Block) -> Option<&Expr> {
    match block.stmts.as_slice() {
        [Stmt::Expr(expr, None)] => Some(expr),
        _ => None,
    }
}

fn one(block: &Block) -> Option<String> {
    match block.stmts.as_slice() {
        [] => Some("{}".to_owned()),
        _ => Some(format!("{{ {} }}", expr(one_expression(block)?)?)),
    }
}

pub(super) fn member(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

/// An argument of a macro.
pub(in super::super) enum Argument {
    Expr(Box<Expr>),
    Type(Box<Type>),
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Argument::Expr(written) => written.to_tokens(tokens),
            Argument::Type(written) => written.to_tokens(tokens),
        }
    }
}

/// The arguments of a macro that is written like a call.
pub(in super::super) fn arguments(list: &TokenStream) -> Option<Vec<Argument>> {
    let argument = |input: ParseStream<'_>| {
        let ends = |ahead: ParseStream<'_>| ahead.is_empty() || ahead.peek(Token![,]);
        // `Result<T, E>` begins with what would be a comparison.
        let ahead = input.fork();
        let generic = ahead
            .parse::<Type>()
            .is_ok_and(|ty| tokens(&ty).contains('<'));
        let is_type = generic && ends(&ahead);
        let ahead = input.fork();
        let is_expr = !is_type && ahead.parse::<Expr>().is_ok() && ends(&ahead);
        Ok(match is_expr {
            true => Argument::Expr(Box::new(input.parse()?)),
            false => Argument::Type(Box::new(input.parse()?)),
        })
    };
    let parser = |input: ParseStream<'_>| {
        Punctuated::<Argument, Token![,]>::parse_terminated_with(input, argument)
    };
    let arguments = parser.parse2(list.clone()).ok()?;
    Some(arguments.into_iter().collect())
}

fn call_of_macro(call: &ExprMacro) -> Option<String> {
    let path = tokens(&call.mac.path);
    let Some(arguments) = arguments(&call.mac.tokens) else {
        return Some(format!("{path}!({})", tokens(&call.mac.tokens)));
    };
    let arguments: Option<Vec<String>> = arguments
        .iter()
        .map(|argument| match argument {
            Argument::Expr(argument) => expr(argument),
            Argument::Type(ty) => Some(tokens(ty)),
        })
        .collect();
    let arguments = arguments?;
    let text = arguments.join(", ");
    (arguments.len() <= 1 || text.len() <= CALL_WIDTH).then(|| format!("{path}!({text})"))
}
