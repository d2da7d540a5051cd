use meshrpc::mesh_service;

#[mesh_service]
pub trait Service<>: for<'a> PartialEq<&'a str> {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
