#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    #[mesh(status = missing)]
    NoPage(u64),
    #[mesh(transport)]
    Mesh(meshrpc::Error),
}

fn main() {}
