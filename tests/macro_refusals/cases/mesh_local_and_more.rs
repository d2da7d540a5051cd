use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(local, idempotent)]
    fn label(&self) -> u8 {
        1
    }
}

fn main() {}
