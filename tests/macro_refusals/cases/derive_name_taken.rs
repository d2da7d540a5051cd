#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    NoPage,
    #[mesh(name = "NoPage")]
    Gone,
    #[mesh(transport)]
    Mesh(meshrpc::Error),
}

fn main() {}
