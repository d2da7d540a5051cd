use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(raw)]
    async fn f(
        &self,
        rows: impl futures_util::Stream<Item = u64> + Send + 'static,
    ) -> Result<Vec<u8>, String>;
}

fn main() {}
