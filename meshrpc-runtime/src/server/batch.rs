//! Calls that came together are begun together.
//!
//! A task for each call would be the dearest part of a small one. So the unary calls of one read are
//! begun by one task, a batch: it polls each handler once. Most answer at once, and the answers are
//! given together. A handler that has to wait gets a task of its own.
//!
//! No call waits for the handler of another one, though, even if that blocks its thread: then the
//! [watch](super::watch) has another worker give the answers that are ready, and begin the calls that
//! have not begun.
//!
//! A method that waits, or that takes its time, gains nothing: its next calls have tasks of their
//! own.

use std::{
    future::{poll_fn, ready},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{self, Poll},
    time::Duration,
    vec,
};

use crate::{
    connection::{self, Answers, Responder},
    context::Context,
    discovery::BoxFuture,
    server::{
        Request, Response,
        admission::Permit,
        dispatch::Service,
        panic::caught_now,
        routes::{Route, Target},
        watch::Watched,
    },
};

/// Calls of a batch at most.
const MOST: usize = 256;
/// Calls after which is looked how long they took.
const LOOK: usize = 4;
/// Calls of a method that have tasks of their own once one of them was slow.
const ALONE: u8 = 64;
/// Calls between two looks that take longer are slow.
const SLOW: Duration = Duration::from_micros(100);
/// A batch that takes longer is divided, so that other workers can take part.
const TURN: Duration = Duration::from_micros(200);

/// A unary call that has not begun.
pub(super) struct Job {
    /// Where its method is in the routes.
    pub(super) place: usize,
    pub(super) request: Request,
    pub(super) responder: Responder,
    pub(super) permit: Permit,
}

/// The calls of one read, on their way into batches.
pub(super) struct Batches<'a> {
    service: &'a Arc<Service>,
    jobs: Vec<Job>,
}

/// Whether calls of a method are worth a batch.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// How many calls to come are not.
    alone: AtomicU8,
}

/// Calls that are begun by whoever has time.
pub(crate) struct Batch {
    service: Arc<Service>,
    state: Mutex<State>,
}

struct State {
    /// What has not begun.
    rest: vec::IntoIter<Job>,
    /// What has not been given.
    answers: Answers,
}

/// What became of a call.
enum Begun {
    Answered(Responder, Response),
    Waiting(Context, (Responder, Permit), BoxFuture<'static, Response>),
    /// Nobody waited for it any more.
    Unwanted(Responder),
}

impl<'a> Batches<'a> {
    /// For about so many.
    pub(super) fn new(service: &'a Arc<Service>, calls: usize) -> Self {
        Self {
            service,
            jobs: Vec::with_capacity(calls.min(MOST)),
        }
    }

    pub(super) fn push(&mut self, job: Job) {
        self.jobs.push(job);
        if self.jobs.len() == MOST {
            self.begin();
        }
    }

    /// Begins what was pushed.
    pub(super) fn begin(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        let jobs = mem::take(&mut self.jobs);
        self.count(jobs.len());
        Batch::new(self.service, jobs).spawn();
    }
}

impl Batches<'_> {
    /// A call has a task of its own.
    pub(super) fn count_alone(&self) {
        self.count(1);
    }

    fn count(&self, calls: usize) {
        let counter = &self.service.counters.calls;
        counter.fetch_add(calls as u64, Ordering::Relaxed);
    }
}

impl Pace {
    /// Whether the next call has a task of its own.
    pub(super) fn next_is_alone(&self) -> bool {
        // Calls that count at the same time may count as one.
        let alone = self.alone.load(Ordering::Relaxed);
        if alone > 0 {
            self.alone.store(alone - 1, Ordering::Relaxed);
        }
        alone > 0
    }

    fn is_slow(&self) {
        self.alone.store(ALONE, Ordering::Relaxed);
    }
}

impl Batch {
    fn new(service: &Arc<Service>, jobs: Vec<Job>) -> Arc<Self> {
        let state = State {
            answers: Answers::with_capacity(jobs.len()),
            rest: jobs.into_iter(),
        };
        Arc::new(Self {
            service: Arc::clone(service),
            state: Mutex::new(state),
        })
    }

