//! From an arrived call to a handler's task.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Instant,
};

use bytes::Bytes;

use crate::{
    connection::{Incoming, IncomingBody, Responder},
    context::{Context, Origin, Source, Unfinished},
    contract::MethodSpec,
    discovery::BoxFuture,
    error::Started,
    server::{
        Counters, Request, Response, StreamRequest,
        admission::{Admission, Client, Permit},
        batch::{Batch, Batches, Job},
        panic::caught,
        reception::Caller,
        routes::{Route, Routes, Target},
        watch::Watch,
    },
    wire::{CallKind, Codec, OpenHead, Reason, Status},
};

/// Hands calls to handlers; one for all connections of a server.
pub(crate) struct Dispatcher {
    pub(crate) service: Arc<Service>,
    /// For connections accepted while the server drains: calls that arrive before their client has
    /// read the go-away are refused as not started, so that it moves them.
    pub(crate) draining: bool,
}

/// What it takes to run a call.
pub(crate) struct Service {
    pub(crate) routes: Arc<Routes>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Arc<Admission>,
    /// What goes on after its call has ended.
    pub(crate) unfinished: Unfinished,
    /// Sees when a batch keeps its worker; `None` if there are no others.
    pub(crate) watch: Option<Watch<Batch>>,
    /// One thread runs everything, and nobody could look after a handler that blocks it.
    pub(crate) single: bool,
}

/// A method, and its place in the routes.
type Routed<'a> = (usize, &'a Route);

impl Dispatcher {
    /// Takes calls of `client` that came together.
    pub(crate) fn dispatch(
        &self,
        caller: &Caller,
        calls: &mut dyn Iterator<Item = Incoming>,
    ) -> bool {
        let mut alone = false;
        let mut batches = Batches::new(&self.service, calls.size_hint().0);
        for call in calls {
            let counters = &self.service.counters;
            match self.admit(&caller.client, &call) {
                Ok((route, permit)) => {
                    alone |= self.start(route, permit, call, &caller.source, &mut batches);
                }
                Err(refusal) => {
                    counters.refused_calls.fetch_add(1, Ordering::Relaxed);
                    call.responder.status(refusal);
                }
            }
        }
        batches.begin();
        alone && !self.service.single
    }

    /// The method that is called, and the call's place within the quotas, or why the call is not
    /// even started.
    fn admit(&self, client: &Client, call: &Incoming) -> Result<(Routed<'_>, Permit), Status> {
        let (place, route) = self.route(&call.head)?;
        let bytes = match &call.body {
            IncomingBody::Buffered(body) => body.len(),
            IncomingBody::Stream(_) => 0,
        };
        let permit = self.service.admission.enter(client, &route.gate, bytes)?;
        Ok(((place, route), permit))
    }

