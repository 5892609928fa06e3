//! Finding out from the server how long text is, where there is no tokenizer at hand.

use super::text::{Measure, TextMaker};
use super::words::{FEWEST, Words};

/// So many words are counted at once. A group that is as many tokens as words holds only words of one token.
const GROUP: usize = 64;

/// So many words that may begin a text are enough.
const FIRSTS: usize = 32;

/// Lengths of the texts with which it is checked that words add up, in words.
const TRIED: [usize; 3] = [1, 50, 400];

/// Somebody who counts tokens, and may grow tired of it.
pub trait Counter {
    /// How many tokens a text is inside of another.
    ///
    /// # Errors
    /// With the reason why that is not to be learnt.
    fn count_within(&mut self, text: &str) -> Result<usize, String>;

    /// How many tokens a prompt is: with special tokens or, where chats are sent, as a message in the chat template.
    ///
    /// # Errors
    /// With the reason why that is not to be learnt.
    fn count_whole(&mut self, text: &str) -> Result<usize, String>;

    /// Whether there is no time for another question.
    fn is_late(&self) -> bool;
}

/// Words that `counter` says are one token each, and what the server adds to a prompt of them. Where that cannot be learnt, a
/// reason is returned beside.
///
/// # Errors
/// With the reason why not even the words can be counted.
pub(super) fn calibrate(counter: &mut dyn Counter) -> Result<(TextMaker, Option<String>), String> {
    let words = Words::common();
    let mut good: Vec<&'static str> = Vec::new();
    let mut groups: Vec<&[&'static str]> = words.chunks(GROUP).rev().collect();
    while let Some(group) = groups.pop() {
        if counter.is_late() {
            break;
        }
        if counter.count_within(&group.join(" "))? == group.len() {
            good.extend(group);
        } else if group.len() > 1 {
            let (first, second) = group.split_at(group.len() / 2);
            groups.extend([second, first]);
        }
    }
    if good.len() < FEWEST {
        return Err(if counter.is_late() {
            "it counts too slowly".to_owned()
        } else {
            "even common words are more than one token each".to_owned()
        });
    }
    let mut firsts = Vec::new();
    for word in good.iter().step_by((good.len() / FIRSTS).max(1)) {
        if counter.is_late() && !firsts.is_empty() {
            break;
        }
        if counter.count_within(word)? == 1 {
            firsts.push(*word);
        }
    }
    if firsts.is_empty() {
        return Err("no word is one token at the beginning of a text".to_owned());
    }
    let first = firsts[0];
    let whole = counter.count_whole(first);
    let maker = |measure, around| {
        TextMaker::of_words(Words::of(good.clone(), firsts.clone()), measure, around)
    };
    let around = match whole {
        Ok(counted) => counted.saturating_sub(1),
        Err(reason) => return Ok((maker(Measure::ServerWithout, 0), Some(reason))),
    };
    let made = maker(Measure::Server, around);
    for (index, length) in (0..).zip(TRIED) {
        let counted = counter.count_whole(&made.sample(length, index));
        let reason = match counted {
            Ok(counted) if counted == length + around => continue,
            Ok(counted) => format!("{length} words and {around} tokens around them are {counted}"),
            Err(reason) => reason,
        };
        return Ok((maker(Measure::ServerWithout, 0), Some(reason)));
    }
    Ok((made, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_contract::TokenCount;

    /// Words of five letters are two tokens; a chat has seven more.
    struct Counting {
        asked: usize,
        patience: usize,
        whole: Result<usize, String>,
    }

    fn tokens(text: &str) -> usize {
        let of = |word: &str| if word.len() == 5 { 2 } else { 1 };
        text.split(' ').map(of).sum()
    }

    impl Counter for Counting {
        fn count_within(&mut self, text: &str) -> Result<usize, String> {
            self.asked += 1;
            Ok(tokens(text))
        }

        fn count_whole(&mut self, text: &str) -> Result<usize, String> {
            self.asked += 1;
            self.whole.clone().map(|more| tokens(text) + more)
        }

        fn is_late(&self) -> bool {
            self.asked >= self.patience
        }
    }

    fn counting(patience: usize) -> Counting {
        Counting {
            asked: 0,
            patience,
            whole: Ok(7),
        }
    }

    #[test]
    fn words_of_one_token_and_what_is_around_them_are_found() {
        let mut counter = counting(10_000);
        let (maker, without) = calibrate(&mut counter).unwrap();
        assert_eq!(without, None);
        for wanted in [8, 9, 100, 1000] {
            let made = maker.make(wanted, &super::super::Draws::to_try(3)).unwrap();
            assert_eq!(made.tokens, Some(wanted));
            let crate::plan::prompt::Prompt::Text(text) = made.prompt else {
                panic!("no text")
            };
            assert_eq!(TokenCount::try_from(tokens(&text) + 7), Ok(wanted));
        }
        assert_eq!(maker.misses().load(std::sync::atomic::Ordering::Relaxed), 0);
    }

    #[test]
    fn what_was_found_when_time_is_up_is_used() {
        let mut counter = counting(700);
        assert!(calibrate(&mut counter).unwrap().1.is_none());
        let mut counter = counting(3);
        assert_eq!(
            calibrate(&mut counter).err().unwrap(),
            "it counts too slowly"
        );
    }

    #[test]
    fn without_what_is_around_them_words_are_not_called_exact() {
        let mut counter = counting(10_000);
        counter.whole = Err("no messages".to_owned());
        let (maker, without) = calibrate(&mut counter).unwrap();
        assert_eq!(without.as_deref(), Some("no messages"));
        assert_eq!(
            maker
                .make(50, &super::super::Draws::to_try(0))
                .unwrap()
                .tokens,
            None
        );
    }
}
