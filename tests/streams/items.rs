//! What items are worth at the other end: each one equal to what was sent, whatever it needs.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

use crate::support::serve;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    tail: u8,
}

#[mesh_service]
trait Rows {
    fn rows(&self, count: u64) -> impl Stream<Item = anyhow::Result<Row>> + Send;
    fn numbers(&self, count: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    fn blobs(&self, sizes: Vec<usize>) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send;
    async fn take(&self, rows: impl Stream<Item = Row> + Send) -> anyhow::Result<Vec<Row>>;
    async fn count(&self, numbers: impl Stream<Item = u64> + Send) -> anyhow::Result<(u64, u64)>;
    async fn sizes(&self, blobs: impl Stream<Item = Vec<u8>> + Send) -> anyhow::Result<Vec<usize>>;
}

struct Table;

/// All but the last one have every field.
fn row(id: u64, count: u64) -> Row {
    let note = (id + 1 < count).then(|| format!("note {id}"));
    let tail = id as u8;
    Row { id, note, tail }
}

fn blob(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

impl Rows for Table {
    fn rows(&self, count: u64) -> impl Stream<Item = anyhow::Result<Row>> + Send {
        stream::iter(0..count).map(move |id| Ok(row(id, count)))
    }

    fn numbers(&self, count: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        stream::iter(0..count).map(Ok)
    }

    fn blobs(&self, sizes: Vec<usize>) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send {
        stream::iter(sizes).map(|size| Ok(blob(size)))
    }

    async fn take(&self, rows: impl Stream<Item = Row> + Send) -> anyhow::Result<Vec<Row>> {
        Ok(rows.collect().await)
    }

    async fn count(&self, numbers: impl Stream<Item = u64> + Send) -> anyhow::Result<(u64, u64)> {
        let sum = numbers.fold((0, 0), async |(count, sum), number| {
            (count + 1, sum + number)
        });
        Ok(sum.await)
    }

    async fn sizes(&self, blobs: impl Stream<Item = Vec<u8>> + Send) -> anyhow::Result<Vec<usize>> {
        let checked = blobs.map(|bytes| {
            assert_eq!(bytes, blob(bytes.len()));
            bytes.len()
        });
        Ok(checked.collect().await)
    }
}

#[tokio::test]
async fn only_the_last_of_a_thousand_items_leaves_a_field_out() {
    let served = serve(RowsHandler::new(Table)).await;
    let table: RowsClient = served.client();
    let expected: Vec<_> = (0..1_000).map(|id| row(id, 1_000)).collect();
    let rows: Vec<_> = table.rows(1_000).try_collect().await.unwrap();
    assert_eq!(rows, expected);
    let taken = table.take(stream::iter(expected.clone())).await.unwrap();
    assert_eq!(taken, expected);
    // What the odd item needed is not what later calls have to pay.
    let again: Vec<_> = table.rows(1_000).try_collect().await.unwrap();
    assert_eq!(again, expected);
}

#[tokio::test]
async fn a_hundred_thousand_small_items_arrive_in_order() {
    let served = serve(RowsHandler::new(Table)).await;
    let table: RowsClient = served.client();
    let mut numbers = std::pin::pin!(table.numbers(100_000));
    for expected in 0..100_000 {
        assert_eq!(numbers.next().await.unwrap().unwrap(), expected);
    }
    assert!(numbers.next().await.is_none());
    let counted = table.count(stream::iter(0..100_000)).await.unwrap();
    assert_eq!(counted, (100_000, 4_999_950_000));
}

#[tokio::test]
async fn items_larger_than_every_window_arrive_whole() {
    let served = serve(RowsHandler::new(Table)).await;
    let table: RowsClient = served.client();
    let sizes = vec![0, 1, 16 << 10, 300_000, 3 << 20, 0, 8 << 20];
    let blobs: Vec<_> = table.blobs(sizes.clone()).try_collect().await.unwrap();
    assert!(blobs.iter().map(Vec::len).eq(sizes.iter().copied()));
    assert!(blobs.iter().all(|bytes| *bytes == blob(bytes.len())));
    let taken = table
        .sizes(stream::iter(sizes.clone()).map(blob))
        .await
        .unwrap();
    assert_eq!(taken, sizes);
}

#[tokio::test]
async fn an_empty_stream_ends_without_an_item() {
    let served = serve(RowsHandler::new(Table)).await;
    let table: RowsClient = served.client();
    assert_eq!(table.numbers(0).count().await, 0);
    assert_eq!(table.take(stream::empty()).await.unwrap(), []);
}
