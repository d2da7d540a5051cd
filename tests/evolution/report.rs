//! What each side saw of a call.

use std::{
    fmt::Debug,
    sync::{Mutex, PoisonError},
};

use meshrpc::mesh_service;

use crate::change::Call;

/// What the methods of this process were called with.
#[mesh_service(name = "evolution.Log")]
pub trait Log {
    /// Since it was last asked.
    async fn take(&self) -> anyhow::Result<Vec<String>>;
}

/// The log of this process.
pub struct Received;

static RECEIVED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Log for Received {
    async fn take(&self) -> anyhow::Result<Vec<String>> {
        let mut received = RECEIVED.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut received))
    }
}

/// A method runs with this.
pub fn received(what: &impl Debug) {
    let mut received = RECEIVED.lock().unwrap_or_else(PoisonError::into_inner);
    received.push(format!("{what:?}"));
}

/// A call as a line: the change, the call, its outcome, and what the method was called with.
pub fn line(change: &str, call: &Call) -> String {
    let received = call.received.join(" / ");
    [change, &call.call, &call.outcome, &received]
        .map(|part| part.replace(['\t', '\n'], " "))
        .join("\t")
}

/// Adds to the outcome what the other side saw of a call.
pub async fn seen(log: &LogClient, call: String, outcome: String) -> Call {
    let received = log.take().await;
    Call {
        call,
        outcome,
        received: received.unwrap_or_else(|error| vec![format!("{error:#}")]),
    }
}

/// What came of a call, for people: a value, the method's own error, or the runtime's.
pub fn outcome<T: Debug, E: Failure>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.tell(),
    }
}

/// An error of a trait.
pub trait Failure {
    fn tell(&self) -> String;
}

impl Failure for anyhow::Error {
    fn tell(&self) -> String {
        match self.downcast_ref::<meshrpc::Error>() {
            Some(error) => error.tell(),
            None => format!("error {self:#}"),
        }
    }
}

impl Failure for meshrpc::Error {
    fn tell(&self) -> String {
        let (kind, code, started) = (self.kind(), self.code(), self.started());
        let message = self.to_string();
        // What a decoder says about a type follows its name.
        let reason = message
            .rsplit_once("): ")
            .or_else(|| message.rsplit_once("::T: "));
        let reason = reason.map_or(message.as_str(), |(_, reason)| reason);
        format!("`{kind:?}`, `{code:?}`, started `{started:?}`: {reason}")
    }
}
