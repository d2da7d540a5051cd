#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    #[cfg(all())]
    #[mesh(transport)]
    Mesh(meshrpc::Error),
    #[mesh(fallback)]
    Other(String),
}

fn main() {}
