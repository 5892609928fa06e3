//! Which entries of a data set a run sends, and in which order: drawn from the seed, each once, those that are too short or too
//! long left out.

use bench_contract::TokenCount;

use super::item::Item;
use super::set::{DataError, DataSet};
use crate::plan::random::{self, Purpose};

/// An entry that is sent, with its lengths in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its place in the data set.
    pub item: u32,
    /// How long the prompt is.
    pub input: TokenCount,
    /// How long the reply is to be; none where neither the entry nor a recorded answer says.
    pub output: Option<TokenCount>,
}

/// What is to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The seed.
    pub seed: u64,
    /// How many requests there will be.
    pub needed: Needed,
    /// Prompts that are not within are left out.
    pub input: Option<Limits>,
    /// Replies that are not within are left out.
    pub output: Option<Limits>,
    /// Whether entries may come again.
    pub reuse: bool,
}

/// The least and the greatest length, in tokens.
pub type Limits = (TokenCount, TokenCount);

/// How many requests a run will have, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// So many at least.
    pub at_least: u64,
    /// Whether there may be more: a closed loop that ends by the clock takes as many as it can.
    pub is_open: bool,
}

/// Draws entries. `count` gives the length of a text in tokens.
///
/// # Errors
/// When there are too few, or a file cannot be read.
pub fn choose(
    set: &DataSet,
    choice: &Choice,
    count: impl Fn(&Item) -> Result<(TokenCount, Option<TokenCount>), String>,
) -> Result<Vec<Chosen>, DataError> {
    let Needed { at_least, is_open } = choice.needed;
    let wanted = if is_open { u64::MAX } else { at_least };
    let is_within = |limits: Option<Limits>, length: Option<TokenCount>| match (limits, length) {
        (Some((min, max)), Some(length)) => (min..=max).contains(&length),
        _ => true,
    };
    let mut chosen = Vec::new();
    for item in shuffled(set.len(), choice.seed) {
        if chosen.len() as u64 >= wanted {
            break;
        }
        let place = item as usize;
        let read = set.read(place)?;
        let (input, output) = count(&read).map_err(|reason| {
            let (file, line) = set.place(place);
            DataError {
                file,
                line: Some(line),
                reason,
                help: "remove it",
            }
        })?;
        if is_within(choice.input, Some(input)) && is_within(choice.output, output) {
            chosen.push(Chosen {
                item,
                input,
                output,
            });
        }
    }
    let too_few = (chosen.len() as u64) < at_least;
    if chosen.is_empty() || (too_few && !choice.reuse) {
        let filtered = match set.len() - chosen.len() {
            0 => String::new(),
            count => format!(
                " ({count} are shorter or longer than data.input_distribution and data.output_distribution let through)"
            ),
        };
        return Err(DataError {
            file: set.file().to_owned(),
            line: None,
            reason: format!(
                "{} entries can be sent{filtered}{}, and the run has {} requests",
                chosen.len(),
                set.left_out(),
                if is_open {
                    format!("at least {at_least}")
                } else {
                    at_least.to_string()
                },
            ),
            help: "shorten the run, give it more data, or set data.reuse: true (a prompt that comes twice may be answered from the prefix cache)",
        });
    }
    Ok(chosen)
}

/// The numbers below `count` in an order drawn from the seed.
fn shuffled(count: usize, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
    random::shuffle(&mut order, &mut random::stream(seed, 0, Purpose::Choice, 0));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_contract::config::DataType;

    fn set(prompts: usize) -> (tempfile::TempDir, DataSet) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jsonl");
        let lines: String = (0..prompts)
            .map(|n| {
                format!(
                    "{{\"prompt\": \"{}\", \"max_tokens\": {}}}\n",
                    "x".repeat(n + 1),
                    n + 1
                )
            })
            .collect();
        std::fs::write(&file, lines).unwrap();
        let set = DataSet::open(DataType::Jsonl, &file).unwrap();
        (folder, set)
    }

    fn choice(needed: u64) -> Choice {
        Choice {
            seed: 7,
            needed: Needed {
                at_least: needed,
                is_open: false,
            },
            input: None,
            output: None,
            reuse: false,
        }
    }

    fn lengths(item: &Item) -> Result<(TokenCount, Option<TokenCount>), String> {
        Ok((item.messages[0].content.len() as u32, item.output_tokens))
    }

    #[test]
    fn each_entry_comes_once_in_an_order_of_the_seed() {
        let (_folder, set) = set(100);
        let first = choose(&set, &choice(100), lengths).unwrap();
        let mut items: Vec<u32> = first.iter().map(|chosen| chosen.item).collect();
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
        assert_eq!(first, choose(&set, &choice(100), lengths).unwrap());
        let other = Choice {
            seed: 8,
            ..choice(100)
        };
        assert_ne!(first, choose(&set, &other, lengths).unwrap());
        assert_eq!(first[..10], choose(&set, &choice(10), lengths).unwrap());
    }

    #[test]
    fn limits_leave_out_and_too_few_is_an_error() {
        let (_folder, set) = set(100);
        let within = Choice {
            input: Some((10, 50)),
            output: Some((20, 60)),
            ..choice(31)
        };
        let chosen = choose(&set, &within, lengths).unwrap();
        assert!(
            chosen
                .iter()
                .all(|chosen| (20..=50).contains(&chosen.input))
        );
        let more = Choice {
            needed: choice(32).needed,
            ..within
        };
        let error = choose(&set, &more, lengths).unwrap_err().to_string();
        assert!(
            error.contains("31 entries can be sent (69 are shorter or longer"),
            "{error}"
        );
        assert!(
            error.contains("the run has 32 requests; shorten the run"),
            "{error}"
        );
        let again = Choice {
            reuse: true,
            ..more
        };
        assert_eq!(choose(&set, &again, lengths).unwrap().len(), 31);
        let none = Choice {
            input: Some((1000, 2000)),
            ..again
        };
        assert!(choose(&set, &none, lengths).is_err());
    }
}
