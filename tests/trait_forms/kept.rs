//! What does not cross, or crosses as something else: `local`, `skip`, `with`.

use std::{
    fmt::{Debug, Display},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
};

use meshrpc::{Client as _, Context, mesh_service};
use meshrpc_tests::pair;

/// No serde type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Money {
    /// In cents.
    pub cents: i64,
}

/// How money crosses.
pub mod money {
    use super::Money;

    /// As text.
    pub fn to_wire(money: &Money) -> String {
        format!("{} ct", money.cents)
    }

    /// From text.
    ///
    /// # Errors
    /// If it is none.
    #[expect(clippy::needless_pass_by_value, reason = "as a module has it")]
    pub fn from_wire(text: String) -> Result<Money, String> {
        let cents = text
            .strip_suffix(" ct")
            .and_then(|cents| cents.parse().ok());
        match cents {
            Some(13) => Err("thirteen".into()),
            Some(cents) => Ok(Money { cents }),
            None => Err(format!("`{text}` is no money")),
        }
    }
}

/// How a shape crosses: by its area.
pub mod shapes {
    use super::{Shape, Square};

    /// Its area.
    pub fn to_wire(shape: &dyn Shape) -> u64 {
        shape.area()
    }

    /// A square of this area.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_wire(area: u64) -> Result<Box<dyn Shape>, &'static str> {
        let side = area.isqrt();
        match side * side == area {
            true => Ok(Box::new(Square(side))),
            false => Err("no square has this area"),
        }
    }
}

/// Something with an area.
pub trait Shape: Send + Sync {
    /// It.
    fn area(&self) -> u64;
}

/// A square.
pub struct Square(u64);

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

/// A capability that stays where it is.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> u64;
}

/// Always at the same time.
pub struct Stopped(pub u64);

impl Clock for Stopped {
    fn now(&self) -> u64 {
        self.0
    }
}

/// Counts the calls of the handlers.
static CALLS: AtomicU64 = AtomicU64::new(100);

/// What the handler is given.
struct Seed {
    next: u64,
}

