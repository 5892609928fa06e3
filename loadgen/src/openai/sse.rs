//! Server-sent events: bytes in, events out (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use memchr::memchr2;
use thiserror::Error;

/// The most that one event may take, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// An event that does not end within 16 MiB: the server streams something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a server-sent event is larger than 16 MiB")]
pub struct EventTooLarge;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// Its `event` field, where it has one.
    pub name: Option<&'a [u8]>,
    /// Its `data` fields, joined by line feeds.
    pub data: &'a [u8],
}

/// Finds events in pieces of a stream. The usual event, one `data` line that comes whole, is not copied.
#[derive(Debug, Default)]
pub struct Framer {
    /// A line that has begun in an earlier piece.
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    name: Vec<u8>,
    /// The last piece ended in CR: a LF at the beginning of the next one belongs to it.
    after_cr: bool,
    begun: bool,
}

impl Framer {
    /// Takes the next bytes of the stream and gives every event that they complete to `sink`.
    ///
    /// # Errors
    /// [`EventTooLarge`], or what `sink` fails with; nothing more can be read then.
    pub fn feed<E: From<EventTooLarge>>(
        &mut self,
        bytes: &[u8],
        mut sink: impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while !rest.is_empty() {
            if self.is_between_events()
                && let Some((data, after)) = simple_event(rest)
            {
                self.begun = true;
                sink(SseEvent { name: None, data })?;
                rest = after;
                continue;
            }
            let Some(end) = memchr2(b'\r', b'\n', rest) else {
                self.line.extend_from_slice(rest);
                if self.line.len() + self.data.len() > MOST_BYTES {
                    return Err(EventTooLarge.into());
                }
                return Ok(());
            };
            let (line, ending) = rest.split_at(end);
            rest = match ending {
                [b'\r', b'\n', after @ ..] => after,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, after @ ..] => after,
                [] => &[],
            };
            self.end_line(line, &mut sink)?;
        }
        Ok(())
    }

    /// The stream has ended: gives an event that no blank line has ended, which the specification drops and servers send.
    ///
    /// # Errors
    /// What `sink` fails with.
    pub fn finish<E: From<EventTooLarge>>(
        &mut self,
        mut sink: impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.line.is_empty() {
            self.end_line(b"", &mut sink)?;
        }
        self.end_line(b"", &mut sink)
    }

    /// Whether the next byte is the first of an event.
    #[must_use]
    pub fn is_between_events(&self) -> bool {
        self.line.is_empty() && !self.has_data && self.name.is_empty() && !self.after_cr
    }

    /// Ends the line that `tail` is the rest of.
    fn end_line<E: From<EventTooLarge>>(
        &mut self,
        tail: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.line.is_empty() {
            return self.take_line(tail, sink);
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(tail);
        let taken = self.take_line(&line, sink);
        // Keeps the buffer for the next line.
        line.clear();
        self.line = line;
        taken
    }

    fn take_line<E: From<EventTooLarge>>(
        &mut self,
        line: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let line = if self.begun {
            line
        } else {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        };
        self.begun = true;
        if line.is_empty() {
            let sent = if self.has_data {
                let name = (!self.name.is_empty()).then_some(self.name.as_slice());
                sink(SseEvent {
                    name,
                    data: &self.data,
                })
            } else {
                Ok(())
            };
            self.data.clear();
            self.name.clear();
            self.has_data = false;
            return sent;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
                if self.data.len() > MOST_BYTES {
                    return Err(EventTooLarge.into());
                }
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Comments have an empty name; `id` and `retry` are for clients that reconnect.
            _ => {}
        }
        Ok(())
    }
}