    /// The method that is called, or why it cannot be.
    fn route(&self, head: &OpenHead) -> Result<Routed<'_>, Status> {
        let refusal = |reason, message| Err(Status::refusal(reason, Started::No, message));
        if self.draining {
            return refusal(Reason::Draining, "the instance is draining".to_owned());
        }
        let Some((place, route)) = self.service.routes.route(head.method) else {
            let message = format!("no method with key {:#018x} is served here", head.method);
            return refusal(Reason::UnknownMethod, message);
        };
        if head.kind != route.method.kind {
            let kind = route.method.kind;
            return refusal(Reason::Protocol, format!("{} is {kind:?}", route.name()));
        }
        if let Err(why) = readable(head, route.method) {
            return refusal(Reason::Schema, format!("{}: {why}", route.name()));
        }
        Ok((place, route))
    }

    /// Begins a call, or leaves that to its batch. True for one with a task of its own.
    fn start(
        &self,
        (place, route): Routed<'_>,
        permit: Permit,
        call: Incoming,
        source: &Arc<Source>,
        batches: &mut Batches<'_>,
    ) -> bool {
        let Incoming {
            head,
            body,
            responder,
            deadline,
        } = call;
        let method = route.method;
        let said = (head.codec, head.attempt);
        match (&route.target, body) {
            (Target::Call(_), IncomingBody::Buffered(body))
                if method.kind == CallKind::Unary && !method.completes =>
            {
                let context = context(method, head, deadline, source);
                let job = Job {
                    place,
                    request: Request::new(method, said, body, deadline, context),
                    responder,
                    permit,
                };
                let batched = self.service.single || self.service.watch.is_some();
                if batched && !route.pace.next_is_alone() {
                    batches.push(job);
                    return false;
                }
                batches.count_alone();
                job.spawn(&self.service);
            }
            (Target::Call(handler), body) => {
                let handler = Arc::clone(handler);
                let context = context(method, head, deadline, source);
                let inner = context.clone();
                let request = match body {
                    IncomingBody::Buffered(body) => {
                        Request::new(method, said, body, deadline, inner)
                    }
                    IncomingBody::Stream(stream) => {
                        Request::new(method, said, Bytes::new(), deadline, inner)
                            .with_stream(stream)
                    }
                };
                batches.count_alone();
                self.service
                    .spawn(route, context, (responder, permit), move || {
                        handler.call(request)
                    });
            }
            (Target::Stream(handler), body) => {
                let (handler, service) = (Arc::clone(handler), Arc::clone(&self.service));
                let context = context(method, head.clone(), deadline, source);
                let (contract, peer) = (route.contract, Arc::clone(&source.peer));
                batches.count_alone();
                spawn(context, responder, |responder| async move {
                    let _permit = permit;
                    let request = StreamRequest {
                        method,
                        head,
                        body,
                        responder,
                        deadline,
                        peer,
                    };
                    let run = |request| -> BoxFuture<'static, ()> { handler.call(request) };
                    // The responder is dropped by the unwinding, and answers by that.
                    if let Err(message) = caught(|| run(request)).await {
                        service.tell_panic(contract, method, &message);
                    }
                });
            }
        }
        true
    }
}

impl Service {
    /// Runs a handler in a task of its own.
    pub(super) fn spawn<F>(
        self: &Arc<Self>,
        route: &Route,
        context: Context,
        (responder, permit): (Responder, Permit),
        handle: F,
    ) where
        F: FnOnce() -> BoxFuture<'static, Response> + Send + 'static,
    {
        let service = Arc::clone(self);
        let (contract, method) = (route.contract, route.method);
        let work = |responder| async move {
            let _permit = permit;
            let response = match caught(handle).await {
                Ok(response) => response,
                Err(panic) => service.panicked(contract, method, &panic),
            };
            service.note(&response);
            // What is done after the answer has nobody who waits for it.
            let left = || service.unfinished.clone().begin().1;
            let _left = method.completes.then(left);
            // A stream that panics is dropped by that, which its caller is told.
            if let Some(rest) = response.send(responder)
                && let Err(message) = caught(|| rest).await
            {
                service.tell_panic(contract, method, &message);
            }
        };
        if method.completes {
            complete(context, responder, work);
        } else {
            spawn(context, responder, work);
        }
    }

    /// The answer of a handler that panicked.
    pub(super) fn panicked(
        &self,
        contract: &'static str,
        method: &MethodSpec,
        message: &str,
    ) -> Response {
        self.tell_panic(contract, method, message);
        let message = format!("the handler of `{contract}/{}` panicked", method.name);
        Response::of(Status::refusal(Reason::Panicked, Started::Yes, message))
    }

