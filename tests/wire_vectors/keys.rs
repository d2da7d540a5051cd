//! Numbers that both sides compute: keys of methods, fingerprints, scores of sessions.

use greeter::GREETER;
use meshrpc::{
    client::balance::{ranked, score},
    contract::{DESCRIBE, MethodSpec, method_key},
    http::HTTP,
};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{check, hex};

/// A number, and the bytes that it is the hash of.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    name: String,
    what: String,
    /// What is hashed.
    input: String,
    number: String,
}

static BUY: MethodSpec = MethodSpec::unary("buy", 1, &["order", "note"], |schema| {
    schema.argument::<Order>();
    schema.argument::<Option<Order>>();
    schema.reply::<()>();
    schema.error::<Refusal>();
});

#[derive(Deserialize)]
#[expect(dead_code, reason = "its shape is what counts")]
struct Order {
    id: u64,
    lines: Vec<(String, u32)>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "its shape is what counts")]
enum Refusal {
    Closed,
    TooMany { most: u32 },
}

#[test]
fn keys_are_the_hash_of_their_names() {
    let key = |contract: &str, method: &str| Vector {
        name: format!("{contract}/{method}"),
        what: "key of a method".into(),
        input: hex(format!("{contract}/{method}").as_bytes()),
        number: number(method_key(contract, method)),
    };
    let keys = [
        key("Greeter", "greet"),
        key("acme.greeter", "greet"),
        key("meshrpc.describe", "contracts"),
        key("meshrpc.http", "request"),
        key("meshrpc.ping", "ping"),
    ];
    assert_eq!(keys[0].number, number(GREETER.methods[0].key));
    assert_eq!(keys[2].number, number(DESCRIBE.methods[0].key));
    assert_eq!(keys[3].number, number(HTTP.methods[0].key));
    check("method_keys.json", &keys);
}

#[test]
fn fingerprints_are_the_hash_of_what_the_specification_writes() {
    // greet(name: text) answers text, or an error that crosses as text.
    let mut greet = vec![1];
    count(&mut greet, 1);
    text(&mut greet, "name");
    greet.extend([16, 16, 0x72]);

    let mut buy = vec![1];
    count(&mut buy, 2);
    text(&mut buy, "order");
    buy.push(0x54);
    text(&mut buy, "Order");
    count(&mut buy, 2);
    text(&mut buy, "id");
    buy.push(11);
    text(&mut buy, "lines");
    buy.extend([0x41, 0x43]);
    count(&mut buy, 2);
    buy.extend([16, 10]);
    text(&mut buy, "note");
    // The type that was met first.
    buy.extend([0x40, 0x50]);
    count(&mut buy, 0);
    buy.extend([1, 0x73, 0x55]);
    text(&mut buy, "Refusal");
    count(&mut buy, 2);
    text(&mut buy, "Closed");
    buy.push(0x51);
    text(&mut buy, "TooMany");
    buy.push(0x54);
    count(&mut buy, 1);
    text(&mut buy, "most");
    buy.push(10);

    let mut contract = vec![1];
    contract.extend_from_slice(b"Greeter\0");
    let mut methods = GREETER.offer().methods;
    methods.sort_by_key(|method| method.key);
    for method in &methods {
        contract.extend(method.key.to_le_bytes());
        contract.extend(method.fingerprint.to_le_bytes());
    }
    let cases = [
        (
            "greet",
            "greet(name: text) -> text, or an error as text",
            greet,
            GREETER.methods[0].fingerprint(),
        ),
        (
            "buy",
            "buy(order: Order, note: Option<Order>) -> (), or Refusal",
            buy,
            BUY.fingerprint(),
        ),
        (
            "Greeter",
            "the contract of `greet` and `send_postcard`",
            contract,
            GREETER.offer().fingerprint,
        ),
    ];
    let vectors = cases.map(|(name, what, input, fingerprint)| {
        assert_eq!(xxh3_64(&input), fingerprint, "`{name}`");
        Vector {
            name: name.into(),
            what: format!("fingerprint of {what}"),
            input: hex(&input),
            number: number(fingerprint),
        }
    });
    check("fingerprints.json", &vectors);
}

#[test]
fn sessions_belong_where_the_vectors_say() {
    let names = ["greeter-1", "greeter-2", "greeter-3"];
    let session = |key: &str| Session {
        key: key.into(),
        scores: names
            .iter()
            .map(|name| ((*name).to_owned(), number(score(key, name))))
            .collect(),
        ranking: ranked(key, &names)
            .into_iter()
            .map(|at| names[at].to_owned())
            .collect(),
    };
    check(
        "sessions.json",
        &["", "acct-7", "42", "sitzung-ä"].map(session),
    );
}

/// Where a session belongs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Session {
    key: String,
    scores: Vec<(String, String)>,
    /// Best first.
    ranking: Vec<String>,
}

fn count(out: &mut Vec<u8>, count: u64) {
    out.extend(count.to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    count(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn number(number: u64) -> String {
    format!("{number:#018x}")
}
