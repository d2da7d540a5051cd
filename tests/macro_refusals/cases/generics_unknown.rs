use meshrpc::mesh_service;

#[mesh_service(generics(T = u8, U = u8))]
pub trait Service<T> {
    async fn f(&self, value: T) -> Result<(), String>;
}

fn main() {}
