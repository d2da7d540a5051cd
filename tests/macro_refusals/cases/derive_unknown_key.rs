#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    #[mesh(code = not_found)]
    NoPage,
    #[mesh(transport)]
    Mesh(meshrpc::Error),
}

fn main() {}
