//! One entry of `per_request_lifecycle_metrics.json`.

use bench_contract::{Outcome, RequestRecord};
use serde_json::{Value, json};

use super::labels::error_type;
use crate::TokenRead;

/// The entry of one request, in a layout that holds inference-perf's new keys, the old ones that converters still read
/// (`info.input_tokens`, `info.output_tokens`, `info.output_token_times`), and ours: stage, index, instants of plan and
/// dispatch, outcome. Times are seconds from the run's origin. Bodies of replies are not kept.
///
/// `request` is the JSON body that was sent.
#[must_use]
pub fn per_request_entry(record: &RequestRecord, reads: &[TokenRead], request: &str) -> Value {
    let is_ok = record.outcome == Outcome::Ok;
    let start = record.sent_ns.or(record.dispatched_ns);
    // The client's count, as in inference-perf 0.2.0; the server's is in `server_usage`.
    let input = record
        .input_tokens
        .or(record.server_prompt_tokens)
        .filter(|_| is_ok)
        .unwrap_or(0);
    let output = record.output_tokens.filter(|_| is_ok).unwrap_or(0);
    let times: Vec<f64> = reads
        .iter()
        .flat_map(|read| std::iter::repeat_n(seconds(read.at_ns), read.events.max(1) as usize))
        .collect();
    let usage = record.server_prompt_tokens.or(record.server_cached_tokens).map(|_| {
        json!({
            "prompt_tokens": record.server_prompt_tokens,
            "completion_tokens": record.output_tokens,
            "total_tokens": record.server_prompt_tokens.zip(record.output_tokens).map(|(i, o)| u64::from(i) + u64::from(o)),
            "prompt_tokens_details": record.server_cached_tokens.map(|cached| json!({"cached_tokens": cached})),
            "completion_tokens_details": record.reasoning_tokens.map(|reasoning| json!({"reasoning_tokens": reasoning})),
        })
    });
    let response = is_ok.then(
        || json!({"output_tokens": output, "server_usage": usage, "output_token_times": times}),
    );
    let error = (!is_ok).then(|| {
        json!({"error_type": error_type(record), "error_msg": record.error.as_deref().unwrap_or_default()})
    });
    json!({
        "stage_id": record.stage,
        "request_index": record.index,
        "scheduled_time": seconds(record.scheduled_ns),
        "dispatched_time": record.dispatched_ns.map(seconds),
        "start_time": start.map(seconds),
        "end_time": record.end_ns.map(seconds),
        "outcome": record.outcome,
        "request": request,
        "response": "",
        "info": {
            "request_metrics": {"text": {"input_tokens": input}, "image": null, "video": null, "audio": null},
            "response_metrics": response,
            "extra_info": {},
            "lora_adapter": record.adapter,
            "labels": null,
            "input_tokens": input,
            "output_tokens": output,
            "output_token_times": times,
        },
        "error": error,
    })
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{reads, record};

    #[test]
    fn holds_the_keys_of_both_layouts() {
        let record = record(3);
        let entry = per_request_entry(&record, &reads(&record), "{\"model\":\"m\"}");
        assert_eq!(entry["request"], "{\"model\":\"m\"}");
        assert_eq!(entry["start_time"], 0.3001);
        assert_eq!(entry["info"]["output_tokens"], 10);
        assert_eq!(entry["info"]["input_tokens"], 100);
        assert_eq!(
            entry["info"]["response_metrics"]["server_usage"]["prompt_tokens"],
            101
        );
        assert_eq!(
            entry["info"]["output_token_times"]
                .as_array()
                .unwrap()
                .len(),
            10
        );
        assert!(entry["error"].is_null());
    }

    #[test]
    fn a_failure_has_an_error_and_no_tokens() {
        let mut record = record(0);
        (record.outcome, record.status, record.error) =
            (Outcome::HttpError, Some(503), Some("busy".to_owned()));
        let entry = per_request_entry(&record, &[], "");
        assert_eq!(entry["error"]["error_type"], "HTTP Error 503");
        assert_eq!(entry["error"]["error_msg"], "busy");
        assert_eq!(entry["info"]["input_tokens"], 0);
        assert!(entry["info"]["response_metrics"].is_null());
    }
}