/// The data of an event of one `data: ` line with a blank line after it, all in `bytes`, and what follows.
fn simple_event(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = bytes.strip_prefix(b"data: ")?;
    let end = memchr2(b'\r', b'\n', value)?;
    let after = value[end..].strip_prefix(b"\n\n")?;
    Some((&value[..end], after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (Option<String>, String);

    fn owned(event: SseEvent<'_>) -> Owned {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (event.name.map(text), text(event.data))
    }

    fn read(pieces: &[&[u8]]) -> Vec<Owned> {
        let (mut framer, mut events) = (Framer::default(), Vec::new());
        let mut keep = |event: SseEvent<'_>| {
            events.push(owned(event));
            Ok::<(), EventTooLarge>(())
        };
        for piece in pieces {
            framer.feed(piece, &mut keep).unwrap();
        }
        framer.finish(&mut keep).unwrap();
        events
    }

    /// The specification, slowly: all lines first, then all fields.
    fn reference(bytes: &[u8]) -> Vec<Owned> {
        let text = String::from_utf8_lossy(bytes)
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (mut events, mut name, mut data): (Vec<Owned>, String, Option<String>) =
            (Vec::new(), String::new(), None);
        for line in text.split('\n').chain(std::iter::once("")) {
            if line.is_empty() {
                if let Some(data) = data.take() {
                    events.push(((!name.is_empty()).then(|| name.clone()), data));
                }
                name.clear();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => {
                    data = Some(match data.take() {
                        Some(before) => before + "\n" + value,
                        None => value.to_owned(),
                    });
                }
                "event" => value.clone_into(&mut name),
                _ => {}
            }
        }
        events
    }

    fn data(events: &[Owned]) -> Vec<&str> {
        events.iter().map(|(_, data)| data.as_str()).collect()
    }

    #[test]
    fn every_form_of_an_event_is_read() {
        assert_eq!(data(&read(&[b"data: a\n\ndata: b\n\n"])), ["a", "b"]);
        assert_eq!(
            data(&read(&[b"data: a\r\n\r\ndata: b\r\n\r\n"])),
            ["a", "b"]
        );
        assert_eq!(data(&read(&[b"data: a\r\rdata: b\r\r"])), ["a", "b"]);
        assert_eq!(
            data(&read(&[b"data:a\n\ndata:  b\n\n"])),
            ["a", " b"],
            "one space at most is dropped"
        );
        assert_eq!(data(&read(&[b"data: a\ndata: b\ndata\n\n"])), ["a\nb\n"]);
        assert_eq!(
            data(&read(&[
                b": ping\n\nid: 1\nretry: 5\n\ndata: a\n: in between\n\n"
            ])),
            ["a"]
        );
        assert_eq!(
            data(&read(&[b"data: a\n\ndata: last"])),
            ["a", "last"],
            "an end without a blank line"
        );
        assert_eq!(data(&read(&["\u{feff}data: a\n\n".as_bytes()])), ["a"]);
        assert_eq!(
            data(&read(&[b"data: a\r", b"\n\r", b"\ndata: b\n\n"])),
            ["a", "b"],
            "CR LF in two reads"
        );
        assert_eq!(
            read(&[b"event: error\ndata: x\n\ndata: y\n\n"]),
            [(Some("error".into()), "x".into()), (None, "y".into())]
        );
        assert_eq!(
            data(&read(&[
                "data: 한".as_bytes().split_at(7).0,
                "data: 한".as_bytes().split_at(7).1,
                b"\n\n"
            ])),
            ["한"]
        );
        assert!(read(&[b"", b"\n\n\n", b"event: only\n\n"]).is_empty());
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        let mut framer = Framer::default();
        let piece = vec![b'x'; 1 << 20];
        let fed = (0..20).try_for_each(|_| framer.feed(&piece, |_| Ok::<(), EventTooLarge>(())));
        assert_eq!(fed, Err(EventTooLarge));
    }

    proptest! {
        #[test]
        fn it_is_the_specification_and_does_not_depend_on_the_reads(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("data: {\"a\":1}\n\n"), Just("data"), Just(": "), Just(":"), Just("\n"), Just("\r"), Just("\r\n"),
                    Just("event: e"), Just("é한"), Just("\u{feff}"), Just("x"), Just("data: y\n"),
                ],
                0..40,
            ),
            cut in 1usize..9,
        ) {
            let bytes = parts.concat().into_bytes();
            let expected = reference(&bytes);
            prop_assert_eq!(&read(&[&bytes]), &expected);
            prop_assert_eq!(&read(&bytes.chunks(cut).collect::<Vec<_>>()), &expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..50) {
            read(&bytes.chunks(cut).collect::<Vec<_>>());
        }
    }
}
