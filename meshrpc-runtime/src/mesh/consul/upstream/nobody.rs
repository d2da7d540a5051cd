//! Who listens where a registration says that its application is, if that only calls others.
//!
//! The built-in proxy answers a handshake once it has reached the application, and logs an error if
//! it has not; so does Envoy, in its way. There has to be somebody for the sidecar to be seen alive.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};

/// How long a connection is kept: longer than a handshake with the sidecar may take.
const KEPT: Duration = Duration::from_secs(2);
/// Connections at a time. Only the sidecar comes here, once a second.
const AT_ONCE: usize = 16;

/// Listens on this machine.
pub(super) fn listen() -> io::Result<(u16, std::net::TcpListener)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?.port(), listener))
}

/// Accepts, says nothing, and closes.
pub(super) async fn answer(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((mut stream, _)) => {
                tokio::spawn(async move {
                    let mut sink = tokio::io::sink();
                    let _ = timeout(KEPT, tokio::io::copy(&mut stream, &mut sink)).await;
                    drop(place);
                });
            }
            // Out of something, for a while.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}