impl Seed {
    fn new() -> Self {
        Seed {
            next: CALLS.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// What cannot cross.
#[mesh_service(on_failure = panic)]
pub trait Till {
    /// Converted, by value and by reference, there and back.
    #[mesh(with = money)]
    async fn sum(
        &self,
        #[mesh(with = money)] first: Money,
        #[mesh(with = money)] second: &Money,
        factor: i64,
    ) -> Result<Money, anyhow::Error>;
    /// Plain, and converted.
    #[mesh(with = money)]
    fn half(&self, #[mesh(with = self::money)] of: &Money) -> Money;
    /// A trait object, converted.
    async fn area(&self, #[mesh(with = shapes)] shape: &dyn Shape) -> u64;
    /// Several arguments, of which some stay.
    async fn stamp(
        &self,
        #[mesh(skip = &Stopped(12))] clock: &dyn Clock,
        text: &str,
        #[mesh(skip = |text| format!("<{text}>"))] format: impl Fn(String) -> String + Send,
        #[mesh(skip = Context::current().metadata().get("who").map(|who| who.to_vec()))]
        who: Option<Vec<u8>>,
        end: char,
    ) -> String;
    /// Only one that stays, for writing.
    async fn draw(&self, #[mesh(skip = &mut Seed::new())] seed: &mut (impl SeedLike + Send))
    -> u64;
    /// A thread waits for it.
    fn read(&self, #[mesh(skip = &Stopped(3))] clock: &dyn Clock, plus: u64) -> u64;
    /// Answered by the client, which has a body.
    #[mesh(local)]
    fn label(&self) -> &'static str {
        "till"
    }
    /// Answered by the client, in another way than by the body.
    #[mesh(local = "a till somewhere else")]
    fn place(&self) -> &str {
        "here"
    }
    /// Answered by the client, which has no body.
    #[mesh(local = first.len() + second)]
    fn measure(&self, first: &str, second: usize) -> usize;
    /// Generic.
    #[mesh(local = format!("{value:?}/{value}"))]
    fn show<T: Debug + Display>(&self, value: T) -> String
    where
        Self: Sized;
    /// What cannot leave its thread.
    #[mesh(local = vec![rc.clone(), rc])]
    fn shared(&self, rc: Rc<str>) -> Vec<Rc<str>>;
    /// By the client itself, to itself.
    #[mesh(local = self.half(&Money { cents: self.measure("four", 0) as i64 }))]
    fn quarter(&self) -> Money;
    /// Async, and given away.
    #[mesh(local = self.area(&Square(side)).await + 1)]
    async fn grown(&self, side: u64) -> u64;
    /// No receiver.
    #[mesh(local = "client")]
    fn kind() -> &'static str
    where
        Self: Sized;
}

/// What a seed is.
pub trait SeedLike {
    /// The next number.
    fn next(&mut self) -> u64;
}

impl SeedLike for Seed {
    fn next(&mut self) -> u64 {
        self.next += 1000;
        self.next
    }
}

struct Drawer;

impl Till for Drawer {
    async fn sum(&self, first: Money, second: &Money, factor: i64) -> Result<Money, anyhow::Error> {
        let cents = first.cents - factor * second.cents;
        anyhow::ensure!(cents != 0, "nothing left");
        Ok(Money { cents })
    }
    fn half(&self, of: &Money) -> Money {
        Money {
            cents: of.cents / 2,
        }
    }
    async fn area(&self, shape: &dyn Shape) -> u64 {
        shape.area()
    }
    async fn stamp(
        &self,
        clock: &dyn Clock,
        text: &str,
        format: impl Fn(String) -> String + Send,
        who: Option<Vec<u8>>,
        end: char,
    ) -> String {
        format(format!("{} {text} {who:?}{end}", clock.now()))
    }
    async fn draw(&self, seed: &mut (impl SeedLike + Send)) -> u64 {
        seed.next()
    }
    fn read(&self, clock: &dyn Clock, plus: u64) -> u64 {
        clock.now() + plus
    }
    fn measure(&self, _: &str, _: usize) -> usize {
        0
    }
    fn show<T: Debug + Display>(&self, _: T) -> String {
        String::new()
    }
    fn shared(&self, _: Rc<str>) -> Vec<Rc<str>> {
        Vec::new()
    }
    fn quarter(&self) -> Money {
        Money { cents: 0 }
    }
    async fn grown(&self, _: u64) -> u64 {
        0
    }
    fn kind() -> &'static str {
        "drawer"
    }
}

async fn till() -> TillClient {
    TillClient::from_channel(pair(TillHandler::new(Drawer)).await)
}

#[tokio::test]
async fn with_converts_there_and_back() {
    let till = till().await;
    let (ten, three) = (Money { cents: 10 }, Money { cents: 3 });
    let sum = till.sum(ten, &three, 2).await.expect("it answers");
    assert_eq!(sum, Money { cents: 4 });
    let own = till
        .sum(ten, &Money { cents: 5 }, 2)
        .await
        .expect_err("nothing left");
    assert_eq!(own.to_string(), "nothing left");
    assert_eq!(till.area(&Square(5)).await, 25);
}

#[tokio::test]
async fn what_a_module_does_not_accept_is_an_error_of_the_side_that_sent_it() {
    let till = till().await;
    let (ten, thirteen) = (Money { cents: 10 }, Money { cents: 13 });
    let error = till.sum(ten, &thirteen, 1).await.expect_err("refused");
    let error: meshrpc::Error = error.downcast().expect("a mesh error");
    assert_eq!(error.code(), meshrpc::Code::InvalidArgument);
    assert!(
        error.to_string().contains("argument `second`: thirteen"),
        "{error}"
    );

    let error = till
        .sum(thirteen_less(), &ten, 1)
        .await
        .expect_err("refused");
    let error: meshrpc::Error = error.downcast().expect("a mesh error");
    assert_eq!(
        (error.kind(), error.started()),
        (meshrpc::Kind::Codec, meshrpc::Started::Yes)
    );
    assert!(error.to_string().contains("thirteen"), "{error}");
}

/// Less ten, it is thirteen.
fn thirteen_less() -> Money {
    Money { cents: 23 }
}

#[tokio::test]
async fn skipped_arguments_are_the_handlers() {
    let till = till().await;
    let who = meshrpc::Call::new().meta("who", "me");
    let stamped = till
        .with(who)
        .stamp(&Stopped(99), "text", |text| text, None, '.')
        .await;
    assert_eq!(stamped, "<12 text Some([109, 101]).>");
    let first = till.draw(&mut Seed { next: 0 }).await;
    let second = till.draw(&mut Seed { next: 0 }).await;
    assert!(
        first > 1000 && second == first + 1,
        "once for each call: {first}, {second}"
    );
    let [_, _, _, stamp, draw, ..] = TILL.methods else {
        panic!("more methods");
    };
    assert_eq!(
        (stamp.arguments, draw.arguments),
        (&["text", "end"][..], &[][..])
    );
}

#[tokio::test]
async fn local_answers_are_the_clients() {
    let till = till().await;
    assert_eq!(
        (till.label(), till.place()),
        ("till", "a till somewhere else")
    );
    assert_eq!(till.measure("four", 5), 9);
    assert_eq!(till.show("x"), "\"x\"/x");
    assert_eq!(till.shared("one".into()).len(), 2);
    assert_eq!(till.grown(4).await, 17);
    assert_eq!(TillClient::kind(), "client");
    let threads = tokio::task::spawn_blocking(move || (till.quarter(), till.read(&Stopped(50), 4)));
    assert_eq!(threads.await.expect("no panic"), (Money { cents: 2 }, 7));
}
