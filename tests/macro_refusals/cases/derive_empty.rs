#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {}

fn main() {}
