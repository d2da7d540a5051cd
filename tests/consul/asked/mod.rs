//! What real agents are asked, and what becomes of their answers.
//!
//! - `services`: registration, checks, maintenance, lists
//! - `mesh`: intentions and certificates
//! - `tokens`: missing, wrong, weak, replaced
//! - `ways`: TLS, Unix sockets, names; agents that do not answer
//! - `lists`: what a client knows while agents come, go, and lose their state
//! - `backward`: an index that goes backward

mod backward;
mod lists;
mod mesh;
mod services;
mod tokens;
mod ways;

use meshrpc::mesh::{
    Environment,
    consul::{Consul, agent::Agent},
};
use meshrpc_tests::real;

/// A client of `agent`, with the token that may do everything if it asks for one.
fn client(agent: &real::Agent) -> Agent {
    open(&agent.url("via=plain"), agent.master(), agent)
        .agent()
        .clone()
}

/// What `url` means with this token.
fn open(url: &str, token: Option<&str>, agent: &real::Agent) -> Consul {
    let environment = match token {
        None => Environment::from_vars([("", ""); 0]),
        Some(token) => {
            let file = agent.folder().join(format!("token-{token}"));
            std::fs::write(&file, token).expect("the folder can be written");
            Environment::from_vars([("MESHRPC_TOKEN_FILE", file)])
        }
    };
    let environment = environment.expect("the environment is well-formed");
    Consul::open(url, &environment).expect("the URL is well-formed")
}
