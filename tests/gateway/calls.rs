//! Methods, with JSON.

use std::{collections::BTreeSet, io};

use anyhow::Context as _;
use bytes::Bytes;
use meshrpc::{Error, Mesh, Server, gateway::Gateway, mesh_service};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{ask, gateway_to, json, post, serve};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Card {
    title: String,
    pages: u32,
}

#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum NoCard {
    #[error("there is no card {number}")]
    Number { number: u64 },
    #[error("{0}")]
    Mesh(String),
}

impl From<Error> for NoCard {
    fn from(error: Error) -> Self {
        NoCard::Mesh(error.to_string())
    }
}

#[mesh_service]
pub(crate) trait Library {
    async fn enter(&self, title: &str, pages: u32) -> anyhow::Result<Card>;
    async fn card(&self, number: u64) -> Result<Card, NoCard>;
    async fn save(&self) -> anyhow::Result<()>;
    async fn desk(&self) -> anyhow::Result<u32>;
    async fn open(&self) -> anyhow::Result<String>;
    #[mesh(raw)]
    async fn scan(
        &self,
        #[mesh(raw)] pages: Bytes,
        #[mesh(raw)] cover: &[u8],
    ) -> anyhow::Result<Bytes>;
}

/// With a method that the library has, too.
#[mesh_service]
pub(crate) trait Cafe {
    async fn open(&self) -> anyhow::Result<String>;
}

/// The library at one of several desks.
pub(crate) struct Desk(pub(crate) u32);

impl Library for Desk {
    async fn enter(&self, title: &str, pages: u32) -> anyhow::Result<Card> {
        let title = title.to_owned();
        Ok(Card { title, pages })
    }

    async fn card(&self, number: u64) -> Result<Card, NoCard> {
        Err(NoCard::Number { number })
    }

    async fn save(&self) -> anyhow::Result<()> {
        Err(io::Error::other("disk full")).context("saving")
    }

    async fn desk(&self) -> anyhow::Result<u32> {
        Ok(self.0)
    }

    async fn open(&self) -> anyhow::Result<String> {
        Ok("from nine".to_owned())
    }

    async fn scan(&self, pages: Bytes, cover: &[u8]) -> anyhow::Result<Bytes> {
        let mut scanned = [cover, &pages].concat();
        scanned.reverse();
        Ok(scanned.into())
    }
}

impl Cafe for Desk {
    async fn open(&self) -> anyhow::Result<String> {
        Ok("all night".to_owned())
    }
}

pub(crate) fn library(desk: u32) -> Server {
    let handler = LibraryHandler::new(Desk(desk));
    Server::builder().service(handler).build()
}

#[tokio::test]
async fn an_object_of_arguments_gives_the_result() {
    let gateway = gateway_to(library(1)).await;
    let arguments = r#"{"pages": 12, "title": "Öl"}"#;
    let response = ask(&gateway, post("/it/enter", arguments)).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(json(&response), json!({"title": "Öl", "pages": 12}));
}

#[tokio::test]
async fn raw_byte_strings_are_arrays_of_numbers() {
    let gateway = gateway_to(library(1)).await;
    for len in [0_usize, 2, 40_000] {
        let pages: Vec<u8> = (0..len).map(|n| (n % 256) as u8).collect();
        let arguments = json!({"pages": pages, "cover": [7, 8]}).to_string();
        let response = ask(&gateway, post("/it/scan", arguments)).await;
        assert_eq!(response.status(), 200, "{len}: {response:?}");
        let scanned: Vec<u8> = pages.into_iter().rev().chain([8, 7]).collect();
        assert_eq!(json(&response), json!(scanned), "{len}");
    }
}

#[tokio::test]
async fn a_method_without_arguments_needs_no_body() {
    let gateway = gateway_to(library(1)).await;
    for body in ["", "{}"] {
        let response = ask(&gateway, post("/it/desk", body)).await;
        assert_eq!(response.status(), 200, "`{body}`: {response:?}");
        assert_eq!(json(&response), json!(1));
    }
}

#[tokio::test]
async fn an_argument_that_the_method_does_not_have_is_ignored() {
    let gateway = gateway_to(library(1)).await;
    let arguments = r#"{"title": "Oil", "shelf": {"row": [3]}, "pages": 12}"#;
    let response = ask(&gateway, post("/it/enter", arguments)).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(json(&response), json!({"title": "Oil", "pages": 12}));
}