    /// Counts an answer that says whose fault it was.
    pub(super) fn note(&self, response: &Response) {
        if response.is_invalid_argument() {
            self.counters
                .invalid_arguments
                .fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tell_panic(&self, contract: &'static str, method: &MethodSpec, message: &str) {
        self.counters.panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(contract, method = method.name, message, "handler panicked");
    }
}

/// What the handler of a call knows of it.
fn context(
    method: &MethodSpec,
    head: OpenHead,
    deadline: Option<Instant>,
    source: &Arc<Source>,
) -> Context {
    Context::of_call(Origin {
        // The calls that it makes have to be done as well.
        deadline: deadline.filter(|_| !method.completes),
        trace: head.trace,
        session: head.session,
        metadata: head.metadata,
        source: Some(Arc::clone(source)),
    })
}

impl Route {
    fn name(&self) -> String {
        format!("`{}/{}`", self.contract, self.method.name)
    }
}

/// Whether arguments written so can be read here.
fn readable(head: &OpenHead, method: &MethodSpec) -> Result<(), &'static str> {
    match head.codec {
        Codec::Positional => {
            let own = method.fingerprint();
            // The head carries the low half.
            if own != 0 && head.schema == own as u32 {
                Ok(())
            } else {
                Err("positional arguments of another schema; field-named ones are understood")
            }
        }
        Codec::FieldNamed => Ok(()),
        Codec::Json if cfg!(feature = "json") => Ok(()),
        Codec::Json => Err("JSON is not built in here; field-named arguments are understood"),
    }
}

/// Runs a call in a task of its own, which ends when nobody waits for the answer any more.
fn spawn<F>(context: Context, responder: Responder, run: impl FnOnce(Responder) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let canceller = responder.canceller();
    let task = tokio::spawn(in_turn(context.scope(run(responder))));
    canceller.abort_on_cancel(task.abort_handle());
}

/// Runs a call in a task of its own, to its end. Once nobody waits for the answer any more, it is
/// counted as work that is left.
fn complete<F>(context: Context, responder: Responder, run: impl FnOnce(Responder) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let canceller = responder.canceller();
    let (waiting, working) = context.unfinished().begin();
    let work = context.scope(run(responder));
    let task = tokio::spawn(in_turn(async move {
        work.await;
        drop(working);
    }));
    let waits = tokio::spawn(async move {
        let _waiting = waiting;
        let _ = task.await;
    });
    canceller.abort_on_cancel(waits.abort_handle());
}

/// Lets `future` go on, whenever it was woken, only after its task has stood in its worker's queue.
///
/// The worker that finds that a socket or timer is ready runs what this wakes by itself, and tells
/// no other worker. A handler that then blocks its thread would leave nobody to look at sockets and
/// timers. A task that queues is seen by another worker, which looks in its stead.
async fn in_turn<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // A task that begins was queued by the connection's task.
    let mut queued = true;
    poll_fn(|cx| {
        queued = !queued;
        if queued {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        future.as_mut().poll(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connection,
        server::{
            Limits,
            testing::{ECHO, Echo, head},
        },
        wire::CallKind,
    };

    fn dispatcher(draining: bool) -> Dispatcher {
        let routes = Routes::new(&[Target::Call(Arc::new(Echo))]).unwrap();
        let service = Service {
            routes: Arc::new(routes),
            counters: Arc::default(),
            admission: Arc::new(Admission::new(
                &Limits::default(),
                Arc::default(),
                connection::now(),
            )),
            unfinished: Unfinished::default(),
            watch: None,
            single: true,
        };
        Dispatcher {
            service: Arc::new(service),
            draining,
        }
    }

    fn refused(dispatcher: &Dispatcher, head: &OpenHead) -> Option<Reason> {
        let status = dispatcher.route(head).err()?;
        assert_eq!(status.started, Started::No, "nothing ran");
        Some(status.reason)
    }

    #[test]
    fn only_calls_that_can_be_understood_are_started() {
        let (serving, good) = (dispatcher(false), head(&ECHO.methods[0]));
        assert_eq!(refused(&serving, &good), None);
        let unknown = OpenHead {
            method: 8,
            ..good.clone()
        };
        assert_eq!(refused(&serving, &unknown), Some(Reason::UnknownMethod));
        let streaming = OpenHead {
            kind: CallKind::ServerStream,
            ..good
        };
        assert_eq!(refused(&serving, &streaming), Some(Reason::Protocol));
    }

    #[test]
    fn positional_arguments_of_another_schema_are_not_read() {
        let (serving, good) = (dispatcher(false), head(&ECHO.methods[0]));
        for schema in [0, good.schema + 1] {
            let other = OpenHead {
                schema,
                ..good.clone()
            };
            assert_eq!(refused(&serving, &other), Some(Reason::Schema));
            let named = OpenHead {
                codec: Codec::FieldNamed,
                ..other
            };
            assert_eq!(refused(&serving, &named), None);
        }
    }

    #[test]
    fn a_draining_server_starts_nothing_on_a_new_connection() {
        let good = head(&ECHO.methods[0]);
        assert_eq!(refused(&dispatcher(true), &good), Some(Reason::Draining));
    }
}
