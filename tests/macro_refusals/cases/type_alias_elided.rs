use meshrpc::mesh_service;

pub type Name<'a> = &'a str;

#[mesh_service]
pub trait Service {
    fn f(&self, name: Name) -> anyhow::Result<()>;
}

fn main() {}
