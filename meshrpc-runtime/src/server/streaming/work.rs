//! The work on a call with streams, before and after its answer begins.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::StreamCall;
use crate::{
    codec::DecodeError,
    connection::{Responder, SendStream},
    contract::MethodSpec,
    discovery::BoxFuture,
    server::{Request, Response},
    wire::{Codec, Metadata, ReplyHead, Status},
};

/// What the work and the one who polls it tell each other.
#[derive(Default)]
pub(super) struct Exchange(Mutex<State>);

#[derive(Default)]
struct State {
    /// The work has an answer, and waits for the way to send it.
    answers: bool,
    out: Option<SendStream>,
    /// What is wrong with the caller's stream.
    fault: Option<Status>,
    /// Who has to hear of it.
    waker: Option<Waker>,
}

/// Work whose answer, a stream, begins.
pub(in crate::server) struct Answering {
    pub(in crate::server) head: ReplyHead,
    work: Work,
    exchange: Arc<Exchange>,
}

type Work = BoxFuture<'static, Result<Response, DecodeError>>;

/// Serves a call with streams: `work` takes the arguments, and answers with a response or by
/// [`StreamReply::send`](super::StreamReply::send).
pub fn streamed<F>(
    request: Request,
    work: impl FnOnce(StreamCall) -> F,
) -> BoxFuture<'static, Response>
where
    F: Future<Output = Result<Response, DecodeError>> + Send + 'static,
{
    let exchange = Arc::<Exchange>::default();
    let (method, codec) = (request.method(), request.codec());
    let call = StreamCall::new(request, Arc::clone(&exchange));
    let mut work: Work = Box::pin(work(call));
    Box::pin(async move {
        let response = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(Ok(response)) => Poll::Ready(Some(response)),
            Poll::Ready(Err(error)) => Poll::Ready(Some(Response::invalid_argument(error))),
            Poll::Pending if exchange.answers() => Poll::Ready(None),
            Poll::Pending => exchange
                .poll_fault(cx)
                .map(|fault| Some(Response::of(fault))),
        });
        match response.await {
            Some(response) => response,
            None => Response::stream(Answering {
                head: ReplyHead {
                    codec: items_codec(codec, method),
                    metadata: Metadata::new(),
                },
                work,
                exchange,
            }),
        }
    })
}

/// How the items of an answer are written, unless one needs names.
pub(super) fn items_codec(request: Codec, method: &MethodSpec) -> Codec {
    match request {
        Codec::Positional => method.codec(),
        other => other,
    }
}

impl Answering {
    /// Lets the work go on, to its end.
    pub(in crate::server) fn run(self, responder: Responder) -> BoxFuture<'static, ()> {
        let out = responder.stream(&self.head);
        self.exchange.lock().out = Some(out);
        let work = self.work;
        Box::pin(async move {
            // It sends its own end.
            let _ = work.await;
        })
    }
}

impl Exchange {
    /// Work: the answer begins; waits for the way to send it.
    pub(super) async fn answer(&self) -> SendStream {
        poll_fn(|_| {
            let mut state = self.lock();
            state.answers = true;
            match state.out.take() {
                Some(out) => Poll::Ready(out),
                // Whoever polls sees that it answers, and polls again with the way to do so.
                None => Poll::Pending,
            }
        })
        .await
    }

    /// The caller's stream cannot be used: the call is to fail with this.
    pub(super) fn fail(&self, status: Status) {
        let mut state = self.lock();
        state.fault.get_or_insert(status);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What is wrong with the caller's stream.
    pub(super) fn poll_fault(&self, cx: &Context<'_>) -> Poll<Status> {
        let mut state = self.lock();
        match state.fault.take() {
            Some(fault) => Poll::Ready(fault),
            None => {
                match &mut state.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    fn answers(&self) -> bool {
        self.lock().answers
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
