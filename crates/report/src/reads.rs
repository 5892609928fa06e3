//! The reads of a request in its record, and back.

use bench_contract::{ReadEntry, Reads, RequestRecord};

use crate::TokenRead;

/// Nanoseconds in a microsecond.
const MICRO: u64 = 1000;

/// Reads as a record holds them: differences of rounded instants, so that their sum does not drift. `sent_ns` is the
/// request's send; `with_tokens`, whether to keep how many tokens each brought, where that is known: there is no need to where
/// each event of a complete reply is one.
#[must_use]
pub fn packed(sent_ns: u64, reads: &[TokenRead], with_tokens: bool) -> Reads {
    let mut before = 0;
    let deltas = reads.iter().map(|read| {
        let at = (read.at_ns.saturating_sub(sent_ns) + MICRO / 2) / MICRO;
        let delta = u32::try_from(at.saturating_sub(before)).unwrap_or(u32::MAX);
        before = at;
        ReadEntry {
            delta_us: delta,
            events: read.events,
            tokens: if with_tokens { read.tokens } else { 0 },
        }
    });
    Reads(deltas.collect())
}

/// The reads of a record, each within half a microsecond; the first and the last are exact, since the record holds them.
/// How many tokens each brought is 0 where the record does not say.
#[must_use]
pub fn unpacked(record: &RequestRecord) -> Vec<TokenRead> {
    let Some(Reads(deltas)) = &record.reads else {
        return Vec::new();
    };
    let sent = record.sent_ns.unwrap_or(0);
    let first = record.first_token_ns.unwrap_or(sent);
    let last = record.last_token_ns.unwrap_or(u64::MAX).max(first);
    let mut micros = 0_u64;
    let mut reads: Vec<TokenRead> = deltas
        .iter()
        .map(|entry| {
            micros = micros.saturating_add(entry.delta_us.into());
            let at_ns = sent.saturating_add(micros.saturating_mul(MICRO));
            TokenRead {
                at_ns: at_ns.clamp(first, last),
                events: entry.events,
                tokens: entry.tokens,
            }
        })
        .collect();
    if let (Some(read), Some(at)) = (reads.last_mut(), record.last_token_ns) {
        read.at_ns = at;
    }
    if let (Some(read), Some(at)) = (reads.first_mut(), record.first_token_ns) {
        read.at_ns = at;
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed_but_for_half_a_microsecond(
            sent in 0..u64::MAX / 4,
            reads in prop::collection::vec((0..3_000_000_000_u64, 1..4_u32, 0..5_u32), 0..50),
        ) {
            let mut at_ns = sent;
            let reads: Vec<TokenRead> = reads
                .into_iter()
                .map(|(gap, events, tokens)| {
                    at_ns += gap;
                    TokenRead { at_ns, events, tokens }
                })
                .collect();
            let record = RequestRecord {
                sent_ns: Some(sent),
                first_token_ns: reads.first().map(|read| read.at_ns),
                last_token_ns: reads.last().map(|read| read.at_ns),
                reads: Some(packed(sent, &reads, true)),
                ..record(0)
            };
            let text = serde_json::to_string(&record).unwrap();
            prop_assert_eq!(&serde_json::from_str::<RequestRecord>(&text).unwrap(), &record);
            let back = unpacked(&record);
            prop_assert_eq!(back.len(), reads.len());
            prop_assert_eq!(back.first(), reads.first());
            prop_assert_eq!(back.last(), reads.last());
            prop_assert!(back.is_sorted_by_key(|read| read.at_ns));
            for (back, read) in back.iter().zip(&reads) {
                prop_assert!(back.at_ns.abs_diff(read.at_ns) <= MICRO / 2);
                prop_assert_eq!((back.events, back.tokens), (read.events, read.tokens));
            }
            prop_assert_eq!(packed(sent, &back, true), packed(sent, &reads, true));
        }
    }

    #[test]
    fn differences_do_not_drift() {
        let reads: Vec<TokenRead> = (1..=1000)
            .map(|k| TokenRead {
                at_ns: k * 1_000_400,
                events: 1,
                tokens: 0,
            })
            .collect();
        let deltas = packed(0, &reads, true).0.into_iter();
        let total: u64 = deltas.map(|entry| u64::from(entry.delta_us)).sum();
        assert_eq!(total, 1_000_400);
    }

    #[test]
    fn entries_have_two_numbers_or_three() {
        let read = serde_json::from_str::<Reads>("[[100,1],[20,2,5]]").unwrap();
        let tokens: Vec<u32> = read.0.iter().map(|entry| entry.tokens).collect();
        assert_eq!(tokens, [0, 5]);
        assert_eq!(serde_json::to_string(&read).unwrap(), "[[100,1],[20,2,5]]");
        for text in ["[[1]]", "[[1,2,3,4]]", "[[1,-2]]", "[7]"] {
            assert!(serde_json::from_str::<Reads>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn damaged_reads_stay_within_the_request() {
        let mut record = record(0);
        let entry = ReadEntry {
            delta_us: u32::MAX,
            events: 1,
            tokens: 0,
        };
        record.reads = Some(Reads(vec![entry; 3]));
        let reads = unpacked(&record);
        assert!(reads.is_sorted_by_key(|read| read.at_ns));
        assert_eq!(reads.last().map(|read| read.at_ns), record.last_token_ns);
        record.reads = None;
        assert_eq!(unpacked(&record), []);
    }
}
