#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    #[mesh(transport)]
    Mesh(meshrpc::Error),
    #[mesh(transport)]
    Again(meshrpc::Error),
}

fn main() {}
