use meshrpc::mesh_service;

#[mesh_service(types(T = String))]
pub trait Service<T = u8> {
    async fn f(&self, value: T) -> Result<(), String>;
}

fn main() {}
