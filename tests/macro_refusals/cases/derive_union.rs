#[derive(meshrpc::MeshError)]
pub union Failure {
    whole: u32,
    bytes: [u8; 4],
}

fn main() {}
