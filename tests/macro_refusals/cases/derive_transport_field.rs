#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    NoPage(u64),
    #[mesh(transport)]
    Mesh(u32),
}

fn main() {}
