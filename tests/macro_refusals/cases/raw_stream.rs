use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(
        &self,
        #[mesh(raw)] rows: impl futures_util::Stream<Item = Vec<u8>> + Send + 'static,
    ) -> Result<(), String>;
}

fn main() {}
