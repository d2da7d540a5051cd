use meshrpc::mesh_service;

#[mesh_service(types(Row = u8))]
#[mesh(idempotent)]
pub trait Store {
    #[mesh(skip = 0)]
    type Row;
    #[mesh(local)]
    const ROWS: usize = 8;
    async fn first(&self) -> anyhow::Result<Self::Row>;
}

fn main() {}
