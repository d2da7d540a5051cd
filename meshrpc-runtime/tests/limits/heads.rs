//! Metadata and session keys, which the protocol bounds.

use meshrpc::{Call, Kind, Limit, Limits, Started};

use crate::{
    desk::{Desk as _, Office, failure},
    table::says,
};

#[tokio::test]
async fn what_no_head_takes_fails_that_call_alone_before_it_is_sent() {
    let office = Office::new(Limits::default()).await;
    let desk = office.client();
    let many = (0..65).fold(Call::new(), |call, _| call.meta("key", "value"));
    let cases = [
        (many, Limit::Metadata, "entries of metadata"),
        (
            Call::new().meta("key", vec![0; 9 << 10]),
            Limit::Metadata,
            "bytes of metadata",
        ),
        (
            Call::new().meta("k".repeat(256), "value"),
            Limit::Metadata,
            "a metadata key",
        ),
        (
            Call::new().session("k".repeat(257)),
            Limit::SessionKey,
            "a session key",
        ),
    ];
    for (call, limit, row) in cases {
        let error = failure(desk.with(call).measure(Vec::new()).await);
        let kind = Kind::Refused { limit };
        assert_eq!((error.kind(), error.started()), (kind, Started::No));
        says(row, &error.to_string());
    }
    let full = (0..64).fold(Call::new(), |call, _| call.meta("key", "value"));
    let full = full.session("k".repeat(256));
    let measured = desk.with(full).measure(vec![1]).await;
    assert_eq!(measured.expect("as much as may be"), 1);
    assert_eq!(office.counters().connections(), 1, "the connection lives");
}
