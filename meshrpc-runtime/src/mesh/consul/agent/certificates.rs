//! The mesh's certificate authority, as an agent passes it on.

use std::time::Duration;

use serde::Serialize;

use super::{Agent, AgentError, Answer, Authorization, Leaf, Roots, Trouble, request::Request};

impl Agent {
    /// The certificates that the mesh trusts: at once, or if `index` is not 0, when they are newer
    /// than that, and after `wait` in any case.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Unsupported`] where Connect is off.
    pub async fn roots(&self, index: u64, wait: Duration) -> Result<Answer<Roots>, AgentError> {
        let request = Request::get("agent/connect/ca/roots", "asking for the mesh's roots")
            .newer_than(index, self.wait_limit(wait));
        let (roots, headers) = self.listed(request).await?;
        Ok(Answer::new(roots, &headers))
    }

    /// Makes sure that the mesh has certificates: an agent that has just started may have none yet.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::NoLeader`] while there are none, and
    /// [`Trouble::Unsupported`] where Connect is off.
    pub async fn require_roots(&self) -> Result<(), AgentError> {
        let roots = self.roots(0, Duration::ZERO).await?.value;
        if roots.roots.iter().any(|root| root.active) {
            return Ok(());
        }
        let text = "the mesh has no root certificate yet".to_owned();
        Err(self.error(
            "asking for the mesh's roots".to_owned(),
            Trouble::NoLeader { text },
        ))
    }

    /// A certificate for `service` with its key; when, as for [`roots`](Self::roots).
    ///
    /// # Errors
    /// As [`Trouble`] says. An agent that is no loopback neighbour should not be asked: it hands
    /// out keys.
    pub async fn leaf(
        &self,
        service: &str,
        index: u64,
        wait: Duration,
    ) -> Result<Answer<Leaf>, AgentError> {
        let what = format!("asking for a certificate for {service}");
        let request = Request::get("agent/connect/ca/leaf", what)
            .segment(service)
            .newer_than(index, self.wait_limit(wait))
            .needs(format!("service:write on {service}"));
        let (leaf, headers) = self.listed(request).await?;
        Ok(Answer::new(leaf, &headers))
    }

    /// Whether the owner of a certificate may connect to `target`. The certificate's chain and
    /// trust domain are not looked at: verify them first.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn authorize(
        &self,
        target: &str,
        client_uri: &str,
        client_serial: &str,
    ) -> Result<Authorization, AgentError> {
        #[derive(Serialize)]
        struct Question<'a> {
            #[serde(rename = "Target")]
            target: &'a str,
            #[serde(rename = "ClientCertURI")]
            uri: &'a str,
            #[serde(rename = "ClientCertSerial")]
            serial: &'a str,
        }
        let question = Question {
            target,
            uri: client_uri,
            serial: client_serial,
        };
        let what = format!("asking who may connect to {target}");
        let request = Request::post("agent/connect/authorize", what)
            .needs(format!("service:write on {target}"))
            .json(&question);
        match request {
            Ok(request) => self.value(request).await,
            Err(error) => {
                let what = "asking who may connect".to_owned();
                let reason = error.to_string();
                Err(self.error(what, Trouble::Local { reason }))
            }
        }
    }
}
