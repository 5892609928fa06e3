//! A conversation as it is planned: what the user says turn by turn. What the model says is known only when it has been said.

use bench_contract::TokenCount;

use super::prompt::{Made, Message, Prompt, Role};

/// Turns of one conversation are numbered from `session * TURNS` on in the plan of a stage; none has more.
pub const TURNS: u64 = 1024;

/// What the user of a conversation says.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What stands before the first turn.
    pub system: Option<Piece>,
    /// The turns, at least one.
    pub turns: Vec<Turn>,
    /// More keys of each request's body, sent as they are.
    pub extra: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A text and its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Its length in tokens as the plan has it.
    pub asked: TokenCount,
}

/// Which turn of which conversation a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The conversation's number in its stage.
    pub session: u64,
    /// The turn, from 0.
    pub turn: u32,
    /// How many are planned.
    pub turns: u32,
}

impl Place {
    /// The request's place in the plan of its stage.
    #[must_use]
    pub fn index(self) -> u64 {
        self.session * TURNS + u64::from(self.turn)
    }
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What the user says.
    pub says: Piece,
    /// The length of the reply asked for, in tokens.
    pub output_tokens: TokenCount,
    /// How long the user takes, from the end of the last reply, in nanoseconds.
    pub think_ns: u64,
}

/// A conversation while it is held.
#[derive(Debug)]
pub struct Talk {
    session: u64,
    script: Script,
    /// The turn that is to be sent, or was sent last.
    turn: usize,
    said: Vec<Message>,
    asked: TokenCount,
}

impl Talk {
    /// Begins a conversation with its first turn.
    #[must_use]
    pub fn begin(session: u64, script: Script) -> Self {
        let mut talk = Self {
            session,
            script,
            turn: 0,
            said: Vec::new(),
            asked: 0,
        };
        if let Some(system) = talk.script.system.take() {
            talk.say(Role::System, system);
        }
        talk.say_turn();
        talk
    }

    /// Where it has come to.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most TURNS")]
    pub fn place(&self) -> Place {
        Place {
            session: self.session,
            turn: self.turn as u32,
            turns: self.script.turns.len() as u32,
        }
    }

    /// The length of the prompt as the plan has it, in tokens: replies count as they were asked for.
    #[must_use]
    pub fn asked(&self) -> TokenCount {
        self.asked
    }

    /// The length of the reply asked for, in tokens.
    #[must_use]
    pub fn output_tokens(&self) -> TokenCount {
        self.script.turns[self.turn].output_tokens
    }

    /// Has `write` made a request of everything that was said so far, the last turn included, and of the keys that go along.
    pub fn write<T>(&mut self, write: impl FnOnce(&Made) -> T) -> T {
        // Lent and taken back: a history may be long.
        let made = Made {
            prompt: Prompt::Messages(std::mem::take(&mut self.said)),
            tokens: None,
            extra: self.script.extra.take(),
        };
        let written = write(&made);
        if let Prompt::Messages(said) = made.prompt {
            self.said = said;
        }
        self.script.extra = made.extra;
        written
    }

    /// How long the user takes for the next turn, in nanoseconds, if there is one.
    #[must_use]
    pub fn thinks_ns(&self) -> Option<u64> {
        Some(self.script.turns.get(self.turn + 1)?.think_ns)
    }

    /// Goes on with the next turn, which there has to be, after `answer`.
    pub fn go_on(&mut self, answer: String) {
        let asked = self.output_tokens();
        self.turn += 1;
        let text = answer;
        self.say(Role::Assistant, Piece { text, asked });
        self.say_turn();
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let turns = self.script.turns.iter().map(|turn| turn.says.text.len());
        let said = self.said.iter().map(|message| message.content.len());
        turns.sum::<usize>() + said.sum::<usize>()
    }

    fn say_turn(&mut self) {
        let Some(turn) = self.script.turns.get_mut(self.turn) else {
            return;
        };
        let says = Piece {
            text: std::mem::take(&mut turn.says.text),
            asked: turn.says.asked,
        };
        self.say(Role::User, says);
    }

    fn say(&mut self, role: Role, piece: Piece) {
        self.asked = self.asked.saturating_add(piece.asked);
        self.said.push(Message {
            role,
            content: piece.text,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, asked: TokenCount) -> Piece {
        Piece {
            text: text.to_owned(),
            asked,
        }
    }

    #[test]
    fn a_conversation_carries_what_was_said() {
        let turn = |text: &str, think_ns| Turn {
            says: piece(text, 3),
            output_tokens: 5,
            think_ns,
        };
        let script = Script {
            system: Some(piece("be brief", 2)),
            turns: vec![turn("one", 0), turn("two", 7)],
            extra: serde_json::from_str("{\"temperature\": 0}").unwrap(),
        };
        let mut talk = Talk::begin(4, script);
        let place = |turn| Place {
            session: 4,
            turn,
            turns: 2,
        };
        assert_eq!((talk.place(), talk.asked()), (place(0), 5));
        assert_eq!(talk.thinks_ns(), Some(7));
        talk.go_on("an answer".to_owned());
        assert_eq!((talk.place(), talk.asked()), (place(1), 13));
        assert_eq!(talk.place().index(), 4 * TURNS + 1);
        assert_eq!(talk.thinks_ns(), None);
        // What is lent comes back.
        for _ in 0..2 {
            let (said, extra) = talk.write(|made| {
                let Prompt::Messages(said) = &made.prompt else {
                    panic!("no messages")
                };
                let said: Vec<_> = said
                    .iter()
                    .map(|message| format!("{}: {}", message.role.as_str(), message.content))
                    .collect();
                (said, made.extra.is_some())
            });
            assert_eq!(
                said,
                [
                    "system: be brief",
                    "user: one",
                    "assistant: an answer",
                    "user: two"
                ]
            );
            assert!(extra);
        }
    }
}
