use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    fn label(&self) -> &'static str {
        "x"
    }
}

fn main() {}
