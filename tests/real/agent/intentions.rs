//! Who may call whom.

use ::http::Method;
use serde_json::{Value, json};

use super::Agent;
use crate::real::Release;

/// What was said of who may call whom, until it is taken back.
#[derive(Debug)]
pub struct Intention {
    /// Where it can be removed.
    path: String,
}

impl Agent {
    /// Denies calls from `source` to `destination`.
    ///
    /// # Panics
    /// If the agent does not take it.
    pub async fn deny(&self, source: &str, destination: &str) -> Intention {
        self.intend(source, destination, "deny").await
    }

    /// Allows calls from `source` to `destination`.
    ///
    /// # Panics
    /// If the agent does not take it.
    pub async fn allow(&self, source: &str, destination: &str) -> Intention {
        self.intend(source, destination, "allow").await
    }

    async fn intend(&self, source: &str, destination: &str, action: &str) -> Intention {
        match self.consul().release {
            Release::V1_8 => {
                let intention = json!({
                    "SourceName": source, "DestinationName": destination,
                    "SourceType": "consul", "Action": action,
                });
                let path = "/v1/connect/intentions";
                let made = self.done(Method::POST, path, Some(&intention)).await;
                let made: Value = serde_json::from_str(&made.text).expect("it is JSON");
                let id = made["ID"].as_str().expect("an intention has an id");
                let path = format!("{path}/{id}");
                Intention { path }
            }
            Release::V1_22 => {
                let path = "/v1/connect/intentions/exact";
                let path = format!("{path}?source={source}&destination={destination}");
                let intention = json!({"SourceType": "consul", "Action": action});
                self.put(&path, &intention).await;
                Intention { path }
            }
        }
    }

    /// Takes it back.
    ///
    /// # Panics
    /// If the agent does not let it go.
    pub async fn take_back(&self, intention: Intention) {
        self.delete(&intention.path).await;
    }
}
