#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    NoPage {
        #[cfg(all())]
        number: u64,
    },
    #[mesh(transport)]
    Mesh(meshrpc::Error),
}

fn main() {}
