//! Tokens and their gaps over time, counted as they are read: what is not kept request by request.

use std::collections::VecDeque;

use bench_contract::RequestRecord;

use crate::TokenRead;

use gaps::Gaps;

mod gaps;

/// Most bins of a series.
pub(crate) const MOST_BINS: u64 = 600;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// The least width, a power of two in seconds from `width` on, at which the seconds `first..=last` lie in at most
/// [`MOST_BINS`] bins that begin at its multiples.
pub(crate) fn width_for(mut width: u64, first: u64, last: u64) -> u64 {
    while last / width - first / width >= MOST_BINS {
        width *= 2;
    }
    width
}

/// Tokens and gaps in bins of whole seconds from the run's origin. The bins become wider as the time grows, and depend on
/// nothing but the first and the last second that is counted; so parts add up to the whole in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    width: u64,
    /// The first bin begins at `first * width` seconds.
    first: u64,
    bins: VecDeque<Bin>,
}

/// What was read in one bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bin {
    pub(crate) tokens: u64,
    gaps: Gaps,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            width: 1,
            first: 0,
            bins: VecDeque::new(),
        }
    }
}

impl Flow {
    /// Adds the output tokens of a request, each at the read that brought it, and where `with_gaps`, the gaps between token
    /// events at the read that ended them. It costs per read, not per token.
    pub(crate) fn record(&mut self, record: &RequestRecord, reads: &[TokenRead], with_gaps: bool) {
        let tokens = u64::from(record.output_tokens.unwrap_or(0));
        let Some(first) = reads.first() else {
            let ended = record.last_token_ns.or(record.end_ns);
            if let (Some(at), true) = (ended, tokens > 0) {
                self.bin(at / SECOND).tokens += tokens;
            }
            return;
        };
        let spread = Spread::of(tokens, reads);
        let (mut events, mut given, mut before) = (0, 0, None);
        // Reads come in order, so a bin is looked up only when time has left the last one.
        let mut rest = reads;
        let mut at_ns = first.at_ns;
        while !rest.is_empty() {
            let end_ns = self.end_of_bin(at_ns);
            let count = rest.iter().take_while(|read| read.at_ns < end_ns).count();
            let (here, later) = rest.split_at(count.max(1));
            let bin = self.bin(at_ns / SECOND);
            for read in here {
                events += u64::from(read.events.max(1));
                let arrived = spread.up_to(events, given, read);
                bin.tokens += arrived - given;
                given = arrived;
                if with_gaps {
                    if let Some(before) = before {
                        bin.gaps.record(read.at_ns.saturating_sub(before), 1);
                    }
                    // Events of one read share its instant.
                    bin.gaps.record(0, read.events.saturating_sub(1));
                    before = Some(read.at_ns);
                }
            }
            rest = later;
            at_ns = rest.first().map_or(0, |read| read.at_ns);
        }
    }

    /// Adds what `other` holds.
    pub(crate) fn add(&mut self, other: &Self) {
        if other.bins.is_empty() {
            return;
        }
        // Both ends first, so that the width is that of the whole.
        let end = other.first + other.bins.len() as u64;
        self.bin_at_least(other.width, other.first * other.width);
        self.bin_at_least(other.width, (end - 1) * other.width);
        for (place, bin) in (other.first..).zip(&other.bins) {
            self.bin(place * other.width).add(bin);
        }
    }

    /// All tokens.
    pub(crate) fn tokens(&self) -> u64 {
        self.bins.iter().map(|bin| bin.tokens).sum()
    }

    /// The first second of the first bin, and the last of the last; `None` when nothing was read.
    pub(crate) fn span(&self) -> Option<(u64, u64)> {
        let end = self.first + self.bins.len() as u64;
        (!self.bins.is_empty()).then(|| (self.first * self.width, end * self.width - 1))
    }

    /// Width of a bin in seconds.
    pub(crate) fn width(&self) -> u64 {
        self.width
    }

