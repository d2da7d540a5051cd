//! The latest certificates, as the agent tells of them.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    super::agent::{Agent, AgentError, Answer, Leaf, Roots},
    papers::Papers,
};
use crate::error::{Code, Error, Kind};

/// How long the agent may wait for news: one that lost its state may else sleep through them.
const WAIT: Duration = Duration::from_secs(30);
/// First and longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Least time between two questions, should an agent answer without waiting.
const LEAST: Duration = Duration::from_millis(100);

/// What is known of this process's certificates.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// Nothing yet, perhaps for this reason.
    Nothing(Option<Trouble>),
    /// The latest that could be used.
    Papers(Arc<Papers>),
}

/// Why there are none.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    kind: Kind,
    code: Code,
    text: String,
}

/// A question that is asked again when there is news.
struct Query<T> {
    index: u64,
    failures: u32,
    not_before: Instant,
    value: Option<T>,
}

impl Trouble {
    pub(super) fn error(&self) -> Error {
        Error::new(self.kind, self.text.clone()).with_code(self.code)
    }

    fn unusable(why: &str) -> Self {
        Self {
            kind: Kind::Unavailable,
            code: Code::Unavailable,
            text: format!("the certificates from Consul cannot be used: {why}"),
        }
    }
}

impl From<AgentError> for Trouble {
    fn from(error: AgentError) -> Self {
        let error = Error::from(error);
        Self {
            kind: error.kind(),
            code: error.code(),
            text: error.to_string(),
        }
    }
}

/// Asks for certificates of `service` and for the roots, until nobody wants to know.
pub(super) async fn follow(
    agent: Agent,
    service: String,
    datacenter: Option<String>,
    sender: watch::Sender<Known>,
) {
    let (mut roots, mut leaf) = (Query::<Roots>::new(), Query::<Leaf>::new());
    loop {
        // A question that is given up for the other's answer is asked again, with the same index.
        let ask_roots = async {
            sleep_until(roots.not_before).await;
            agent.roots(roots.index, WAIT).await
        };
        let ask_leaf = async {
            sleep_until(leaf.not_before).await;
            agent.leaf(&service, leaf.index, WAIT).await
        };
        let trouble = tokio::select! {
            () = sender.closed() => return,
            answer = ask_roots => roots.take(answer),
            answer = ask_leaf => leaf.take(answer),
        };
        let made = match (&roots.value, &leaf.value, trouble) {
            (_, _, Some(trouble)) => Err(trouble),
            (Some(roots), Some(leaf), None) => Papers::new(roots, leaf, datacenter.as_deref())
                .map_err(|why| Trouble::unusable(&why)),
            _ => continue,
        };
        match made {
            Ok(papers) => {
                sender.send_replace(Known::Papers(Arc::new(papers)));
            }
            Err(trouble) => {
                // What could be used before is better than nothing.
                sender.send_if_modified(|known| match known {
                    Known::Papers(_) => false,
                    Known::Nothing(_) => {
                        *known = Known::Nothing(Some(trouble));
                        true
                    }
                });
            }
        }
    }
}

impl<T> Query<T> {
    fn new() -> Self {
        Self {
            index: 0,
            failures: 0,
            not_before: Instant::now(),
            value: None,
        }
    }

    fn take(&mut self, answer: Result<Answer<T>, AgentError>) -> Option<Trouble> {
        match answer {
            Ok(Answer { value, index, .. }) => {
                // An index that goes back is one of another history.
                self.index = if index < self.index { 0 } else { index };
                self.failures = 0;
                self.not_before = Instant::now() + LEAST;
                self.value = Some(value);
                None
            }
            Err(error) => {
                let (first, longest) = PAUSE;
                let pause = first
                    .saturating_mul(1 << self.failures.min(16))
                    .min(longest);
                self.failures = self.failures.saturating_add(1);
                self.not_before = Instant::now() + pause.mul_f64(0.5 + fastrand::f64() / 2.0);
                self.index = 0;
                tracing::debug!(%error, "no certificates from Consul");
                Some(error.into())
            }
        }
    }
}
