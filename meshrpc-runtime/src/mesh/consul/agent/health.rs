//! Lists of instances.

use std::time::Duration;

use http::HeaderMap;

use super::{Agent, AgentError, Entry, request::Request};

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// Name of the service.
    pub service: String,
    /// Sidecars that lead to it, instead of its own instances.
    pub connect: bool,
    /// Only those whose checks all pass.
    pub passing: bool,
}

/// A list as it is at one time.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// Position in the history of the answer, to wait for the next; 0 if the agent gave none.
    pub index: u64,
    /// Whether the agent says that it left out what the token may not read. It does not always.
    pub filtered: bool,
}

impl Agent {
    /// The instances of a service: at once, or if `index` is not 0, when the list is newer than
    /// that, and after `wait` in any case. A service that nobody registered has none; so has, at
    /// many agents, one that the token may not read.
    ///
    /// # Errors
    /// As [`Trouble`](super::Trouble) says.
    pub async fn instances(
        &self,
        lookup: &Lookup,
        index: u64,
        wait: Duration,
    ) -> Result<Answer<Vec<Entry>>, AgentError> {
        let Lookup {
            service,
            connect,
            passing,
        } = lookup;
        let path = if *connect {
            "health/connect"
        } else {
            "health/service"
        };
        let request = Request::get(path, format!("listing the instances of {service}"))
            .segment(service)
            .query_if("passing", passing.then_some("true"))
            .query_if("dc", self.datacenter.as_deref())
            .newer_than(index, self.wait_limit(wait))
            .needs(format!("service:read on {service}"))
            .large();
        let (entries, headers): (Option<_>, _) = self.listed(request).await?;
        Ok(Answer::new(entries.unwrap_or_default(), &headers))
    }
}

impl<T> Answer<T> {
    pub(super) fn new(value: T, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        Self {
            value,
            index: text("x-consul-index")
                .and_then(|index| index.parse().ok())
                .unwrap_or(0),
            filtered: text("x-consul-results-filtered-by-acls") == Some("true"),
        }
    }
}
