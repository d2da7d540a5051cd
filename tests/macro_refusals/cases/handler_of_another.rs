use meshrpc::{Server, mesh_service};

#[mesh_service]
trait Greeter {
    async fn greet(&self) -> anyhow::Result<()>;
}

struct Desk;

fn main() {
    let _ = Server::builder().service(GreeterHandler::new(Desk)).build();
}