    /// Spawns who begins the calls.
    ///
    /// A worker runs the task that it spawned or woke last by itself, before anything else, and
    /// nobody takes it away. So this is what comes last: nothing stands then behind a handler that
    /// blocks.
    fn spawn(self: Arc<Self>) {
        let watch = self.service.watch.as_ref();
        let ticket = watch.map(|watch| watch.begin(Arc::clone(&self)));
        tokio::spawn(poll_fn(move |cx| {
            self.begin(cx);
            if let (Some(watch), Some(ticket)) = (&self.service.watch, ticket) {
                watch.end(ticket);
            }
            Poll::Ready(())
        }));
    }

    /// Begins calls until there are none left, or some are not done at once.
    fn begin(self: &Arc<Self>, cx: &mut task::Context<'_>) {
        let start = connection::now();
        let mut before = start;
        // Of the calls since then.
        let mut places = [0; LOOK];
        let mut begun = 0;
        let mut next = self.lock().next();
        while let Some((job, is_last)) = next {
            let Some(route) = self.service.routes.at(job.place) else {
                return;
            };
            places[begun] = job.place;
            begun += 1;
            let (answer, mut stop) = match job.begin(route, &self.service, cx) {
                Begun::Answered(responder, response) => {
                    self.service.note(&response);
                    (Some((responder, response)), false)
                }
                Begun::Unwanted(responder) => {
                    let response = Response::of(Responder::went_away());
                    (Some((responder, response)), false)
                }
                Begun::Waiting(context, call, future) => {
                    self.service.spawn(route, context, call, || future);
                    route.pace.is_slow();
                    (None, true)
                }
            };
            if begun == LOOK || stop || is_last {
                let now = connection::now();
                if now.duration_since(before) > SLOW {
                    let routes = places[..begun].iter();
                    let routes = routes.filter_map(|place| self.service.routes.at(*place));
                    routes.for_each(|route| route.pace.is_slow());
                    stop = true;
                }
                stop |= now.duration_since(start) > TURN;
                (before, begun) = (now, 0);
            }
            let mut state = self.lock();
            if let Some((responder, response)) = answer {
                response.answer(responder, &mut state.answers);
            }
            if stop {
                break;
            }
            next = state.next();
        }
        self.hand_on();
    }

    /// Gives the answers that are ready, and lets whoever has time begin the rest.
    fn hand_on(&self) {
        self.give();
        let mut rest: Vec<Job> = self.lock().rest.by_ref().collect();
        let half = rest.split_off(rest.len() / 2);
        for jobs in [rest, half] {
            if !jobs.is_empty() {
                Self::new(&self.service, jobs).spawn();
            }
        }
    }

    /// Gives the answers that are ready.
    fn give(&self) {
        let mut answers = mem::take(&mut self.lock().answers);
        answers.give();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The next call, and whether it is the last one.
    fn next(&mut self) -> Option<(Job, bool)> {
        let job = self.rest.next()?;
        Some((job, self.rest.len() == 0))
    }
}

impl Watched for Batch {
    fn take_over(self: Arc<Self>) {
        self.hand_on();
    }
}

impl Job {
    /// Runs it in a task of its own.
    pub(super) fn spawn(self, service: &Arc<Service>) {
        let Some(route) = service.routes.at(self.place) else {
            return;
        };
        if let Target::Call(handler) = &route.target {
            let (handler, request) = (Arc::clone(handler), self.request);
            let call = (self.responder, self.permit);
            service.spawn(route, request.context().clone(), call, move || {
                handler.call(request)
            });
        }
    }

    /// Polls it for the first time.
    fn begin(self, route: &Route, service: &Service, cx: &mut task::Context<'_>) -> Begun {
        let Target::Call(handler) = &route.target else {
            return Begun::Unwanted(self.responder);
        };
        if !self.responder.is_awaited() {
            return Begun::Unwanted(self.responder);
        }
        let Self {
            request,
            responder,
            permit,
            ..
        } = self;
        let polled = request.context().clone().sync_scope(|| {
            caught_now(|| {
                let mut future = handler.call(request);
                match future.as_mut().poll(cx) {
                    Poll::Ready(response) if response.goes_on() => {
                        Err((Context::current(), Box::pin(ready(response)) as _))
                    }
                    Poll::Ready(response) => Ok(response),
                    Poll::Pending => Err((Context::current(), future)),
                }
            })
        });
        match polled {
            Ok(Ok(response)) => Begun::Answered(responder, response),
            Ok(Err((context, future))) => Begun::Waiting(context, (responder, permit), future),
            Err(panic) => Begun::Answered(
                responder,
                service.panicked(route.contract, route.method, &panic),
            ),
        }
    }
}
