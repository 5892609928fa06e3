//! Every way in which a planned request can end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a planned request ended. Exactly one applies to each, so that planned = not sent + sum over the others.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The reply ended as the protocol says.
    Ok,
    /// A status other than 200; the record holds it.
    HttpError,
    /// No connection could be made.
    ConnectError,
    /// The connection was reset, or closed before the first byte of a reply.
    Reset,
    /// A time limit of ours passed.
    Timeout,
    /// The stream ended early.
    Truncated,
    /// Bytes that are not the protocol: bad HTTP, SSE or JSON.
    ProtocolError,
    /// An error object inside a reply of status 200.
    ServerErrorEvent,
    /// Cut off by us: at shutdown, or because `load.cancel` asks for it, which the report counts apart.
    Cancelled,
    /// Never sent: a limit of ours, or shutdown.
    NotSent,
    /// A fault of the generator itself: a panic, a body that was late, no file descriptors left.
    GeneratorError,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::HttpError,
        Self::ConnectError,
        Self::Reset,
        Self::Timeout,
        Self::Truncated,
        Self::ProtocolError,
        Self::ServerErrorEvent,
        Self::Cancelled,
        Self::NotSent,
        Self::GeneratorError,
    ];

    /// The name in JSON and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::HttpError => "http_error",
            Self::ConnectError => "connect_error",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::ProtocolError => "protocol_error",
            Self::ServerErrorEvent => "server_error_event",
            Self::Cancelled => "cancelled",
            Self::NotSent => "not_sent",
            Self::GeneratorError => "generator_error",
        }
    }

    /// Whether the request counts as sent: everything but [`Outcome::NotSent`].
    #[must_use]
    pub fn is_sent(self) -> bool {
        self != Self::NotSent
    }
}
