#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    #[mesh(transport)]
    Mesh { error: meshrpc::Error, attempt: u32 },
    #[mesh(fallback)]
    Other(String),
}

fn main() {}
