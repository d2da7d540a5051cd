use bytes::Bytes;
use meshrpc::testing::__http;

use crate::measure;

/// Heads and pieces of the HTTP contract: each is a message of the crate `http`, or an error.
pub fn http(input: &[u8]) {
    let Some((which, item)) = input.split_first() else {
        return;
    };
    let item = Bytes::copy_from_slice(item);
    let len = item.len();
    let memory = measure(|| match which % 3 {
        0 => request(&item),
        1 => response(&item),
        _ => piece(&item),
    });
    // A header of four bytes takes a name, a value and its place in a table, read and written.
    let most = 512 * len as u64 + 64_000;
    assert!(memory.bytes_max <= most, "{memory:?} for {len} bytes");
}

fn request(item: &Bytes) {
    let Ok(request) = __http::request(item) else {
        return;
    };
    let (parts, ()) = request.into_parts();
    let again = __http::request(&__http::request_head(&parts)).expect("a head that was written");
    assert_eq!(again.method(), parts.method);
    let (parts, ()) = again.into_parts();
    let again = __http::request(&__http::request_head(&parts)).expect("a head that was written");
    assert_eq!(
        again.headers(),
        &parts.headers,
        "headers of one hop are gone already"
    );
}

fn response(item: &Bytes) {
    let Ok(response) = __http::response(item) else {
        return;
    };
    let (parts, ()) = response.into_parts();
    let again = __http::response(&__http::response_head(&parts)).expect("a head that was written");
    assert_eq!(again.status(), parts.status);
}

fn piece(item: &Bytes) {
    let Ok(frame) = __http::piece(item) else {
        return;
    };
    match item.first() {
        Some(0) => assert_eq!(frame.into_data().expect("data"), item.slice(1..)),
        Some(1) => assert!(frame.is_trailers()),
        other => panic!("a piece of kind {other:?}"),
    }
}
