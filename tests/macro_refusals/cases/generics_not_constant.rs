use meshrpc::mesh_service;

#[mesh_service(generics(const T = 4))]
pub trait Service<T> {
    async fn f(&self, value: T) -> Result<(), String>;
}

fn main() {}
