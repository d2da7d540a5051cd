use meshrpc::mesh_service;

mod numbers {
    pub fn to_wire(number: &u64) -> String {
        number.to_string()
    }
}

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(with = numbers)] number: u64) -> Result<(), String>;
}

fn main() {}
