//! Keeps a panic to the call it happened in.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// Runs `make` and the future it makes; a panic in either is an error with its message.
///
/// A future that panicked is not polled again. What it shares with other calls is the handler's to
/// keep whole, as it is with threads.
pub(crate) async fn caught<F>(make: impl FnOnce() -> F) -> Result<F::Output, String>
where
    F: Future + Unpin,
{
    Caught(caught_now(make)?).await
}

/// Runs `work`; a panic is an error with its message.
pub(crate) fn caught_now<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(&*payload))
}

struct Caught<F>(F);

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = Pin::new(&mut self.0);
        match caught_now(|| future.poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(message) => Poll::Ready(Err(message)),
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_wherever_it_happens() {
        let before = caught(|| -> std::future::Ready<()> { panic!("before {}", 1) }).await;
        assert_eq!(before.unwrap_err(), "before 1");
        let within: Result<(), String> = caught(|| Box::pin(async { panic!("within") })).await;
        assert_eq!(within.unwrap_err(), "within");
        assert_eq!(caught(|| std::future::ready(7)).await.unwrap(), 7);
    }
}
