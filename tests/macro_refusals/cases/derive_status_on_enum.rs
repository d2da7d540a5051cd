#[derive(Debug, meshrpc::MeshError)]
#[mesh(status = not_found)]
pub enum Failure {
    NoPage(u64),
    #[mesh(transport)]
    Mesh(meshrpc::Error),
}

fn main() {}
