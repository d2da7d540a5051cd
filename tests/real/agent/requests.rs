//! What an agent is asked.

use std::{net::SocketAddr, time::Duration};

use ::http::{Method, Request};
use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Agent;
use crate::http::send;

/// How long an answer may take that is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an agent answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Body.
    pub text: String,
    /// Where the next query is to go on, or 0.
    pub index: u64,
}

/// Asks an agent, whoever holds that.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    http: SocketAddr,
    token: Option<&'static str>,
}

impl Agent {
    /// For tasks that ask on their own.
    pub fn asker(&self) -> Asker {
        Asker {
            http: self.http(),
            token: self.master(),
        }
    }

    /// Asks for `path`, as whoever may do everything.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        self.asker().get(path).await
    }

    /// Asks for `path`, which has to be granted.
    ///
    /// # Panics
    /// If it is not.
    pub async fn json(&self, path: &str) -> Value {
        let reply = self.get(path).await.expect("the agent answers");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        serde_json::from_str(&reply.text).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Puts `body` to `path`, which has to be granted.
    ///
    /// # Panics
    /// If it is not.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.done(Method::PUT, path, Some(body)).await
    }

    /// Removes `path`, which has to be granted.
    ///
    /// # Panics
    /// If it is not.
    pub async fn delete(&self, path: &str) -> Reply {
        self.done(Method::DELETE, path, None).await
    }

    pub(super) async fn done(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let reply = self.ask(method, path, self.master(), body).await;
        let reply = reply.expect("the agent answers");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply
    }

    /// Asks anything with any token.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let http = self.http();
        Asker { http, token: None }
            .ask(method, path, token, body)
            .await
    }

    /// The ids of the instances of `service` whose sidecars can be dialled.
    ///
    /// # Errors
    /// If the agent does not say.
    pub async fn passing(&self, service: &str) -> anyhow::Result<Vec<String>> {
        let path = format!("/v1/health/connect/{service}?passing");
        let entries = self.entries(&path).await?;
        let id = |entry: &Value| {
            let id = entry["Service"]["Proxy"]["DestinationServiceID"].as_str();
            id.map(str::to_owned).context("a sidecar belongs to an id")
        };
        entries.iter().map(id).collect()
    }

    /// The ids of the instances of `service` that are registered, whatever their state.
    ///
    /// # Errors
    /// If the agent does not say.
    pub async fn registered(&self, service: &str) -> anyhow::Result<Vec<String>> {
        let entries = self
            .entries(&format!("/v1/health/service/{service}"))
            .await?;
        let id = |entry: &Value| {
            let id = entry["Service"]["ID"].as_str();
            id.map(str::to_owned).context("a service has an id")
        };
        entries.iter().map(id).collect()
    }

    async fn entries(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let reply = self.get(path).await?;
        ensure!(reply.status == 200, "{path}: {}", reply.text);
        Ok(serde_json::from_str(&reply.text)?)
    }
}

impl Asker {
    /// Asks for `path`.
    ///
    /// # Errors
    /// If the agent does not answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        self.ask(Method::GET, path, self.token, None).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("x-consul-token", token);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = send(self.http, request.body(body)?);
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let response = answer.with_context(|| format!("{path}: no answer"))??;
        let index = response.headers().get("x-consul-index");
        let index = index.and_then(|index| index.to_str().ok()?.parse().ok());
        Ok(Reply {
            status: response.status().as_u16(),
            text: String::from_utf8_lossy(response.body()).into_owned(),
            index: index.unwrap_or(0),
        })
    }
}
