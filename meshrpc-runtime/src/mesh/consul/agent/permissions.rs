//! Who may call whom, and what a token may.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Agent, AgentError, Trouble, exchange::ACLS_OFF, request::Request};

impl Agent {
    /// Whether intentions let `source` connect to `destination`. It is answered by the agent's
    /// servers, and denied to a token that may not read `destination`: where lists are silently
    /// empty, this is an error.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn may_connect(&self, source: &str, destination: &str) -> Result<bool, AgentError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Verdict {
            allowed: bool,
        }
        let what = format!("asking whether {source} may connect to {destination}");
        let request = Request::get("connect/intentions/check", what)
            .query("source", source)
            .query("destination", destination)
            .query_if("dc", self.datacenter.as_deref())
            .needs(format!("service:read on {destination}"));
        let verdict: Verdict = self.value(request).await?;
        Ok(verdict.allowed)
    }

    /// Which of `rights` the token does not give. None are missing where ACLs are off: such an agent
    /// is asked once, since it notes each question as an error of its own, and again once it may be
    /// another one, having been away, or denied something.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Denied`] for a token that the agent does not know.
    pub async fn missing_rights<'r>(
        &self,
        rights: &[Right<'r>],
    ) -> Result<Vec<Right<'r>>, AgentError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Verdict {
            allow: bool,
        }
        let what = "asking for the token's rights";
        let exchange = &self.exchange;
        if exchange.acls_are_off() {
            return Ok(Vec::new());
        }
        let asked_of = exchange.agent();
        let needed: Vec<String> = rights.iter().map(ToString::to_string).collect();
        let request = Request::post("internal/acl/authorize", what)
            .query_if("dc", self.datacenter.as_deref())
            .needs(needed.join(", "))
            .json(&rights)
            .map_err(|error| {
                let reason = error.to_string();
                self.error(what.to_owned(), Trouble::Local { reason })
            })?;
        let verdicts: Vec<Verdict> = match self.value(request).await {
            Ok(verdicts) => verdicts,
            Err(error) if is_without_acls(&error) => {
                exchange.note_acls_off(asked_of);
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        if verdicts.len() != rights.len() {
            let reason = "it answers another question than it was asked".to_owned();
            return Err(self.error(what.to_owned(), Trouble::Malformed { reason }));
        }
        let judged = rights.iter().zip(verdicts);
        Ok(judged
            .filter(|(_, verdict)| !verdict.allow)
            .map(|(right, _)| *right)
            .collect())
    }

    /// Makes sure that the token gives all of `rights`. Lists leave out in silence what a token may
    /// not read; this tells.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Denied`] with the rights that are missing.
    pub async fn require(&self, rights: &[Right<'_>]) -> Result<(), AgentError> {
        let missing = self.missing_rights(rights).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let text = match self.exchange.token {
            Some(_) => "the token does not give it",
            None => "there is no token",
        };
        let trouble = Trouble::Denied {
            permission: missing.join(", "),
            text: text.to_owned(),
        };
        Err(self.error("asking for the token's rights".to_owned(), trouble))
    }
}

fn is_without_acls(error: &AgentError) -> bool {
    matches!(&error.trouble, Trouble::Unsupported { text } if text.contains(ACLS_OFF))
}

/// One right that a token may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Right<'r> {
    resource: &'static str,
    access: &'static str,
    segment: &'r str,
}

impl<'r> Right<'r> {
    /// To find the service and its instances.
    pub fn read_service(service: &'r str) -> Self {
        Self {
            resource: "service",
            access: "read",
            segment: service,
        }
    }

    /// To register the service, and to have its certificate.
    pub fn write_service(service: &'r str) -> Self {
        Self {
            access: "write",
            ..Self::read_service(service)
        }
    }

    /// To see the nodes that instances run on.
    pub fn read_nodes() -> Self {
        Self {
            resource: "node",
            access: "read",
            segment: "",
        }
    }
}

impl fmt::Display for Right<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource,
            access,
            segment,
        } = self;
        match *segment {
            "" => write!(f, "{resource}:{access}"),
            segment => write!(f, "{resource}:{access} on {segment}"),
        }
    }
}
