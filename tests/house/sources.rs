//! What no source file may hold.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Attribute;

use crate::{PRODUCT, parsed, read, report, sources};

/// Lines after which a file asks for a second room.
const LONGEST: usize = 500;

/// Folders that hold Rust beside the product. The cases of `macro_refusals` are code that must not
/// compile.
const BESIDE: [&str; 4] = [
    "meshrpc-runtime/tests",
    "templates/tests",
    "examples",
    "tests",
];

/// Where `unsafe` was measured to be worth it.
const UNSAFE: [&str; 1] = ["meshrpc-runtime/src/codec/positional/de/text.rs"];

fn product() -> impl Iterator<Item = String> {
    PRODUCT.into_iter().flat_map(sources)
}

#[test]
fn the_wire_knows_no_runtime_no_socket_and_no_clock() {
    let mut complaints = Vec::new();
    for file in sources("meshrpc-runtime/src/wire") {
        for (line, path) in paths(&code(&file)) {
            let forbidden = path.starts_with("tokio::")
                || path.starts_with("std::net")
                || path.contains("SystemTime")
                || path.contains("Instant::now");
            if forbidden || path == "tokio" {
                complaints.push(format!(
                    "{file}:{line}: `{path}` in the wire: bytes and times are passed in"
                ));
            }
        }
    }
    report(&complaints);
}

/// A test that pauses tokio's clock must not wait for another one. `local:` is about files and
/// processes, which know only the real one.
#[test]
fn the_runtime_has_one_clock() {
    let mut complaints = Vec::new();
    let exempt = |file: &String| {
        file.starts_with("meshrpc-runtime/src/mesh/local/")
            || file.ends_with("/tests.rs")
            || file.contains("/tests/")
    };
    for file in sources("meshrpc-runtime/src") {
        if exempt(&file) {
            continue;
        }
        let paths = paths(&code(&file));
        let of_std = |(_, path): &(usize, String)| path.starts_with("std::time::Instant");
        let imported = paths.iter().any(of_std);
        for (line, path) in paths {
            let real = path == "std::time::Instant::now" || path == "std::thread::sleep";
            if real || imported && path == "Instant::now" {
                complaints.push(format!(
                    "{file}:{line}: `{path}` cannot be paused: use `connection::now`"
                ));
            }
        }
    }
    report(&complaints);
}

#[test]
fn unsafe_code_is_where_it_was_agreed_on_and_says_why_it_is_sound() {
    let mut complaints = Vec::new();
    let beside = BESIDE.into_iter().flat_map(sources);
    for file in product().chain(beside) {
        if file.starts_with("tests/macro_refusals/cases/") {
            continue;
        }
        let mut sound = match UNSAFE.contains(&file.as_str()) {
            true => read(&file).matches("// SAFETY: ").count(),
            false => 0,
        };
        for (line, path) in paths(&parsed(&file).into_token_stream()) {
            if path != "unsafe" {
                continue;
            }
            if sound > 0 {
                sound -= 1;
            } else {
                complaints.push(format!("{file}:{line}: `unsafe` is forbidden"));
            }
        }
    }
    report(&complaints);
}

#[test]
fn no_source_file_is_too_long() {
    let mut complaints = Vec::new();
    for file in product().filter(|file| !file.ends_with("_gen.rs")) {
        let lines = read(&file).lines().count();
        if lines > LONGEST {
            complaints.push(format!(
                "{file}: {lines} lines: make a folder of it, with a second room"
            ));
        }
    }
    report(&complaints);
}

#[test]
fn nothing_is_left_to_do_and_no_debugging_aid_is_left_behind() {
    let mut complaints = Vec::new();
    for file in product() {
        let code = parsed(&file).into_token_stream();
        for (line, path) in paths(&code) {
            if ["todo!", "unimplemented!", "dbg!"].contains(&path.as_str()) {
                complaints.push(format!("{file}:{line}: `{path}`"));
            }
        }
    }
    report(&complaints);
}

#[test]
fn paths_are_read_as_they_are_written() {
    let code: TokenStream = "fn f() { std::time::Instant::now(); dbg!(x) }"
        .parse()
        .expect("the test's own code parses");
    let found: Vec<String> = paths(&code).into_iter().map(|(_, path)| path).collect();
    assert_eq!(found, ["fn", "f", "std::time::Instant::now", "dbg!", "x"]);
}

/// The code of a file without its comments and its test modules.
fn code(file: &str) -> TokenStream {
    fn is_test(attribute: &Attribute) -> bool {
        attribute.path().is_ident("cfg")
            && attribute
                .meta
                .to_token_stream()
                .to_string()
                .contains("test")
    }
    let mut file = parsed(file);
    file.items.retain(|item| match item {
        syn::Item::Mod(item) => !item.attrs.iter().any(is_test),
        _ => true,
    });
    file.into_token_stream()
}

/// Every path with the line it begins on, and every word that is none; a macro's name with its
/// mark. Documentation is text, so that what it says does not count.
fn paths(tokens: &TokenStream) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut joined = false;
    let mut colons = 0;
    for token in tokens.clone() {
        let was_path = std::mem::take(&mut joined);
        match token {
            TokenTree::Ident(ident) => {
                match found.last_mut().filter(|_| was_path && colons == 2) {
                    Some((_, path)) => {
                        path.push_str("::");
                        path.push_str(&ident.to_string());
                    }
                    None => found.push((ident.span().start().line, ident.to_string())),
                }
                joined = true;
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                colons += 1;
                joined = was_path;
            }
            TokenTree::Punct(punct) if punct.as_char() == '!' && was_path && colons == 0 => {
                if let Some((_, path)) = found.last_mut() {
                    path.push('!');
                }
            }
            TokenTree::Group(group) => {
                let inside = paths(&group.stream());
                // `use std::{net, time}` names `std::net`.
                let prefix = found.last().filter(|_| was_path && colons == 2).cloned();
                colons = 0;
                found.extend(inside.into_iter().map(|(line, path)| match &prefix {
                    Some((_, prefix)) => (line, format!("{prefix}::{path}")),
                    None => (line, path),
                }));
            }
            _ => colons = 0,
        }
    }
    found
}
