//! The table itself: a pure function of what happened and what the caller allows.
//!
//! Its first row, a call that no connection took, is not here: such a call has not failed, it
//! chooses again.

use std::time::Duration;

use crate::{
    error::{Code, Kind, Limit, Started},
    wire::{Codec, Reason, Retry, Status},
};

/// Why an attempt got no plain reply.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure<'a> {
    /// There was no last word.
    Lost {
        /// Whether the method may have run.
        started: Started,
        /// Of the cause.
        kind: Kind,
    },
    /// The server's last word.
    Status(&'a Status),
}

/// What is known of the call that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// The method may be called again when it may have run.
    pub(crate) idempotent: bool,
    /// The caller allows re-execution.
    pub(crate) retries: bool,
    /// How its arguments were written.
    pub(crate) codec: Codec,
    /// Times it was handed to an instance, this one included.
    pub(crate) number: u8,
    /// Times that it is handed to one at most: the budget bounds the pool, this keeps one stubborn
    /// call from using it up alone.
    pub(crate) most: u8,
    /// An instance has refused it for not knowing the method.
    pub(crate) unknown_before: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Tell the caller.
    Fail,
    /// Make the call again.
    Again(Next),
}

/// How a call is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// Not on the instance that failed, if there is another.
    pub(crate) elsewhere: bool,
    /// Counts as a further attempt, and is spaced out.
    pub(crate) counted: bool,
    /// Needs a token of the budget.
    pub(crate) budgeted: bool,
    /// With the field-named codec.
    pub(crate) field_named: bool,
    /// Not before this time has passed.
    pub(crate) after: Duration,
}

impl Next {
    const MOVE: Next = Next {
        elsewhere: true,
        counted: false,
        budgeted: false,
        field_named: false,
        after: Duration::ZERO,
    };
    const RETRY: Next = Next {
        counted: true,
        budgeted: true,
        ..Next::MOVE
    };
    const FIELD_NAMED: Next = Next {
        elsewhere: false,
        field_named: true,
        ..Next::MOVE
    };
}

/// Decides what follows `failure`.
pub(crate) fn decide(failure: Failure<'_>, attempt: Attempt) -> Decision {
    match failure {
        Failure::Lost { started, kind } => match (started, kind) {
            // Anything else is this side's own verdict: too large, too late, given up.
            (
                Started::No,
                Kind::Unavailable
                | Kind::Protocol
                | Kind::Refused {
                    limit: Limit::Draining,
                },
            ) => Decision::Again(Next::MOVE),
            (Started::Unknown, Kind::Unavailable | Kind::Protocol) => repeat(attempt),
            _ => Decision::Fail,
        },
        // The callee's "never started" is about a call of its own.
        Failure::Status(status) if status.relayed => Decision::Fail,
        Failure::Status(status) => match status.started {
            Started::Yes => Decision::Fail,
            Started::Unknown if status.code == Some(Code::Unavailable) => repeat(attempt),
            Started::Unknown => Decision::Fail,
            Started::No => refused(status, attempt),
        },
    }
}

/// The callee said that it did not start the method.
fn refused(status: &Status, attempt: Attempt) -> Decision {
    let after = match status.retry {
        Retry::Never => return Decision::Fail,
        Retry::After(time) => time,
        Retry::Unspecified => Duration::ZERO,
    };
    match status.reason {
        // A draining instance is about to leave the rotation, and one call meets each at most
        // once: that is bounded without a budget, and a stop under load must not exhaust one.
        Reason::Draining => Decision::Again(Next {
            after,
            ..Next::MOVE
        }),
        Reason::Overloaded if attempt.number < attempt.most => Decision::Again(Next {
            after,
            ..Next::RETRY
        }),
        Reason::UnknownMethod if !attempt.unknown_before => Decision::Again(Next::MOVE),
        Reason::Schema if attempt.codec == Codec::Positional => Decision::Again(Next::FIELD_NAMED),
        _ => Decision::Fail,
    }
}

