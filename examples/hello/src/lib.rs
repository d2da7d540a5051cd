//! The trait, as it was before it was served, but for one line.

/// Greets people.
#[meshrpc::mesh_service]
pub trait Hello {
    /// Greets `name`.
    async fn hello(&self, name: &str) -> anyhow::Result<String>;
}
