use meshrpc::mesh_service;

#[mesh_service(generics(T = std::vec::IntoIter<u8>))]
pub trait Service<T: Iterator + ExactSizeIterator> {
    async fn f(&self, value: T::Item) -> Result<(), String>;
}

fn main() {}
