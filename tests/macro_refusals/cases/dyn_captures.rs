use meshrpc::mesh_service;

#[mesh_service(dyn)]
pub trait Service {
    fn f(&self) -> impl Future<Output = Result<(), String>> + use<Self>;
}

fn main() {}
