use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(local)]
    fn label(&self) -> &'static str;
}

fn main() {}
