#[derive(Debug, meshrpc::MeshError)]
pub enum Failure<'a> {
    NoPage(&'a str),
    #[mesh(transport)]
    Mesh(meshrpc::Error),
}

fn main() {}
