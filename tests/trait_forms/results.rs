//! Methods whose error cannot hold a failed call: a function makes the result of one.

use std::{num::ParseIntError, str::FromStr as _};

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::{nowhere, pair};
use serde::{Deserialize, Serialize};

/// Crosses as a value, and has no place for a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Full {
    /// This many are there.
    Seats(u32),
}

/// Another crate's error is what nothing can be put into.
#[expect(clippy::needless_pass_by_value, reason = "as it is called")]
fn no_number(error: meshrpc::Error) -> Result<u32, ParseIntError> {
    match error.to_string().as_str() {
        "cannot parse integer from empty string" => u32::from_str(""),
        _ => u32::from_str("no number"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as it is called")]
fn no_seat(error: meshrpc::Error) -> Result<Vec<u8>, Full> {
    match error.kind() {
        meshrpc::Kind::Remote => Err(Full::Seats(1)),
        _ => Err(Full::Seats(0)),
    }
}

/// Each with a function of its own.
#[mesh_service]
pub trait Desk {
    /// Fails with another crate's error.
    #[mesh(on_failure = no_number)]
    async fn number(&self, text: &str) -> Result<u32, ParseIntError>;
    /// Fails with a value.
    #[mesh(on_failure = no_seat)]
    async fn seats(&self, count: u32) -> Result<Vec<u8>, Full>;
    /// The same, as a byte string.
    #[mesh(on_failure = no_seat, raw)]
    async fn plan(&self, count: u32) -> Result<Vec<u8>, Full>;
    /// A thread waits for it.
    #[mesh(on_failure = |_| Ok(7))]
    fn wait(&self) -> Result<u8, ParseIntError>;
}

struct Clerk;

impl Desk for Clerk {
    async fn number(&self, text: &str) -> Result<u32, ParseIntError> {
        text.parse()
    }
    async fn seats(&self, count: u32) -> Result<Vec<u8>, Full> {
        match count {
            0..10 => Ok(vec![9; count as usize]),
            _ => Err(Full::Seats(10)),
        }
    }
    async fn plan(&self, count: u32) -> Result<Vec<u8>, Full> {
        self.seats(count).await
    }
    fn wait(&self) -> Result<u8, ParseIntError> {
        Ok(3)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_s_own_error_arrives_as_it_can() {
    let desk = DeskClient::from_channel(pair(DeskHandler::new(Clerk)).await);
    assert_eq!(desk.number("12").await, Ok(12));
    assert_eq!(desk.number("").await, "".parse::<u32>());
    assert_eq!(desk.number("x").await, "x".parse::<u32>());
    assert_eq!(desk.seats(2).await, Ok(vec![9, 9]));
    assert_eq!(desk.seats(10).await, Err(Full::Seats(10)));
    assert_eq!(desk.plan(3).await, Ok(vec![9; 3]));
    assert_eq!(desk.plan(11).await, Err(Full::Seats(10)));
    assert_eq!(desk.wait(), Ok(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_what_the_function_makes_of_it() {
    let desk = DeskClient::from_channel(nowhere().await);
    assert!(desk.number("12").await.is_err());
    assert_eq!(desk.seats(2).await, Err(Full::Seats(0)));
    assert_eq!(desk.plan(2).await, Err(Full::Seats(0)));
    assert_eq!(desk.wait(), Ok(7));
}