/// The method may have run.
fn repeat(attempt: Attempt) -> Decision {
    if attempt.idempotent && attempt.retries && attempt.number < attempt.most {
        Decision::Again(Next::RETRY)
    } else {
        Decision::Fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Detail;

    const PLAIN: Attempt = Attempt {
        idempotent: false,
        retries: true,
        codec: Codec::Positional,
        number: 1,
        most: 5,
        unknown_before: false,
    };
    const IDEMPOTENT: Attempt = Attempt {
        idempotent: true,
        ..PLAIN
    };
    const MOVED: Decision = Decision::Again(Next::MOVE);
    const RETRIED: Decision = Decision::Again(Next::RETRY);

    fn lost(started: Started, kind: Kind) -> Failure<'static> {
        Failure::Lost { started, kind }
    }

    fn refusal(reason: Reason) -> Status {
        Status::refusal(reason, Started::No, "")
    }

    /// Both settings of `retries` and of `idempotent`.
    fn every_caller() -> impl Iterator<Item = Attempt> {
        [(false, false), (false, true), (true, false), (true, true)]
            .into_iter()
            .map(|(idempotent, retries)| Attempt {
                idempotent,
                retries,
                ..PLAIN
            })
    }

    #[test]
    fn rows_2_and_3_a_connection_that_dies_or_goes_away_before_the_request_was_out_moves_it() {
        for caller in every_caller() {
            assert_eq!(decide(lost(Started::No, Kind::Unavailable), caller), MOVED);
            assert_eq!(decide(lost(Started::No, Kind::Protocol), caller), MOVED);
            let draining = Kind::Refused {
                limit: Limit::Draining,
            };
            assert_eq!(decide(lost(Started::No, draining), caller), MOVED);
        }
    }

    #[test]
    fn row_4_overloaded_is_retried_within_the_budget_after_the_time_it_named() {
        let time = Duration::from_millis(70);
        let status = Status {
            retry: Retry::After(time),
            ..refusal(Reason::Overloaded)
        };
        for caller in every_caller() {
            let next = Next {
                after: time,
                ..Next::RETRY
            };
            assert_eq!(
                decide(Failure::Status(&status), caller),
                Decision::Again(next)
            );
        }
        let last = Attempt {
            number: PLAIN.most,
            ..PLAIN
        };
        assert_eq!(decide(Failure::Status(&status), last), Decision::Fail);
        let never = Status {
            retry: Retry::Never,
            ..status
        };
        assert_eq!(decide(Failure::Status(&never), PLAIN), Decision::Fail);
    }

    #[test]
    fn row_4_draining_moves_the_call_without_a_token() {
        for caller in every_caller() {
            assert_eq!(
                decide(Failure::Status(&refusal(Reason::Draining)), caller),
                MOVED
            );
        }
    }

    #[test]
    fn row_5_an_unknown_method_is_tried_once_elsewhere() {
        let status = refusal(Reason::UnknownMethod);
        assert_eq!(decide(Failure::Status(&status), PLAIN), MOVED);
        let again = Attempt {
            unknown_before: true,
            ..PLAIN
        };
        assert_eq!(decide(Failure::Status(&status), again), Decision::Fail);
    }

    #[test]
    fn row_5_another_schema_is_tried_once_with_field_names() {
        let status = refusal(Reason::Schema);
        assert_eq!(
            decide(Failure::Status(&status), PLAIN),
            Decision::Again(Next::FIELD_NAMED)
        );
        let again = Attempt {
            codec: Codec::FieldNamed,
            ..PLAIN
        };
        assert_eq!(decide(Failure::Status(&status), again), Decision::Fail);
    }

    #[test]
    fn row_6_other_refusals_are_errors() {
        let reasons = [
            Reason::TooLarge,
            Reason::Denied,
            Reason::InvalidArgument,
            Reason::Protocol,
        ];
        for caller in every_caller() {
            for reason in reasons {
                assert_eq!(
                    decide(Failure::Status(&refusal(reason)), caller),
                    Decision::Fail
                );
            }
            let kind = Kind::Refused {
                limit: Limit::MessageSize,
            };
            assert_eq!(decide(lost(Started::No, kind), caller), Decision::Fail);
        }
    }

    #[test]
    fn row_7_what_may_have_run_is_retried_only_if_idempotent_and_allowed() {
        for caller in every_caller() {
            let expected = if caller.idempotent && caller.retries {
                RETRIED
            } else {
                Decision::Fail
            };
            assert_eq!(
                decide(lost(Started::Unknown, Kind::Unavailable), caller),
                expected
            );
            assert_eq!(
                decide(lost(Started::Unknown, Kind::Protocol), caller),
                expected
            );
        }
        let last = Attempt {
            number: PLAIN.most,
            ..IDEMPOTENT
        };
        assert_eq!(
            decide(lost(Started::Unknown, Kind::Unavailable), last),
            Decision::Fail
        );
    }

    #[test]
    fn row_9_what_ran_is_never_repeated() {
        let status = Status::application(Code::Unavailable, "", Detail::None);
        assert_eq!(decide(Failure::Status(&status), IDEMPOTENT), Decision::Fail);
        assert_eq!(
            decide(lost(Started::Yes, Kind::Unavailable), IDEMPOTENT),
            Decision::Fail
        );
    }

    #[test]
    fn row_10_a_deadline_or_a_caller_that_went_is_never_retried() {
        for started in [Started::No, Started::Unknown] {
            for kind in [Kind::DeadlineExceeded, Kind::Cancelled] {
                assert_eq!(decide(lost(started, kind), IDEMPOTENT), Decision::Fail);
            }
        }
    }

    #[test]
    fn a_relayed_refusal_is_never_repeated() {
        let status = Status {
            relayed: true,
            ..refusal(Reason::Overloaded)
        };
        assert_eq!(decide(Failure::Status(&status), IDEMPOTENT), Decision::Fail);
    }
}
