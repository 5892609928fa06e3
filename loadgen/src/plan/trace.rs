//! A trace to replay: when its requests arrive and how long they are.

use std::io::BufRead;
use std::sync::Arc;

use bench_contract::TokenCount;
use bench_contract::trace::{TraceError, TraceReader, TracedRequest};

/// Requests of a trace that are replayed at most: more in one stage are a mistake.
const MOST_REQUESTS: usize = 10_000_000;

/// A trace in memory: sixteen bytes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Nanoseconds from the first request, ascending.
    offsets_ns: Vec<u64>,
    /// Prompt lengths in tokens.
    pub input: Arc<[TokenCount]>,
    /// Reply lengths in tokens.
    pub output: Arc<[TokenCount]>,
    /// Of each request, the blocks that its prompt consists of; none where the trace does not say.
    pub blocks: Option<Arc<[Vec<u64>]>>,
}

impl Trace {
    /// How many requests it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets_ns.len()
    }

    /// Whether it holds none, which a trace that was read does not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets_ns.is_empty()
    }

    /// Reads a trace up to `until_ns` nanoseconds after its first request.
    ///
    /// # Errors
    /// The first line that cannot be read, or is earlier than the one before; that there is no request at all, or too many.
    pub fn read(input: impl BufRead, until_ns: Option<u64>) -> Result<Self, TraceError> {
        let mut reader = TraceReader::new(input);
        let mut requests: Vec<TracedRequest> = Vec::new();
        while let Some(request) = reader.next() {
            let request = request?;
            let fail = |reason: String| TraceError::Line {
                line: reader.line(),
                reason,
            };
            if !reader.is_of_loadgen() {
                if requests
                    .last()
                    .is_some_and(|last| request.at_ns < last.at_ns)
                {
                    let reason =
                        "this request is earlier than the one before it: sort the trace by time";
                    return Err(fail(reason.to_owned()));
                }
                let start = requests.first().map_or(request.at_ns, |first| first.at_ns);
                if is_beyond(&request, start, until_ns) {
                    break;
                }
            }
            if requests.len() == MOST_REQUESTS {
                return Err(fail(format!(
                    "the trace has more than {MOST_REQUESTS} requests: give its stage a duration"
                )));
            }
            requests.push(request);
        }
        requests.sort_by_key(|request| request.at_ns);
        let Some(start) = requests.first().map(|first| first.at_ns) else {
            return Err(TraceError::Line {
                line: reader.line(),
                reason: "the trace holds no request".to_owned(),
            });
        };
        requests.retain(|request| !is_beyond(request, start, until_ns));
        Ok(Self {
            offsets_ns: requests
                .iter()
                .map(|request| offset(request, start))
                .collect(),
            input: requests
                .iter()
                .map(|request| request.input.max(1))
                .collect(),
            output: requests
                .iter()
                .map(|request| request.output.max(1))
                .collect(),
            blocks: requests
                .iter()
                .any(|request| !request.blocks.is_empty())
                .then(|| requests.into_iter().map(|request| request.blocks).collect()),
        })
    }

    /// When requests are due, in nanoseconds, if it is replayed `speedup` times as fast: those before `duration` seconds, and
    /// not more than `most`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a trace is far shorter than 2^53 ns"
    )]
    pub fn due_ns(&self, speedup: f64, duration: Option<f64>, most: f64) -> Vec<u64> {
        let end = duration.map_or(f64::INFINITY, |seconds| seconds * 1e9);
        self.offsets_ns
            .iter()
            .map(|&offset| offset as f64 / speedup)
            .take_while(|&due| due < end)
            .map(|due| due.round() as u64)
            .take(most as usize)
            .collect()
    }
}

/// Nanoseconds from `start`, which is not later.
fn offset(request: &TracedRequest, start: i64) -> u64 {
    u64::try_from(request.at_ns.saturating_sub(start)).unwrap_or(0)
}

fn is_beyond(request: &TracedRequest, start: i64, until_ns: Option<u64>) -> bool {
    until_ns.is_some_and(|until| offset(request, start) >= until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
        2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:46.6805901,396,0\n\
        2023-11-16 18:15:46.6805901,879,55\n2023-11-16 18:15:48.6805900,91,16\n";

    #[test]
    fn a_trace_begins_with_its_first_request() {
        let trace = Trace::read(TEXT.as_bytes(), None).unwrap();
        assert_eq!(
            trace.due_ns(1.0, None, f64::INFINITY),
            [0, 100, 100, 2_000_000_000]
        );
        assert_eq!(&trace.input[..], [374, 396, 879, 91]);
        assert_eq!(
            &trace.output[..],
            [44, 1, 55, 16],
            "no reply is shorter than a token"
        );
        assert_eq!(
            trace.due_ns(4.0, None, f64::INFINITY),
            [0, 25, 25, 500_000_000]
        );
        assert_eq!(trace.due_ns(0.5, None, 2.7), [0, 200]);
        assert_eq!(trace.due_ns(4.0, Some(0.5), f64::INFINITY), [0, 25, 25]);
        let start = Trace::read(TEXT.as_bytes(), Some(2_000_000_000)).unwrap();
        assert_eq!(start.due_ns(1.0, None, f64::INFINITY), [0, 100, 100]);
    }

    #[test]
    fn a_trace_that_goes_back_in_time_is_refused_with_its_line() {
        let text = format!("{TEXT}2023-11-16 18:15:47,1,1\n");
        let error = Trace::read(text.as_bytes(), None).unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("line 6: ") && said.contains("sort the trace"),
            "{said}"
        );
        let empty = Trace::read("TIMESTAMP,ContextTokens,GeneratedTokens\n".as_bytes(), None);
        assert!(empty.unwrap_err().to_string().contains("no request"));
    }
}
