#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    Mesh(#[mesh(transport)] meshrpc::Error),
    #[mesh(fallback)]
    Other(String),
}

fn main() {}
