//! One request to an agent.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use http::Method;
use serde::Serialize;

/// Bytes of the largest answer about one thing.
const SMALL: usize = 1 << 20;
/// Bytes of the largest list: some ten thousand instances.
const LARGE: usize = 64 << 20;

/// What is asked, how long it may take, and how to speak of it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) body: Bytes,
    /// For messages.
    pub(super) what: String,
    /// What a token has to allow.
    pub(super) permission: String,
    /// Time that the agent is asked to wait for news.
    pub(super) wait: Option<Duration>,
    /// Bytes of the largest answer.
    pub(super) largest: usize,
}

impl Request {
    pub(super) fn get(path: &str, what: impl Into<String>) -> Self {
        Self::new(Method::GET, path, what)
    }

    pub(super) fn put(path: &str, what: impl Into<String>) -> Self {
        Self::new(Method::PUT, path, what)
    }

    pub(super) fn post(path: &str, what: impl Into<String>) -> Self {
        Self::new(Method::POST, path, what)
    }

    fn new(method: Method, path: &str, what: impl Into<String>) -> Self {
        Self {
            method,
            target: format!("/v1/{path}"),
            body: Bytes::new(),
            what: what.into(),
            permission: String::new(),
            wait: None,
            largest: SMALL,
        }
    }

    /// Appends a segment to the path, whatever stands in it.
    pub(super) fn segment(mut self, segment: &str) -> Self {
        self.target.push('/');
        encode(&mut self.target, segment);
        self
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.target
            .push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(name);
        self.target.push('=');
        encode(&mut self.target, value);
        self
    }

    pub(super) fn query_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// # Errors
    /// If `body` has no form in JSON.
    pub(super) fn json(mut self, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.body = serde_json::to_vec(body)?.into();
        Ok(self)
    }

    pub(super) fn needs(mut self, permission: impl Into<String>) -> Self {
        self.permission = permission.into();
        self
    }

    pub(super) fn large(mut self) -> Self {
        self.largest = LARGE;
        self
    }

    /// Waits for something newer than `index`, at most for `wait`.
    pub(super) fn newer_than(self, index: u64, wait: Duration) -> Self {
        if index == 0 {
            return self;
        }
        self.query("index", &index.to_string()).waiting(wait)
    }

    pub(super) fn waiting(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self.query("wait", &format!("{}ms", wait.as_millis()))
    }
}

/// Percent-encodes everything that might have a meaning in a URL.
fn encode(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(byte as char);
        } else {
            // Writing to a string does not fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_reach_out_of_their_place() {
        let request = Request::get("agent/service", "x")
            .segment("../a?b#c/ä")
            .query("dc", "d&e=f")
            .query_if("ns", None);
        assert_eq!(
            request.target,
            "/v1/agent/service/..%2Fa%3Fb%23c%2F%C3%A4?dc=d%26e%3Df"
        );
    }

    #[test]
    fn only_a_known_index_is_waited_on() {
        let first = Request::get("x", "x").newer_than(0, Duration::from_secs(30));
        assert_eq!((first.target.as_str(), first.wait), ("/v1/x", None));
        let next = Request::get("x", "x").newer_than(7, Duration::from_secs(30));
        assert_eq!(next.target, "/v1/x?index=7&wait=30000ms");
    }
}
