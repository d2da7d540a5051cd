//! What choosing an instance costs, in one process: the same call over pipes in memory, to few
//! instances and to many.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::Result;
use meshrpc::{Call, Client, Mesh, client::balance::ranked};

use crate::{
    drive::Sample,
    message::Message,
    stacks::meshrpc::{Bench, BenchClient, server},
};

/// Orders of a session between two looks at the clock.
const ORDERS: u32 = 100;

/// Microseconds of a call in turn, of one by session, and of a session's order alone.
pub async fn balance(instances: usize, time: Duration) -> Result<Sample> {
    let mesh = Mesh::in_process();
    let mut serving = Vec::new();
    for _ in 0..instances {
        serving.push(mesh.serve("bench", server()).await?);
    }
    let client = BenchClient::connect(&mesh, "bench");
    Client::wait_ready_all(&client).await?;
    let session = client.with(Call::new().session("account-7"));
    // Each connection has its buffers then.
    calls(&client, time / 3).await?;
    Ok(Sample::from([
        ("turn_us".to_owned(), calls(&client, time / 3).await?),
        ("session_us".to_owned(), calls(&session, time / 3).await?),
        ("order_us".to_owned(), orders(instances, time / 3)),
    ]))
}

async fn calls(client: &BenchClient, time: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < time {
        client.echo(Message::new(calls)).await?.check(calls)?;
        calls += 1;
    }
    Ok(began.elapsed().as_nanos() as f64 / 1e3 / calls as f64)
}

fn orders(instances: usize, time: Duration) -> f64 {
    let names: Vec<String> = (0..instances).map(|n| format!("bench-{n}")).collect();
    let began = Instant::now();
    let mut orders = 0;
    while began.elapsed() < time {
        for _ in 0..ORDERS {
            black_box(ranked(black_box("account-7"), &names));
        }
        orders += ORDERS;
    }
    began.elapsed().as_nanos() as f64 / 1e3 / f64::from(orders)
}