#[tokio::test]
async fn arguments_that_cannot_be_read_are_the_callers_fault() {
    let gateway = gateway_to(library(1)).await;
    let wrong = [
        (r#"{"title": "Oil"}"#, "pages"),
        (r#"{"title": "Oil", "pages": "many"}"#, "pages"),
        (r#"{"title": "Oil", "pages": 12"#, ""),
        ("title=Oil&pages=12", ""),
        ("", "title"),
    ];
    for (arguments, named) in wrong {
        let response = ask(&gateway, post("/it/enter", arguments)).await;
        assert_eq!(response.status(), 400, "{arguments}: {response:?}");
        let error = &json(&response)["error"];
        assert_eq!(error["code"], "invalid_argument", "{arguments}: {error}");
        assert_eq!(error["started"], "no", "{arguments}: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(named), "no `{named}` in: {message}");
    }
}

#[tokio::test]
async fn a_methods_own_error_comes_with_its_value() {
    let gateway = gateway_to(library(1)).await;
    let response = ask(&gateway, post("/it/card", r#"{"number": 7}"#)).await;
    assert_eq!(response.status(), 500, "{response:?}");
    let error = &json(&response)["error"];
    assert_eq!(error["code"], "unknown", "{error}");
    assert_eq!(error["started"], "yes", "{error}");
    assert_eq!(error["message"], "there is no card 7", "{error}");
    assert_eq!(error["detail"], json!({"Number": {"number": 7}}), "{error}");
}

#[tokio::test]
async fn an_error_that_is_text_comes_with_its_sources() {
    let gateway = gateway_to(library(1)).await;
    let response = ask(&gateway, post("/it/save", "{}")).await;
    assert_eq!(response.status(), 500, "{response:?}");
    let error = &json(&response)["error"];
    assert_eq!(error["message"], "saving", "{error}");
    assert_eq!(error["sources"], json!(["disk full"]), "{error}");
    assert_eq!(error["detail"], json!(null), "{error}");
}

#[tokio::test]
async fn a_name_that_two_contracts_have_needs_the_contract() {
    let server = Server::builder()
        .service(LibraryHandler::new(Desk(1)))
        .service(CafeHandler::new(Desk(1)))
        .build();
    let gateway = gateway_to(server).await;
    let response = ask(&gateway, post("/it/open", "{}")).await;
    assert_eq!(response.status(), 400, "{response:?}");
    let error = &json(&response)["error"];
    assert_eq!(error["code"], "invalid_argument", "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    for named in ["`Library.open`", "`Cafe.open`"] {
        assert!(message.contains(named), "no {named} in: {message}");
    }
    for (named, answer) in [("Library.open", "from nine"), ("Cafe.open", "all night")] {
        let response = ask(&gateway, post(&format!("/it/{named}"), "{}")).await;
        assert_eq!(response.status(), 200, "{named}: {response:?}");
        assert_eq!(json(&response), answer, "{named}");
    }
}

#[tokio::test]
async fn a_session_stays_at_one_instance() {
    let mesh = Mesh::in_process();
    let mut serving = Vec::new();
    for desk in 1..=3 {
        serving.push(serve(&mesh, library(desk)).await);
    }
    // The gateway goes over the same connections.
    let client = LibraryClient::connect(&mesh, "it");
    client.wait_ready_all().await.expect("they can be reached");
    let gateway = Gateway::builder().deployment(&mesh, "it").build();
    let desk = async |session: Option<String>| {
        let mut request = post("/it/desk", "{}");
        if let Some(session) = session {
            let session = session.parse().expect("it is a header's value");
            request.headers_mut().insert("x-meshrpc-session", session);
        }
        json(&ask(&gateway, request).await).to_string()
    };
    let mut at = BTreeSet::new();
    for session in 0..32 {
        let name = format!("session {session}");
        let first = desk(Some(name.clone())).await;
        for _ in 0..3 {
            assert_eq!(desk(Some(name.clone())).await, first, "{name}");
        }
        at.insert(first);
    }
    assert_eq!(at.len(), 3, "sessions are at {at:?} only");
    let mut without = BTreeSet::new();
    for _ in 0..3 {
        without.insert(desk(None).await);
    }
    assert_eq!(without.len(), 3, "without a session, in turn: {without:?}");
}
