//! Peers that say something else, or nothing.

use std::sync::{Arc, atomic::Ordering};

use meshrpc::connection::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::pair::{BIG, CAP, Methods, bare_server, open_frame, shaken, wait_until};

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_does_not_keep_a_closed_connection() {
    let (near, far) = duplex(64 << 10);
    let methods = Arc::new(Methods::default());
    let (server, driver) = Connection::accept(far, Arc::default(), Arc::clone(&methods) as _);
    let driver = tokio::spawn(driver.run());
    let mut near = shaken(near).await;
    // An answer larger than the pipe, which nobody reads.
    near.write_all(&open_frame(2, BIG)).await.unwrap();
    wait_until(|| methods.started.load(Ordering::SeqCst) == 1).await;
    server.close();
    assert_eq!(driver.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_peer_of_another_protocol_gets_a_short_answer() {
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0x16, 3, 1, 2, 0, 1, 0],
        &[0; 64],
    ] {
        let (mut near, driver) = bare_server();
        near.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(CAP, near.read_to_end(&mut answer))
            .await
            .expect("closed")
            .unwrap();
        assert_eq!(answer, b"MRPC: not a meshrpc client\r\n");
        drop(near);
        assert_eq!(driver.await.unwrap(), Err(meshrpc::wire::Fault::NotMeshrpc));
    }
}

#[tokio::test]
async fn a_probe_is_no_error() {
    let (near, driver) = bare_server();
    drop(near);
    assert_eq!(driver.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_the_protocol_and_reads_nothing_is_let_go() {
    let (mut a, b) = duplex(64 << 10);
    let greeter = tokio::spawn(Connection::connect(b, Arc::default()));
    let mut hello = vec![0; 4096];
    let n = a.read(&mut hello).await.unwrap();
    greeter.abort();

    // The server's hello alone does not fit.
    let (mut near, far) = duplex(n);
    let (_server, driver) =
        Connection::accept(far, Arc::default(), Arc::new(Methods::default()) as _);
    let driver = tokio::spawn(driver.run());
    near.write_all(&hello[..n]).await.unwrap();
    near.write_all(&[0; 16]).await.unwrap();
    let fault = tokio::time::timeout(CAP, driver)
        .await
        .expect("the connection ends")
        .unwrap()
        .unwrap_err();
    assert_eq!(fault, meshrpc::wire::Fault::Checksum);
    drop(near);
}
