use meshrpc::mesh_service;

#[mesh_service]
pub trait Wallet: Send + Sync {
    type Error: std::error::Error;
    type Prepared<'a>;
    async fn balance(&self) -> Result<u64, Self::Error>;
    async fn total(&self) -> Result<u64, std::io::Error>;
    #[cfg(any())]
    fn limit(&self) -> Result<bool, Self::Error>;
    #[cfg(all())]
    fn limited(&self) -> std::io::Result<bool>;
}

fn main() {}
