//! A method that goes over to field names in the middle of its life.

use meshrpc::{mesh_service, testing::pair};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    id: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    #[serde(serialize_with = "late_text", deserialize_with = "number_or_text")]
    number: u64,
}

/// Gives items back.
#[mesh_service]
pub(crate) trait Echo {
    /// With the note in capitals.
    async fn echo(&self, item: Item) -> anyhow::Result<Item>;
}

struct Loud;

impl Echo for Loud {
    async fn echo(&self, item: Item) -> anyhow::Result<Item> {
        let note = item.note.map(|note| note.to_uppercase());
        Ok(Item { note, ..item })
    }
}

fn item(id: u32) -> Item {
    let note = (id != 500).then(|| format!("item {id}"));
    let number = if id == 700 { 7 } else { 1_000 };
    Item { id, note, number }
}

/// 7 is written as text.
fn late_text<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        7 => serializer.collect_str(number),
        _ => serializer.serialize_u64(*number),
    }
}

/// Reads text only if the format says that it is some.
fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    if !deserializer.is_human_readable() {
        return u64::deserialize(deserializer);
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[tokio::test]
async fn the_five_hundredth_value_may_leave_a_field_out() {
    use meshrpc::wire::Codec;
    let client: EchoClient = pair(Loud);
    let method = &ECHO.methods[0];
    assert_eq!(method.codec(), Codec::Positional, "{:?}", method.obstacle());
    for id in 1..1_000 {
        let expected = Item {
            note: item(id).note.map(|note| note.to_uppercase()),
            ..item(id)
        };
        let echoed = client.echo(item(id)).await.expect("it is answered");
        assert_eq!(echoed, expected);
        let now = if id < 500 {
            Codec::Positional
        } else {
            Codec::FieldNamed
        };
        assert_eq!(method.codec(), now, "after item {id}");
    }
}
