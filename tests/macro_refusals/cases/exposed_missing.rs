use meshrpc::mesh_service;

#[mesh_service(exposed)]
pub trait Service {
    /// No file stands beside this source.
    async fn f(&self) -> Result<(), String>;
}

fn main() {
    // The code is there, so that nothing else fails.
    let _ = std::any::type_name::<ServiceClient>();
}
