use meshrpc::mesh_service;

pub struct Row(u32);

mod row {
    pub fn from_wire(wire: u32) -> Result<super::Row, String> {
        Ok(super::Row(wire))
    }
}

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(with = row)] row: Row) -> anyhow::Result<()>;
}

fn main() {}
