use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(local, on_failure = default)]
    fn f(&self) -> u32 {
        1
    }
}

fn main() {}
