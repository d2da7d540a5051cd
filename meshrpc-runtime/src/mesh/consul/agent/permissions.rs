//! Who may call whom, and what a token may.

use serde::Deserialize;

use super::{Agent, AgentError, Trouble, request::Request};

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

    /// Whether the agent knows the token at all. True where ACLs are off.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Denied`] for a token that it does not know.
    pub async fn check_token(&self) -> Result<(), AgentError> {
        let request = Request::get("acl/token/self", "asking for the token's rights");
        match self.send(request.needs("any rights")).await {
            Err(error) if !matches!(error.trouble, Trouble::Unsupported { .. }) => Err(error),
            _ => Ok(()),
        }
    }
}
