//! The memory that a large byte string takes beside its own.
//!
//! One test, since the count is of the whole program. Both sides of a call are in it.

use bytes::Bytes;
use meshrpc::{mesh_service, testing::pair};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LARGE: usize = 64 << 20;

/// Takes and gives.
#[mesh_service]
trait Depot {
    /// Takes.
    async fn put(&self, #[mesh(raw)] bytes: Bytes) -> Result<usize, String>;
    /// Takes a vector.
    async fn put_vector(&self, #[mesh(raw)] bytes: Vec<u8>) -> Result<usize, String>;
    /// Takes what is borrowed.
    async fn put_slice(&self, #[mesh(raw)] bytes: &[u8]) -> Result<usize, String>;
    /// Takes, copying.
    async fn put_copied(&self, bytes: Vec<u8>) -> Result<usize, String>;
    /// Gives what it has.
    #[mesh(raw)]
    async fn get(&self) -> Result<Bytes, String>;
    /// Gives what it has as a vector.
    #[mesh(raw)]
    async fn get_vector(&self) -> Result<Vec<u8>, String>;
    /// Gives, copying.
    async fn get_copied(&self) -> Result<Vec<u8>, String>;
}

struct Shelf(Bytes);

impl Depot for Shelf {
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
    async fn get_vector(&self) -> Result<Vec<u8>, String> {
        Ok(self.0.to_vec())
    }
    async fn get_copied(&self) -> Result<Vec<u8>, String> {
        Ok(self.0.to_vec())
    }
}

/// The memory that `call` had at most beyond what there was before, in bodies.
async fn bodies<T>(call: impl Future<Output = Result<T, String>>) -> f64 {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    call.await.expect("it is answered");
    (MEMORY.peak_usage() - before) as f64 / LARGE as f64
}

#[tokio::test]
async fn a_raw_byte_string_is_there_once_at_each_side() {
    let held = Bytes::from(vec![7; LARGE]);
    let depot: DepotClient = pair(Shelf(held.clone()));
    // What is there once, such as buffers and the connection.
    depot.put(Bytes::new()).await.expect("it is answered");

    let vector = || held.to_vec();
    let given = vector();
    let put_vector = bodies(depot.put_vector(given)).await;
    let given = vector();
    let put_copied = bodies(depot.put_copied(given)).await;
    let raw = [
        ("put", bodies(depot.put(held.clone())).await, 1.0),
        ("put_vector", put_vector, 1.0),
        // What is borrowed is copied once.
        ("put_slice", bodies(depot.put_slice(&held)).await, 2.0),
        ("get", bodies(depot.get()).await, 1.0),
        // The implementation makes one.
        ("get_vector", bodies(depot.get_vector()).await, 2.0),
    ];
    for (method, bodies, expected) in raw {
        assert!(
            bodies < expected + 0.1,
            "`{method}`: {bodies:.2} bodies at a time instead of {expected}"
        );
    }
    // Without it there is one more, or this test measures nothing.
    let copied = [
        ("put_copied", put_copied, 3.0),
        ("get_copied", bodies(depot.get_copied()).await, 3.0),
    ];
    for (method, bodies, expected) in copied {
        assert!(
            (expected - 0.1..expected + 0.1).contains(&bodies),
            "`{method}`: {bodies:.2} bodies at a time instead of {expected}"
        );
    }
}
