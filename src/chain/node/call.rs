//! Why a call to a node failed, in the words an operator reads.

use std::error::Error as StdError;
use std::time::Duration;

use serde::Deserialize;
use tonic::{Code, Status};

/// What a failed call means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Nobody answered, the connection broke, or the node is not ready. May pass by itself.
    Connection,
    /// The node does not know the method.
    Unimplemented,
    /// The node does not accept the request.
    InvalidArgument,
    /// The node answered that it can't, and will likely answer the same again.
    Refused,
}

impl Class {
    /// The word for it in metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Unimplemented => "unimplemented",
            Self::InvalidArgument => "invalid_argument",
            Self::Refused => "refused",
        }
    }
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallError {
    pub(super) class: Class,
    /// One line without the URL.
    pub(super) reason: String,
}

impl CallError {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self { class: Class::Refused, reason: reason.into() }
    }

    pub(super) fn connection(reason: impl Into<String>) -> Self {
        Self { class: Class::Connection, reason: reason.into() }
    }

    pub(super) fn deadline(limit: Duration) -> Self {
        Self::connection(format!("no answer within {limit:?}"))
    }

    /// A failed gRPC call. Only a status that the node itself sent has no source.
    pub(super) fn of_status(status: &Status) -> Self {
        if let Some(source) = status.source() {
            return Self::connection(root_cause(source));
        }
        let reason = match status.message() {
            "" => status.code().description().to_lowercase(),
            message => format!("{} ({})", message, code_name(status.code())),
        };
        Self { class: class_of(code_name(status.code())), reason }
    }

    /// A failed HTTP exchange.
    pub(super) fn of_http(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::connection("no answer in time");
        }
        Self::connection(error.source().map_or_else(|| "request failed".to_owned(), root_cause))
    }

    /// A Connect answer that is not 200.
    pub(super) fn of_connect(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Fault {
            code: String,
            #[serde(default)]
            message: String,
        }
        match serde_json::from_slice::<Fault>(body) {
            Ok(Fault { code, message }) => {
                Self { class: class_of(&code), reason: format!("{message} ({code})") }
            }
            // Not a Connect server, or a proxy in front of one.
            Err(_) => Self {
                class: match status {
                    404 | 405 | 415 | 501 => Class::Unimplemented,
                    429 | 500..=599 => Class::Connection,
                    _ => Class::Refused,
                },
                reason: format!("HTTP status {status}"),
            },
        }
    }
}

fn class_of(code: &str) -> Class {
    match code {
        "unavailable" | "deadline_exceeded" | "canceled" | "aborted" | "resource_exhausted" => {
            Class::Connection
        }
        "unimplemented" => Class::Unimplemented,
        "invalid_argument" => Class::InvalidArgument,
        _ => Class::Refused,
    }
}

const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// The innermost cause: `Connection refused (os error 111)` says more than the layers around it.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
