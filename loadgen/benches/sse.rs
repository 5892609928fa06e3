//! What a streamed token costs beside the kernel's part: framing, and telling whether an event is a token.

use bench_contract::Outcome;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use loadgen::engine::{Reply, State, Trace};
use loadgen::openai::chunk::{Api, ChunkDecoder};
use loadgen::openai::sse::{EventTooLarge, Framer};

const EVENTS: usize = 512;

/// An event as vLLM writes it.
fn event(place: usize) -> String {
    format!(
        "data: {{\"id\":\"cmpl-3a7bd3e2360a3d29\",\"object\":\"text_completion\",\"created\":1800000000,\"model\":\"qwen3-8b\",\
         \"choices\":[{{\"index\":0,\"text\":\" w{place}\",\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
}

/// The pieces of a whole reply, `per_read` events in each, and each event in a chunk of its own.
fn reply(per_read: usize) -> Vec<Vec<u8>> {
    let events: Vec<String> = (0..EVENTS).map(event).collect();
    let mut pieces = vec![
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec(),
    ];
    for some in events.chunks(per_read) {
        let chunks = some
            .iter()
            .map(|event| format!("{:x}\r\n{event}\r\n", event.len()));
        pieces.push(chunks.collect::<String>().into_bytes());
    }
    pieces.push(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n".to_vec());
    pieces
}

fn follow(pieces: &[Vec<u8>]) -> Trace {
    let (mut reply, mut trace) = (Reply::new(Api::Completion, true), Trace::default());
    for (at, piece) in (0u64..).zip(pieces) {
        if let State::Ended { end, .. } = reply.feed(at, piece, &mut trace) {
            assert_eq!(end.outcome, Outcome::Ok);
        }
    }
    assert_eq!(trace.events as usize, EVENTS);
    trace
}

fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("token");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for per_read in [1, 64] {
        let pieces = reply(per_read);
        group.bench_function(
            format!("whole reply, {per_read} events a read"),
            |bencher| bencher.iter(|| follow(&pieces)),
        );
    }
    let text: Vec<u8> = (0..EVENTS).map(event).collect::<String>().into_bytes();
    group.bench_function("framing alone", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            let framed = Framer::default().feed(&text, |event| {
                bytes += event.data.len();
                Ok::<(), EventTooLarge>(())
            });
            framed.map(|()| bytes)
        });
    });
    let data: Vec<String> = (0..EVENTS)
        .map(|place| event(place).trim_start_matches("data: ").trim().to_owned())
        .collect();
    group.bench_function("events, envelope compared", |bencher| {
        bencher.iter_batched(
            || ChunkDecoder::new(Api::Completion),
            |mut decoder| {
                data.iter()
                    .filter(|data| {
                        decoder
                            .event(None, data.as_bytes())
                            .is_ok_and(|event| event.token)
                    })
                    .count()
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("events, each through the parser", |bencher| {
        bencher.iter(|| {
            let decode = |data: &&String| {
                ChunkDecoder::new(Api::Completion)
                    .event(None, data.as_bytes())
                    .is_ok_and(|event| event.token)
            };
            data.iter().filter(decode).count()
        });
    });
    group.finish();
}

criterion_group!(benches, tokens);
criterion_main!(benches);
