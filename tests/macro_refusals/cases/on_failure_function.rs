use meshrpc::mesh_service;

fn lost(_: meshrpc::Error) -> String {
    String::new()
}

#[mesh_service]
pub trait Service {
    #[mesh(on_failure = lost)]
    async fn f(&self) -> u32;
}

fn main() {}
