//! A conversation as it is planned: what the user says turn by turn. What the model says is known only when it has been said.

use bench_contract::TokenCount;

use super::prompt::{Message, Prompt, Role};

/// Turns of one conversation are numbered from `session * TURNS` on in the plan of a stage; none has more.
pub const TURNS: u64 = 1024;

/// What the user of a conversation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What stands before the first turn.
    pub system: Option<Piece>,
    /// The turns, at least one.
    pub turns: Vec<Turn>,
}

/// A text and its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Its length in tokens as the plan has it.
    pub asked: TokenCount,
    /// As the client counts it.
    pub tokens: Option<TokenCount>,
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
#[derive(Clone, Debug)]
pub struct Talk {
    /// Its number in the stage.
    pub session: u64,
    script: Script,
    /// The turn that is to be sent, or was sent last.
    turn: usize,
    said: Vec<Message>,
    asked: TokenCount,
    tokens: Option<TokenCount>,
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
            tokens: Some(0),
        };
        if let Some(system) = talk.script.system.take() {
            talk.say(Role::System, system);
        }
        talk.say_turn();
        talk
    }

    /// The number of the turn, from 0.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "below TURNS")]
    pub fn turn(&self) -> u32 {
        self.turn as u32
    }

    /// How many turns are planned.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most TURNS")]
    pub fn turns(&self) -> u32 {
        self.script.turns.len() as u32
    }

    /// The length of the prompt as the plan has it, in tokens: replies count as they were asked for.
    #[must_use]
    pub fn asked(&self) -> TokenCount {
        self.asked
    }

    /// The length of the prompt as the client counts it, in tokens, where it could count all of it; replies count as the
    /// server says.
    #[must_use]
    pub fn tokens(&self) -> Option<TokenCount> {
        self.tokens
    }

    /// The length of the reply asked for, in tokens.
    #[must_use]
    pub fn output_tokens(&self) -> TokenCount {
        self.script.turns[self.turn].output_tokens
    }

    /// Everything that was said so far, the last turn included.
    #[must_use]
    pub fn prompt(&self) -> Prompt {
        Prompt::Messages(self.said.clone())
    }

    /// How long the user takes for the next turn, in nanoseconds, if there is one.
    #[must_use]
    pub fn thinks_ns(&self) -> Option<u64> {
        Some(self.script.turns.get(self.turn + 1)?.think_ns)
    }

    /// Goes on with the next turn, if there is one, after `answer`, which was `tokens` long.
    pub fn go_on(&mut self, answer: String, tokens: Option<TokenCount>) {
        let asked = self.output_tokens();
        self.turn += 1;
        self.say(
            Role::Assistant,
            Piece {
                text: answer,
                asked,
                tokens,
            },
        );
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
            ..turn.says
        };
        self.say(Role::User, says);
    }

    fn say(&mut self, role: Role, piece: Piece) {
        self.asked = self.asked.saturating_add(piece.asked);
        self.tokens = self
            .tokens
            .zip(piece.tokens)
            .map(|(sum, more)| sum.saturating_add(more));
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
            tokens: Some(asked),
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
        };
        let mut talk = Talk::begin(4, script);
        assert_eq!(
            (talk.turn(), talk.turns(), talk.asked(), talk.tokens()),
            (0, 2, 5, Some(5))
        );
        assert_eq!(talk.thinks_ns(), Some(7));
        talk.go_on("an answer".to_owned(), Some(6));
        assert_eq!(
            (talk.turn(), talk.asked(), talk.tokens()),
            (1, 13, Some(14))
        );
        assert_eq!(talk.thinks_ns(), None);
        let Prompt::Messages(said) = talk.prompt() else {
            panic!("no messages")
        };
        let said: Vec<_> = said
            .iter()
            .map(|message| (message.role.as_str(), message.content.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("system", "be brief"),
                ("user", "one"),
                ("assistant", "an answer"),
                ("user", "two")
            ]
        );
    }

    #[test]
    fn an_answer_of_unknown_length_leaves_the_count_open() {
        let turns = ["one", "two"].map(|text| Turn {
            says: piece(text, 1),
            output_tokens: 1,
            think_ns: 0,
        });
        let mut talk = Talk::begin(
            0,
            Script {
                system: None,
                turns: turns.into(),
            },
        );
        talk.go_on("x".to_owned(), None);
        assert_eq!((talk.asked(), talk.tokens()), (3, None));
    }
}
