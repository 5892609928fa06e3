//! Any bytes as an HTTP response: head and body come out the same however the bytes are cut into reads.
#![no_main]

use benchctl_fuzz::pieces;
use libfuzzer_sys::fuzz_target;
use loadgen::http::body::{Body, BodyError};
use loadgen::http::head::{Head, HeadError, HeadReader};

/// The head, what was said of the body, its bytes, whether it ended, and what was left over.
type Read = Result<Option<(Head, Result<(), BodyError>, Vec<u8>, bool, usize)>, HeadError>;

fuzz_target!(|bytes: &[u8]| {
    let Some((stream, pieces)) = pieces(bytes) else {
        return;
    };
    let whole = read(&[stream]);
    let cut = read(&pieces);
    // What is wrong with a head may be seen earlier or later, and then in other words; whether it is wrong may not.
    match (&whole, &cut) {
        (Err(_), Err(_)) => {}
        // A head that never ends is too large sooner in one piece.
        (Err(HeadError::TooLarge), Ok(None)) | (Ok(None), Err(HeadError::TooLarge)) => {}
        _ => assert_eq!(whole, cut),
    }
});

fn read(pieces: &[&[u8]]) -> Read {
    let (mut reader, mut state) = (HeadReader::default(), None::<(Head, Body)>);
    let (mut data, mut left, mut said) = (Vec::new(), 0, Ok(()));
    for piece in pieces {
        let mut rest = *piece;
        if state.is_none()
            && let Some((head, used)) = reader.feed(rest)?
        {
            rest = &rest[used..];
            let body = Body::new(head.framing);
            state = Some((head, body));
        }
        if let (Some((_, body)), Ok(())) = (&mut state, said) {
            let used = body.decode(rest, |part| {
                data.extend_from_slice(part);
                Ok::<(), BodyError>(())
            });
            match used {
                Ok(used) => left += rest.len() - used,
                Err(error) => said = Err(error),
            }
        }
    }
    Ok(state.map(|(head, body)| {
        let left = if said.is_ok() { left } else { 0 };
        (head, said, data, body.is_done(), left)
    }))
}
