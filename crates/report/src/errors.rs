//! Failures by kind, with a few of their messages.

use std::collections::BTreeMap;

use bench_contract::{ErrorSample, Outcome, RequestRecord};

use crate::inference_perf::labels::{error_type, label, message};

/// Characters of a message that are kept.
const LONGEST_MESSAGE: usize = 500;

/// When a message was first seen: place in the schedule. Smaller is earlier.
type Place = (u64, u64);

/// Failures of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) count: u64,
    /// Distinct messages with their first place; those that came first, at most as many as asked for.
    messages: BTreeMap<String, Place>,
}

/// What tells kinds of failures apart: outcome, status, inference-perf's label, and whether it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) label: String,
    /// Given up because `load.cancel` asks for it: a failure to inference-perf, and none to us.
    pub(crate) as_planned: bool,
}

/// The failures of a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors(BTreeMap<Kind, Group>);

impl Errors {
    /// Adds a request that failed; at most `most` distinct messages of its kind are kept.
    pub(crate) fn record(&mut self, record: &RequestRecord, most: usize) {
        let text = message(record.error.as_deref().unwrap_or_default());
        let text: String = text.chars().take(LONGEST_MESSAGE).collect();
        let kind = Kind {
            outcome: record.outcome,
            status: record.status.filter(|&status| status != 200),
            label: label(&error_type(record), &text),
            as_planned: record.is_cancelled_as_planned(),
        };
        let group = self.0.entry(kind).or_default();
        group.count += 1;
        group.keep(text, (record.scheduled_ns, record.index), most);
    }

    /// Adds the failures of `other`.
    pub(crate) fn merge(&mut self, other: Self, most: usize) {
        for (kind, theirs) in other.0 {
            let ours = self.0.entry(kind).or_default();
            ours.count += theirs.count;
            for (text, place) in theirs.messages {
                ours.keep(text, place, most);
            }
        }
    }

    /// Kinds and their failures.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&Kind, &Group)> {
        self.0.iter()
    }

    /// One entry for each outcome and status, the most frequent first; what was given up as planned is none.
    pub(crate) fn samples(&self) -> Vec<ErrorSample> {
        let mut merged: BTreeMap<(Outcome, Option<u16>), Vec<&Group>> = BTreeMap::new();
        for (kind, group) in self.0.iter().filter(|(kind, _)| !kind.as_planned) {
            merged
                .entry((kind.outcome, kind.status))
                .or_default()
                .push(group);
        }
        let mut samples: Vec<ErrorSample> = merged
            .into_iter()
            .map(|((outcome, status), groups)| {
                let messages = groups.iter().flat_map(|group| &group.messages);
                let first = messages.min_by_key(|(text, place)| (**place, *text));
                ErrorSample {
                    outcome,
                    status,
                    count: groups.iter().map(|group| group.count).sum(),
                    message: first.map_or_else(String::new, |(text, _)| text.clone()),
                }
            })
            .collect();
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.count));
        samples
    }
}

impl Group {
    /// Messages in the order in which they first came.
    pub(crate) fn messages(&self) -> Vec<&str> {
        let mut all: Vec<(Place, &str)> = self
            .messages
            .iter()
            .map(|(text, &place)| (place, text.as_str()))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, text)| text).collect()
    }

    /// Keeps the `most` messages (at least one) that came first. The result does not depend on the order of calls.
    fn keep(&mut self, text: String, place: Place, most: usize) {
        let first = self.messages.entry(text).or_insert(place);
        *first = (*first).min(place);
        if self.messages.len() > most.max(1) {
            let last = self
                .messages
                .iter()
                .max_by_key(|(text, place)| (**place, text.as_str()))
                .map(|(text, _)| text.clone());
            if let Some(last) = last {
                self.messages.remove(&last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn failure(index: u64, status: u16, text: &str) -> RequestRecord {
        let mut record = record(index);
        (record.outcome, record.status, record.error) =
            (Outcome::HttpError, Some(status), Some(text.to_owned()));
        record
    }

    #[test]
    fn the_first_messages_stay_whatever_the_order() {
        let records: Vec<RequestRecord> = (0..20)
            .map(|i| failure(i, 400, &format!("no {}", i % 7)))
            .chain([failure(20, 503, "busy")])
            .collect();
        let mut forwards = Errors::default();
        records.iter().for_each(|record| forwards.record(record, 3));
        let (mut left, mut right) = (Errors::default(), Errors::default());
        for (i, record) in records.iter().enumerate().rev() {
            if i % 2 == 0 {
                left.record(record, 3);
            } else {
                right.record(record, 3);
            }
        }
        left.merge(right, 3);
        assert_eq!(left, forwards);
        let samples = forwards.samples();
        assert_eq!(
            (
                samples[0].count,
                samples[0].status,
                samples[0].message.as_str()
            ),
            (20, Some(400), "no 0")
        );
        assert_eq!(
            (
                samples[1].count,
                samples[1].status,
                samples[1].message.as_str()
            ),
            (1, Some(503), "busy")
        );
        let (_, group) = forwards.groups().next().unwrap();
        assert_eq!(group.messages(), ["no 0", "no 1", "no 2"]);
    }
}
