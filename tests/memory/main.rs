//! The memory that a large byte string takes beside its own.
//!
//! One test, since the count is of the whole program. Both sides of a call are in it.

use bytes::Bytes;
use meshrpc::{Server, mesh_service, testing::Network};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// From 4 MiB on, what arrives has pages of its own, which no allocator counts.
const LARGE: usize = (4 << 20) - 1_024;
/// Beside the bodies there is what is on its way, and there are buffers that a connection has only
/// while it works; in bodies.
const ON_ITS_WAY: f64 = 0.25;

/// What is called, with types that keep what is sent at the caller.
#[mesh_service]
trait Depot {
    /// Sends.
    async fn put(&self, #[mesh(raw)] bytes: Bytes) -> Result<usize, String>;
    /// Sends what the callee takes as a vector.
    async fn put_vector(&self, #[mesh(raw)] bytes: Bytes) -> Result<usize, String>;
    /// Sends what is borrowed.
    async fn put_slice(&self, #[mesh(raw)] bytes: &[u8]) -> Result<usize, String>;
    /// Sends a copy of a copy.
    async fn put_copied(&self, bytes: &[u8]) -> Result<usize, String>;
    /// Gets.
    #[mesh(raw)]
    async fn get(&self) -> Result<Bytes, String>;
    /// Gets as a vector.
    #[mesh(raw)]
    async fn get_vector(&self) -> Result<Vec<u8>, String>;
    /// Gets a copy of a copy.
    async fn get_copied(&self) -> Result<Vec<u8>, String>;
}

/// The same as it is served, with types that keep what is sent at the callee.
#[mesh_service(name = "Depot")]
trait Served {
    /// Takes.
    async fn put(&self, #[mesh(raw)] bytes: Bytes) -> Result<usize, String>;
    /// Takes a vector.
    async fn put_vector(&self, #[mesh(raw)] bytes: Vec<u8>) -> Result<usize, String>;
    /// Takes what is borrowed.
    async fn put_slice(&self, #[mesh(raw)] bytes: &[u8]) -> Result<usize, String>;
    /// Takes a copy.
    async fn put_copied(&self, bytes: Vec<u8>) -> Result<usize, String>;
    /// Gives.
    #[mesh(raw)]
    async fn get(&self) -> Result<Bytes, String>;
    /// Gives what the caller takes as a vector.
    #[mesh(raw)]
    async fn get_vector(&self) -> Result<Bytes, String>;
    /// Gives a copy.
    async fn get_copied(&self) -> Result<Vec<u8>, String>;
}

struct Shelf(Bytes);

impl Served for Shelf {
    async fn put(&self, bytes: Bytes) -> Result<usize, String> {
        Ok(bytes.len())
    }
    async fn put_vector(&self, bytes: Vec<u8>) -> Result<usize, String> {
        Ok(bytes.len())
    }
    async fn put_slice(&self, bytes: &[u8]) -> Result<usize, String> {
        Ok(bytes.len())
    }
    async fn put_copied(&self, bytes: Vec<u8>) -> Result<usize, String> {
        Ok(bytes.len())
    }
    async fn get(&self) -> Result<Bytes, String> {
        Ok(self.0.clone())
    }
    async fn get_vector(&self) -> Result<Bytes, String> {
        Ok(self.0.clone())
    }
    async fn get_copied(&self) -> Result<Vec<u8>, String> {
        Ok(self.0.to_vec())
    }
}

/// The memory that `call` had at most beyond what there was before, in bodies.
async fn bodies<T>(call: impl Future<Output = Result<T, String>>) -> f64 {
    // The tasks of the call before have still to let go of it.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    call.await.expect("it is answered");
    (MEMORY.peak_usage() - before) as f64 / LARGE as f64
}

#[tokio::test]
async fn a_raw_byte_string_is_there_once_at_each_side() {
    let held = Bytes::from(vec![7; LARGE]);
    let served = ServedHandler::new(Shelf(held.clone()));
    let server = Server::builder().service(served).build();
    let depot: DepotClient = Network::new().pair_with(server);
    // What is there once, such as buffers and the connection.
    depot.put(Bytes::new()).await.expect("it is answered");

    // One at the side that has nothing yet, and none at the other.
    let raw = [
        ("put", bodies(depot.put(held.clone())).await, 1.0),
        (
            "put_vector",
            bodies(depot.put_vector(held.clone())).await,
            1.0,
        ),
        // What is borrowed is copied once.
        ("put_slice", bodies(depot.put_slice(&held)).await, 2.0),
        ("get", bodies(depot.get()).await, 1.0),
        ("get_vector", bodies(depot.get_vector()).await, 1.0),
    ];
    for (method, bodies, expected) in raw {
        assert!(
            bodies < expected + ON_ITS_WAY,
            "`{method}`: {bodies:.2} bodies at a time instead of {expected}"
        );
    }
    // Without it there is one more, or this test measures nothing.
    let copied = [
        ("put_copied", bodies(depot.put_copied(&held)).await),
        ("get_copied", bodies(depot.get_copied()).await),
    ];
    for (method, bodies) in copied {
        assert!(bodies > 1.9, "`{method}`: {bodies:.2} bodies at a time");
    }
}
