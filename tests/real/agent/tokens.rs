//! Tokens of an agent that asks for them.

use serde_json::{Value, json};

use super::Agent;

/// A token that an agent knows.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is revoked by.
    pub accessor: String,
    /// What is shown to be let in.
    pub secret: String,
}

impl Agent {
    /// A token that may be these services.
    ///
    /// # Panics
    /// If none can be made.
    pub async fn token_of(&self, services: &[&str]) -> Token {
        let service = |name: &&str| json!({"ServiceName": name});
        let services: Vec<Value> = services.iter().map(service).collect();
        self.token(json!({"ServiceIdentities": services})).await
    }

    /// A token that may do what the rules say.
    ///
    /// # Panics
    /// If none can be made.
    pub async fn token_with(&self, rules: &str) -> Token {
        let name = format!("rules-{}", fastrand::u64(..));
        let policy = json!({"Name": name, "Rules": rules});
        let policy = self.made("/v1/acl/policy", &policy).await;
        self.token(json!({"Policies": [{"ID": policy["ID"]}]}))
            .await
    }

    async fn token(&self, what: Value) -> Token {
        let made = self.made("/v1/acl/token", &what).await;
        let part = |name: &str| made[name].as_str().expect("a token has it").to_owned();
        Token {
            accessor: part("AccessorID"),
            secret: part("SecretID"),
        }
    }

    async fn made(&self, path: &str, what: &Value) -> Value {
        let made = self.put(path, what).await;
        serde_json::from_str(&made.text).expect("what was made is JSON")
    }
}
