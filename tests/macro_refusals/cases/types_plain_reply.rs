use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Span;

#[mesh_service(types(Tracer = Span))]
pub trait Provider {
    type Tracer;
    fn tracer(&self) -> Self::Tracer;
}

fn main() {}
