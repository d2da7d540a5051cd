use meshrpc::mesh_service;

#[mesh_service(generics(T = &'static str))]
pub trait Service<T> {
    async fn f(&self, value: T) -> Result<(), String>;
}

fn main() {}
