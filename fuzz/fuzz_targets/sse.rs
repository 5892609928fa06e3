//! Any bytes as a stream of server-sent events, and each as an event of every API: the same however the bytes are cut.
#![no_main]

use benchctl_fuzz::pieces;
use libfuzzer_sys::fuzz_target;
use loadgen::openai::chunk::{Api, ChunkDecoder};
use loadgen::openai::sse::{EventTooLarge, Framer};

type Events = Vec<(Option<Vec<u8>>, Vec<u8>)>;

fuzz_target!(|bytes: &[u8]| {
    let Some((stream, pieces)) = pieces(bytes) else {
        return;
    };
    let whole = events(&[stream]);
    assert_eq!(whole, events(&pieces), "the cuts are seen");
    for api in [Api::Completion, Api::Chat, Api::Responses, Api::AnthropicMessages, Api::Embeddings] {
        let mut decoder = ChunkDecoder::new(api);
        for (name, data) in &whole {
            let named = match name {
                Some(name) => [b"event: ", name.as_slice(), b"\n"].concat(),
                None => Vec::new(),
            };
            let framed = [named.as_slice(), b"data: ", data.as_slice(), b"\n\n"].concat();
            if let Some(event) = decoder.known_event(&framed) {
                assert_eq!(events(&[&framed]), [(name.clone(), data.clone())]);
                assert_eq!(Ok(event), ChunkDecoder::new(api).event(name.as_deref(), data));
            }
            let Ok(event) = decoder.event(name.as_deref(), data) else {
                break;
            };
            // What an event brings does not depend on those before it, unless the server counts along.
            let mut fresh = ChunkDecoder::new(api);
            if let Ok(alone) = fresh.event(name.as_deref(), data)
                && fresh.usage().is_none()
            {
                assert_eq!(event, alone, "the short way and the long one");
            }
        }
        let _ = (decoder.usage(), decoder.is_complete());
        let _ = ChunkDecoder::new(api).whole(stream);
    }
});

fn events(pieces: &[&[u8]]) -> Events {
    let (mut framer, mut events) = (Framer::default(), Vec::new());
    let mut fed = Ok(());
    for piece in pieces {
        fed = fed.and_then(|()| {
            framer.feed(piece, |event| {
                events.push((event.name.map(<[u8]>::to_vec), event.data.to_vec()));
                Ok::<(), EventTooLarge>(())
            })
        });
    }
    fed.and_then(|()| {
        framer.finish(|event| {
            events.push((event.name.map(<[u8]>::to_vec), event.data.to_vec()));
            Ok::<(), EventTooLarge>(())
        })
    })
    .expect("the input is smaller than the largest event");
    events
}
