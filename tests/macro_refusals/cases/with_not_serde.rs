use meshrpc::mesh_service;

mod numbers {
    pub struct Wire;

    pub fn to_wire(_: &u64) -> Wire {
        Wire
    }

    pub fn from_wire(_: Wire) -> Result<u64, String> {
        Ok(1)
    }
}

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(with = numbers)] number: u64) -> Result<(), String>;
    #[mesh(with = numbers)]
    async fn g(&self) -> Result<u64, String>;
}

fn main() {}
