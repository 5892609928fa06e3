use proptest::prelude::*;

use super::*;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A chunked stream of `texts`, `per_chunk` events in a chunk, complete with usage and `[DONE]`.
fn stream(texts: &[String], per_chunk: usize) -> Vec<u8> {
    let mut events: Vec<String> = texts
        .iter()
        .map(|text| {
            format!(
                "data: {}\n\n",
                serde_json::json!({"choices": [{"text": text, "finish_reason": null}]})
            )
        })
        .collect();
    let usage = serde_json::json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": texts.len()}});
    events.push(format!("data: {usage}\n\n"));
    events.push("data: [DONE]\n\n".to_owned());
    let mut bytes = HEAD.as_bytes().to_vec();
    for chunk in events.chunks(per_chunk) {
        let chunk = chunk.concat();
        bytes.extend_from_slice(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// Feeds `pieces`, the i-th at i ns, and then the end of the connection if the reply goes on.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, streaming: bool) -> (Trace, End, bool) {
    let (mut reply, mut trace, mut at) =
        (Reply::new(Api::Completion, streaming), Trace::default(), 0);
    for piece in pieces {
        if let State::Ended { end, reusable } = reply.feed(at, piece, &mut trace) {
            return (trace, end, reusable);
        }
        at += 1;
    }
    match reply.closed(at, &mut trace) {
        State::Ended { end, reusable } => (trace, end, reusable),
        State::Going => panic!("closed and going on"),
    }
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|place| format!(" w{place}")).collect()
}

#[test]
fn a_stream_leaves_a_trace_and_a_connection() {
    let (trace, end, reusable) = read([stream(&texts(5), 1).as_slice()], true);
    assert_eq!((end, reusable), (End::ok(), true));
    assert_eq!(
        (trace.status, trace.events, trace.first_token_ns),
        (Some(200), 5, Some(0))
    );
    assert_eq!(
        trace.reads,
        [TokenRead {
            at_ns: 0,
            events: 5,
            tokens: 0
        }]
    );
    assert_eq!(trace.usage.unwrap().completion_tokens, Some(5));
}

#[test]
fn bytes_after_the_end_make_the_connection_useless() {
    let mut bytes = stream(&texts(1), 1);
    bytes.extend_from_slice(b"HTTP/1.1 200");
    assert!(!read([bytes.as_slice()], true).2);
}

#[test]
fn a_stream_that_is_cut_is_truncated_unless_all_of_it_had_come() {
    let whole = stream(&texts(4), 1);
    for cut in 1..whole.len() {
        let (trace, end, reusable) = read([&whole[..cut]], true);
        let done = whole[..cut].windows(8).any(|bytes| bytes == b"[DONE]\n\n");
        let expected = if done {
            Outcome::Ok
        } else {
            Outcome::Truncated
        };
        assert_eq!((end.outcome, reusable), (expected, false), "cut at {cut}");
        assert!(trace.events <= 4);
    }
    assert_eq!(read([], true).1.outcome, Outcome::Reset);
}

#[test]
fn a_reply_that_is_no_stream_ends_with_its_body() {
    let body = r#"{"choices":[{"text":"a b","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (trace, end, reusable) = read([&text.as_bytes()[..30], &text.as_bytes()[30..]], false);
    assert_eq!((end, reusable), (End::ok(), true));
    assert_eq!((trace.first_token_ns, trace.last_token_ns), (None, Some(1)));
    assert_eq!(trace.usage.unwrap().completion_tokens, Some(2));
}

#[test]
fn an_endless_error_page_is_not_kept() {
    let head = "HTTP/1.1 503 No\r\nretry-after: 5\r\n\r\n";
    let page = "x".repeat(1 << 20);
    let (_, end, _) = read([head.as_bytes(), page.as_bytes(), page.as_bytes()], true);
    assert_eq!(end.outcome, Outcome::HttpError);
    let message = end.error.unwrap();
    assert!(
        message.len() < 400 && message.contains("retry-after: 5"),
        "{message}"
    );
}

#[test]
fn a_stream_up_to_the_end_of_its_connection_is_truncated_wherever_it_is_cut() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let whole =
        format!("{head}data: {{\"choices\":[{{\"text\":\"a\"}}]}}\n\ndata: {{\"choices\":[]}}\n\n");
    for cut in head.len()..whole.len() {
        let end = read([&whole.as_bytes()[..cut]], true).1;
        assert_eq!(end.outcome, Outcome::Truncated, "cut at {cut}: {end:?}");
    }
}

#[test]
fn a_reply_without_choices_is_no_reply() {
    let body = r#"{"object":"list"}"#;
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(
        read([text.as_bytes()], false).1.outcome,
        Outcome::ProtocolError
    );
}

proptest! {
    #[test]
    fn what_is_seen_does_not_depend_on_how_the_bytes_were_split(
        texts in proptest::collection::vec("[a-z\"\\\\é한]{1,5}", 1..20),
        per_chunk in 1usize..5,
        cuts in proptest::collection::vec(1usize..80, 1..60),
    ) {
        let bytes = stream(&texts, per_chunk);
        let (whole, end, reusable) = read([bytes.as_slice()], true);
        prop_assert_eq!((end.outcome, reusable, whole.events as usize), (Outcome::Ok, true, texts.len()));
        let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
        for cut in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        // When each event is seen: with the piece that brought the last byte of its blank line.
        let mut at = 0;
        let ends: Vec<usize> = pieces.iter().map(|piece| { at += piece.len(); at }).collect();
        let mut expected: Vec<(u64, u32)> = Vec::new();
        for end in event_ends(&bytes).into_iter().take(texts.len()) {
            let piece = ends.iter().position(|reached| *reached >= end).unwrap() as u64;
            match expected.last_mut() {
                Some((before, events)) if *before == piece => *events += 1,
                _ => expected.push((piece, 1)),
            }
        }
        let (trace, end, reusable) = read(pieces, true);
        prop_assert_eq!((end.outcome, reusable), (Outcome::Ok, true));
        let seen: Vec<(u64, u32)> = trace.reads.iter().map(|read| (read.at_ns, read.events)).collect();
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(trace.usage, whole.usage);
    }

    #[test]
    fn no_bytes_make_it_panic(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8)) {
        let head = [HEAD.as_bytes()];
        read(head.into_iter().chain(pieces.iter().map(Vec::as_slice)), true);
        read(pieces.iter().map(Vec::as_slice), false);
    }
}

/// Where events end in `bytes`: after each blank line that follows a data line.
fn event_ends(bytes: &[u8]) -> Vec<usize> {
    let body = HEAD.len();
    bytes[body..]
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| *pair == b"\n\n")
        .map(|(place, _)| body + place + 2)
        .collect()
}
