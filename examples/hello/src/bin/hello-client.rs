//! Calls `Hello`.

use hello::{Hello as _, HelloClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mesh = meshrpc::Mesh::from_env().await?;
    let hello = HelloClient::connect(&mesh, "hello").hello("Max").await?;
    println!("{hello}");
    Ok(())
}
