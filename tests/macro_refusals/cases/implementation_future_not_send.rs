use std::{future::Future, rc::Rc};

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self) -> impl Future<Output = anyhow::Result<String>>;
}

struct Polite;

impl Greeter for Polite {
    fn greet(&self) -> impl Future<Output = anyhow::Result<String>> {
        async {
            let text = Rc::new(String::from("Hello"));
            std::future::ready(()).await;
            Ok(String::clone(&text))
        }
    }
}

fn main() {}
