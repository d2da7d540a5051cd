#[derive(Debug, meshrpc::MeshError)]
#[mesh(transport)]
pub struct Failure(String);

impl From<meshrpc::Error> for Failure {
    fn from(error: meshrpc::Error) -> Self {
        Failure(error.to_string())
    }
}

fn main() {}
