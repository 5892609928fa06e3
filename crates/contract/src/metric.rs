//! The metrics, by the names of the field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A latency of a request or of its tokens, in seconds. Each name says from where to where it is measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// `dispatched - scheduled`: the generator's own lateness, and what decides whether a stage is valid.
    ScheduleDelay,
    /// `sent - dispatched`: connecting, which is network and server.
    Connect,
    /// Time to first token from the send: `token[1] - sent`.
    Ttft,
    /// Time to first token from the plan: `token[1] - scheduled`.
    TtftScheduled,
    /// Time to first *visible* (non-reasoning) output: first visible token `- sent`.
    Ttfo,
    /// `token[k] - token[k-1]` over token events, pooled over requests.
    ChunkGap,
    /// Inter-token latency: the gap over the tokens of its event, pooled over requests.
    Itl,
    /// Time per output token of a request: `(last_token - token[1]) / (n - 1)`, `n >= 2`.
    Tpot,
    /// The same where the first event held `k1 > 1` tokens: `(last_token - token[1]) / (n - k1)`.
    TpotChunkAware,
    /// Normalised time per output token: `e2e / n`.
    Ntpot,
    /// End to end from the send: `last_token - sent`.
    E2e,
    /// End to end from the plan: `last_token - scheduled`.
    E2eScheduled,
}

impl Metric {
    /// Every metric, in the order of a request's life.
    pub const ALL: [Self; 12] = [
        Self::ScheduleDelay,
        Self::Connect,
        Self::Ttft,
        Self::TtftScheduled,
        Self::Ttfo,
        Self::ChunkGap,
        Self::Itl,
        Self::Tpot,
        Self::TpotChunkAware,
        Self::Ntpot,
        Self::E2e,
        Self::E2eScheduled,
    ];

    /// The name in JSON, SLOs and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScheduleDelay => "schedule_delay",
            Self::Connect => "connect",
            Self::Ttft => "ttft",
            Self::TtftScheduled => "ttft_scheduled",
            Self::Ttfo => "ttfo",
            Self::ChunkGap => "chunk_gap",
            Self::Itl => "itl",
            Self::Tpot => "tpot",
            Self::TpotChunkAware => "tpot_chunk_aware",
            Self::Ntpot => "ntpot",
            Self::E2e => "e2e",
            Self::E2eScheduled => "e2e_scheduled",
        }
    }

    /// Whether samples are token gaps pooled over requests (true) or one value a request (false).
    #[must_use]
    pub fn is_pooled(self) -> bool {
        matches!(self, Self::ChunkGap | Self::Itl)
    }

    /// Whether a request that never reached the metric's end counts as `+inf`, because the metric runs from the plan
    /// or to the end of the reply. Failures and timeouts stay in these.
    #[must_use]
    pub fn is_censored_by_failure(self) -> bool {
        matches!(self, Self::TtftScheduled | Self::E2e | Self::E2eScheduled)
    }
}

/// What an SLO may name: a [`Metric`], or a share or rate over the requests of a stage.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SloMetric {
    /// See [`Metric::ScheduleDelay`].
    ScheduleDelay,
    /// See [`Metric::Connect`].
    Connect,
    /// See [`Metric::Ttft`].
    Ttft,
    /// See [`Metric::TtftScheduled`].
    TtftScheduled,
    /// See [`Metric::Ttfo`].
    Ttfo,
    /// See [`Metric::ChunkGap`].
    ChunkGap,
    /// See [`Metric::Itl`].
    Itl,
    /// See [`Metric::Tpot`].
    Tpot,
    /// See [`Metric::TpotChunkAware`].
    TpotChunkAware,
    /// See [`Metric::Ntpot`].
    Ntpot,
    /// See [`Metric::E2e`].
    E2e,
    /// See [`Metric::E2eScheduled`].
    E2eScheduled,
    /// Requests that did not succeed, divided by requests offered.
    ErrorRate,
    /// Requests that succeeded and met every limit of `goodput`, divided by requests offered.
    Goodput,
    /// Output tokens per second over the stage.
    Throughput,
}

impl SloMetric {
    /// The latency that is meant, where one is.
    #[must_use]
    pub fn latency(self) -> Option<Metric> {
        Some(match self {
            Self::ScheduleDelay => Metric::ScheduleDelay,
            Self::Connect => Metric::Connect,
            Self::Ttft => Metric::Ttft,
            Self::TtftScheduled => Metric::TtftScheduled,
            Self::Ttfo => Metric::Ttfo,
            Self::ChunkGap => Metric::ChunkGap,
            Self::Itl => Metric::Itl,
            Self::Tpot => Metric::Tpot,
            Self::TpotChunkAware => Metric::TpotChunkAware,
            Self::Ntpot => Metric::Ntpot,
            Self::E2e => Metric::E2e,
            Self::E2eScheduled => Metric::E2eScheduled,
            Self::ErrorRate | Self::Goodput | Self::Throughput => return None,
        })
    }

    /// The name in SLOs and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::Goodput => "goodput",
            Self::Throughput => "throughput",
            _ => self.latency().map_or("", Metric::as_str),
        }
    }
}
