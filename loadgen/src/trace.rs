//! Reading the trace that a config names.

use std::fs::File;
use std::io::BufReader;

use bench_contract::Config;
use bench_contract::config::LoadType;
use bench_contract::trace::unpacked;

use crate::plan::trace::Trace;

/// The trace of `load.trace`, if the load replays one; as much of it as the longest stage needs.
///
/// # Errors
/// When the file cannot be opened, or holds a line that cannot be replayed; with its path, line and remedy.
pub fn read(config: &Config) -> Result<Option<Trace>, String> {
    let load = &config.load;
    let named = load
        .trace
        .as_ref()
        .filter(|_| load.kind == LoadType::TraceReplay);
    let Some(named) = named else { return Ok(None) };
    let unreadable = |error: std::io::Error| {
        format!(
            "cannot read the trace {}: {error}; load.trace.file is a path where loadgen runs, in a pod that of a volume",
            named.file
        )
    };
    let file = File::open(&named.file).map_err(unreadable)?;
    let input = unpacked(BufReader::new(file)).map_err(unreadable)?;
    // A stage with a rate counts requests; one without a duration takes all.
    let mut ends = load.run_stages().into_iter().map(|stage| {
        let seconds = stage.duration.filter(|_| stage.rate.is_none())?;
        Some(seconds.get() * named.speedup().get())
    });
    let end = ends.try_fold(0.0_f64, |most, end| Some(most.max(end?)));
    // The warm-up begins as the first stage does, and may be longer.
    let warmup = load
        .warmup
        .as_ref()
        .map_or(0.0, |warmup| warmup.duration.get());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0; `as` saturates"
    )]
    let until_ns = end.map(|end| (end.max(warmup * named.speedup().get()) * 1e9).ceil() as u64);
    Trace::read(input, until_ns)
        .map(Some)
        .map_err(|error| format!("cannot replay the trace {}: {error}", named.file))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trace_may_have_any_name_compressed_or_not() {
        let text = "time,input_tokens,output_tokens\n1,2,3\n2.5,4,5\n";
        let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("a.zst", text.as_bytes()), ("b.csv", packed.as_slice())] {
            let file = folder.path().join(name);
            std::fs::write(&file, content).unwrap();
            let load = json!({"type": "trace_replay", "trace": {"file": file}});
            let config: Config = serde_json::from_value(json!({"load": load})).unwrap();
            let trace = read(&config).unwrap().unwrap();
            assert_eq!((&*trace.input, &*trace.output), (&[2, 4][..], &[3, 5][..]));
        }
        let load = json!({"type": "trace_replay", "trace": {"file": folder.path()}});
        let config: Config = serde_json::from_value(json!({"load": load})).unwrap();
        assert!(
            read(&config)
                .unwrap_err()
                .starts_with("cannot read the trace")
        );
    }
}
