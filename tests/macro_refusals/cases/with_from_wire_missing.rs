use meshrpc::mesh_service;

pub struct Row(u32);

mod row {
    pub fn to_wire(row: &super::Row) -> u32 {
        row.0
    }
}

#[mesh_service]
pub trait Service {
    #[mesh(with = row)]
    async fn f(&self) -> anyhow::Result<Row>;
}

fn main() {}
