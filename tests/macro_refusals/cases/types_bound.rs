use meshrpc::mesh_service;

pub trait Service {}
pub struct Mistake;

impl From<meshrpc::Error> for Mistake {
    fn from(_: meshrpc::Error) -> Self {
        Self
    }
}

#[mesh_service(types(Error = Mistake))]
pub trait Store {
    type Error: std::fmt::Display;
    async fn f(&self) -> Result<(), Self::Error>;
}

fn main() {}