    /// The bins with their starts in seconds, at a width that is at least the own.
    pub(crate) fn bins_of(mut self, width: u64) -> impl Iterator<Item = (u64, Bin)> {
        while self.width < width {
            self.coarsen();
        }
        let (first, width) = (self.first, self.width);
        (first..)
            .zip(self.bins)
            .map(move |(place, bin)| (place * width, bin))
    }

    /// Where the bin of `at_ns` ends, in nanoseconds.
    fn end_of_bin(&self, at_ns: u64) -> u64 {
        let width = self.width * SECOND;
        (at_ns / width + 1).saturating_mul(width)
    }

    /// The bin of `second`; there is one from now on.
    fn bin(&mut self, second: u64) -> &mut Bin {
        let place = self.place(second);
        &mut self.bins[place]
    }

    /// Makes a bin for `second`, in bins of at least `width`.
    fn bin_at_least(&mut self, width: u64, second: u64) {
        while self.width < width {
            self.coarsen();
        }
        self.place(second);
    }

    fn place(&mut self, second: u64) -> usize {
        if self.bins.is_empty() {
            self.first = second / self.width;
            self.bins.push_back(Bin::default());
            return 0;
        }
        let (least, greatest) = self.span().unwrap_or((second, second));
        let width = width_for(self.width, least.min(second), greatest.max(second));
        while self.width < width {
            self.coarsen();
        }
        let wanted = second / self.width;
        while wanted < self.first {
            self.first -= 1;
            self.bins.push_front(Bin::default());
        }
        let place = (wanted - self.first) as usize;
        while place >= self.bins.len() {
            self.bins.push_back(Bin::default());
        }
        place
    }

    /// Makes two bins one.
    fn coarsen(&mut self) {
        let (fine, first) = (std::mem::take(&mut self.bins), self.first);
        self.width *= 2;
        self.first = first / 2;
        for (place, bin) in (first..).zip(fine) {
            match self.bins.back_mut() {
                Some(last) if place % 2 == 1 => last.add(&bin),
                _ => self.bins.push_back(bin),
            }
        }
    }
}

/// How the tokens of a request are spread over its reads.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// Each event is one token.
    Even,
    /// Each read says how many it brought.
    Known,
    /// In proportion to the events: so many tokens in so many events.
    Proportional { tokens: u64, events: u64 },
}

impl Spread {
    fn of(tokens: u64, reads: &[TokenRead]) -> Self {
        let events: u64 = reads.iter().map(|read| u64::from(read.events.max(1))).sum();
        let known = || reads.iter().map(|read| u64::from(read.tokens)).sum::<u64>();
        if events == tokens {
            Self::Even
        } else if known() == tokens {
            Self::Known
        } else {
            Self::Proportional { tokens, events }
        }
    }

    /// How many tokens have arrived with `events` events, the last of them with `read`, before which it were `given`.
    fn up_to(self, events: u64, given: u64, read: &TokenRead) -> u64 {
        match self {
            Self::Even => events,
            Self::Known => given + u64::from(read.tokens),
            Self::Proportional {
                tokens,
                events: all,
            } => tokens * events / all,
        }
    }
}

impl Bin {
    fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.gaps.add(&other.gaps);
    }

    /// Percentiles of the gaps in seconds, each in `[0, 100]`; `None` without any.
    pub(crate) fn gaps<const N: usize>(&self, ps: [f64; N]) -> Option<[f64; N]> {
        self.gaps.percentiles(ps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use proptest::prelude::*;

    fn read(at_ns: u64, events: u32, tokens: u32) -> TokenRead {
        TokenRead {
            at_ns,
            events,
            tokens,
        }
    }

    fn request(n: u32, events: u32) -> RequestRecord {
        RequestRecord {
            output_tokens: Some(n),
            events,
            ..record(0)
        }
    }

    fn tokens(flow: &Flow, width: u64) -> Vec<(u64, u64)> {
        flow.clone()
            .bins_of(width)
            .map(|(start, bin)| (start, bin.tokens))
            .filter(|(_, tokens)| *tokens > 0)
            .collect()
    }

    /// Reads of one request: a start, then gaps with events and tokens.
    fn any_request() -> impl Strategy<Value = (u64, Vec<(u64, u32, u32)>, u32)> {
        let gap = prop_oneof![8 => 0..2_000_000_000_u64, 1 => 0..500_000_000_000_u64];
        (
            prop_oneof![0..4_000_000_000_u64, 0..9_000_000_000_000_u64],
            prop::collection::vec((gap, 1..4_u32, 0..4_u32), 0..12),
            0..40_u32,
        )
    }

    fn add(flow: &mut Flow, (start, reads, n): &(u64, Vec<(u64, u32, u32)>, u32)) {
        let mut at = *start;
        let reads: Vec<TokenRead> = reads
            .iter()
            .map(|&(gap, events, tokens)| {
                at += gap;
                read(at, events, tokens)
            })
            .collect();
        let events = reads.iter().map(|read| read.events).sum();
        flow.record(&request(*n, events), &reads, true);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn parts_add_up_to_the_whole_and_nothing_is_lost(
            requests in prop::collection::vec((any_request(), 0..3_usize), 0..12),
        ) {
            let (mut whole, mut parts) = (Flow::default(), vec![Flow::default(); 3]);
            for (request, part) in &requests {
                add(&mut whole, request);
                add(&mut parts[*part], request);
            }
            let mut sum = Flow::default();
            parts.iter().for_each(|part| sum.add(part));
            prop_assert_eq!(&sum, &whole);
            prop_assert!(whole.bins.len() as u64 <= MOST_BINS);

            let all: u64 = requests.iter().map(|((_, _, n), _)| u64::from(*n)).sum();
            prop_assert_eq!(tokens(&whole, 1).iter().map(|(_, tokens)| tokens).sum::<u64>(), all);
            let gaps: u64 = whole.bins.iter().map(|bin| bin.gaps.count()).sum();
            let events = |reads: &[(u64, u32, u32)]| reads.iter().map(|read| u64::from(read.1)).sum::<u64>();
            let expected: u64 = requests.iter().map(|((_, reads, _), _)| events(reads).saturating_sub(1)).sum();
            prop_assert_eq!(gaps, expected);
        }
    }

    #[test]
    fn tokens_count_where_they_were_read() {
        let mut flow = Flow::default();
        // One token an event; then tokens that are known; then in proportion; then no reads at all.
        flow.record(
            &request(3, 3),
            &[read(900_000_000, 1, 0), read(1_100_000_000, 2, 0)],
            true,
        );
        assert_eq!(tokens(&flow, 1), [(0, 1), (1, 2)]);
        flow.record(
            &request(7, 2),
            &[read(1_000_000_000, 1, 2), read(5_000_000_000, 1, 5)],
            true,
        );
        assert_eq!(tokens(&flow, 1), [(0, 1), (1, 4), (5, 5)]);
        flow.record(
            &request(5, 2),
            &[read(0, 1, 0), read(5_000_000_000, 1, 0)],
            true,
        );
        assert_eq!(tokens(&flow, 1), [(0, 3), (1, 4), (5, 8)]);
        let mut whole = request(10, 0);
        whole.last_token_ns = None;
        whole.end_ns = Some(7_000_000_000);
        flow.record(&whole, &[], true);
        assert_eq!(tokens(&flow, 2), [(0, 7), (4, 8), (6, 10)]);
    }

    #[test]
    fn a_long_run_has_wider_bins() {
        let mut flow = Flow::default();
        flow.record(&request(1, 1), &[read(30 * SECOND, 1, 0)], true);
        flow.record(&request(1, 1), &[read(629 * SECOND, 1, 0)], true);
        assert_eq!((flow.width, flow.bins.len()), (1, 600));
        flow.record(&request(1, 1), &[read(630 * SECOND, 1, 0)], true);
        assert_eq!((flow.width, flow.bins.len()), (2, 301));
        flow.record(&request(1, 1), &[read(86_400 * SECOND, 1, 0)], true);
        assert_eq!(flow.width, 256);
        assert_eq!(tokens(&flow, 1).iter().map(|(_, n)| n).sum::<u64>(), 4);
    }
}
