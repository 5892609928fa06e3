//! One entry of a data set: what was said, how long the reply was, what else goes along.

use bench_contract::TokenCount;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::plan::prompt::{Message, Role};

/// Keys of a request that the generator writes itself.
const OURS: [&str; 8] = [
    "model",
    "messages",
    "prompt",
    "input",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
];

/// One entry of a data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// What was said, answers included; of a bare prompt, one message of the user's.
    pub messages: Vec<Message>,
    /// Whether it is a prompt and no conversation.
    pub is_bare: bool,
    /// How long the reply is to be, where the entry says so.
    pub output_tokens: Option<TokenCount>,
    /// More keys of the request's body.
    pub extra: Option<Map<String, Value>>,
}

/// An entry that is fine and cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Nobody asks anything.
    NoUser,
    /// Of a conversation, nothing is answered.
    NoAnswer,
    /// The prompt is empty.
    Empty,
}

impl Item {
    /// What is said up to the first turn of the user's, and what was answered to it.
    #[must_use]
    pub fn first_exchange(&self) -> Option<(&[Message], Option<&str>)> {
        let asked = self.messages.iter().position(|m| m.role == Role::User)?;
        self.exchange(asked)
    }

    /// What is said up to the last turn of the user's, and what was answered to it.
    #[must_use]
    pub fn last_exchange(&self) -> Option<(&[Message], Option<&str>)> {
        let asked = self.messages.iter().rposition(|m| m.role == Role::User)?;
        self.exchange(asked)
    }

    fn exchange(&self, asked: usize) -> Option<(&[Message], Option<&str>)> {
        let answer = self.messages.get(asked + 1);
        let answer = answer.filter(|message| message.role == Role::Assistant);
        Some((
            self.messages.get(..=asked)?,
            answer.map(|message| message.content.as_str()),
        ))
    }
}

/// Reads a record of a ShareGPT file: `conversations` of `from` and `value`, or `messages` of `role` and `content`.
///
/// # Errors
/// What is wrong with it; the line within it where that is known.
pub(super) fn sharegpt(bytes: &[u8]) -> Result<Result<Item, Unusable>, Broken> {
    let record: ShareGpt = parse(bytes)?;
    let Some(turns) = record.conversations.or(record.messages) else {
        return Err(Broken::new("it has no `conversations` (and no `messages`)"));
    };
    let messages: Vec<Message> = turns
        .into_iter()
        .map(Turn::message)
        .collect::<Result<_, _>>()?;
    let item = Item {
        messages,
        ..Item::default()
    };
    let usable = match item.first_exchange() {
        None => Err(Unusable::NoUser),
        Some((_, None)) => Err(Unusable::NoAnswer),
        Some((said, _)) if is_blank(said) => Err(Unusable::Empty),
        Some(_) => Ok(item),
    };
    Ok(usable)
}

/// Reads a line of a JSONL data set: a bare text, `prompt`, `messages`, or a request of OpenAI's batch format, which has these
/// in its `body`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn line(bytes: &[u8]) -> Result<Result<Item, Unusable>, Broken> {
    let mut keys = match parse::<Value>(bytes)? {
        Value::String(text) => return Ok(bare(text, None, None)),
        Value::Object(keys) => keys,
        _ => return Err(Broken::new("it is neither an object nor a text")),
    };
    let mut is_batch = false;
    if let Some(Value::Object(body)) = keys.remove("body") {
        keys = body;
        is_batch = true;
    }
    let output_tokens = output_tokens(&keys)?;
    let prompt = keys.remove("prompt").or_else(|| keys.remove("input"));
    let messages = keys.remove("messages");
    let extra = is_batch.then(|| {
        keys.retain(|key, _| !OURS.contains(&key.as_str()));
        keys
    });
    let extra = extra.filter(|keys| !keys.is_empty());
    match (messages, prompt) {
        (Some(Value::Array(list)), _) => {
            let messages: Vec<Message> = list.into_iter().map(message).collect::<Result<_, _>>()?;
            let item = Item {
                messages,
                is_bare: false,
                output_tokens,
                extra,
            };
            Ok(match item.last_exchange() {
                None => Err(Unusable::NoUser),
                Some((said, _)) if is_blank(said) => Err(Unusable::Empty),
                Some(_) => Ok(item),
            })
        }
        (Some(_), _) => Err(Broken::new("`messages` is not a list")),
        (None, Some(Value::String(text))) => Ok(bare(text, output_tokens, extra)),
        (None, Some(_)) => Err(Broken::new("`prompt` is not a text")),
        (None, None) => Err(Broken::new(
            "it has neither `prompt` nor `messages` (nor a `body` with one of them)",
        )),
    }
}

/// Why an entry cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Lines from the entry's first to where it is broken.
    pub lines: u64,
    /// What is wrong.
    pub reason: String,
}

impl Broken {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            lines: 0,
            reason: reason.into(),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Broken> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // Its own place counts from the entry.
        let reason = text.split(" at line ").next().unwrap_or(&text);
        Broken {
            lines: error.line().saturating_sub(1) as u64,
            reason: format!("{reason} (column {})", error.column()),
        }
    })
}

fn bare(
    text: String,
    output_tokens: Option<TokenCount>,
    extra: Option<Map<String, Value>>,
) -> Result<Item, Unusable> {
    if text.trim().is_empty() {
        return Err(Unusable::Empty);
    }
    Ok(Item {
        messages: vec![Message {
            role: Role::User,
            content: text,
        }],
        is_bare: true,
        output_tokens,
        extra,
    })
}

fn is_blank(messages: &[Message]) -> bool {
    messages
        .last()
        .is_none_or(|message| message.content.trim().is_empty())
}

/// How long a reply is to be, by whichever name.
fn output_tokens(keys: &Map<String, Value>) -> Result<Option<TokenCount>, Broken> {
    const NAMES: [&str; 5] = [
        "output_tokens",
        "max_completion_tokens",
        "max_tokens",
        "max_output_tokens",
        "output_length",
    ];
    let given = NAMES.iter().find_map(|name| Some((name, keys.get(*name)?)));
    let Some((name, value)) = given.filter(|(_, value)| !value.is_null()) else {
        return Ok(None);
    };
    let count = value.as_u64().and_then(|n| TokenCount::try_from(n).ok());
    match count.filter(|&count| count > 0) {
        Some(count) => Ok(Some(count)),
        None => Err(Broken::new(format!(
            "`{name}` is {value}, no number of tokens of at least 1"
        ))),
    }
}

/// A message of OpenAI's chats.
fn message(value: Value) -> Result<Message, Broken> {
    let Value::Object(mut keys) = value else {
        return Err(Broken::new("a message is no object"));
    };
    let role = match keys.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some(other) => {
            return Err(Broken::new(format!(
                "a message of role `{other}` cannot be replayed; system, user and assistant can"
            )));
        }
        None => return Err(Broken::new("a message has no `role`")),
    };
    Ok(Message {
        role,
        content: content(keys.remove("content"))?,
    })
}

fn content(value: Option<Value>) -> Result<String, Broken> {
    match value {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(Value::Array(parts)) => parts
            .into_iter()
            .map(|part| match part.get("text").and_then(Value::as_str) {
                Some(text) => Ok(text.to_owned()),
                None => Err(Broken::new(
                    "a message has a part that is not text: pictures and sound cannot be sent yet",
                )),
            })
            .collect(),
        Some(_) => Err(Broken::new("the content of a message is not a text")),
    }
}

#[derive(Deserialize)]
struct ShareGpt {
    #[serde(default)]
    conversations: Option<Vec<Turn>>,
    #[serde(default)]
    messages: Option<Vec<Turn>>,
}

/// A turn; some copies of the data have it as a text that holds the JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Turn {
    Said {
        #[serde(alias = "role")]
        from: String,
        #[serde(alias = "content")]
        value: String,
    },
    Packed(String),
}

impl Turn {
    fn message(self) -> Result<Message, Broken> {
        let (from, value) = match self {
            Self::Said { from, value } => (from, value),
            Self::Packed(text) => match parse::<Self>(text.as_bytes())? {
                Self::Said { from, value } => (from, value),
                Self::Packed(_) => return Err(Broken::new("a turn is no object")),
            },
        };
        let role = match from.as_str() {
            "gpt" | "assistant" | "chatgpt" | "bing" | "bard" | "model" => Role::Assistant,
            "system" => Role::System,
            _ => Role::User,
        };
        Ok(Message {
            role,
            content: value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(item: &Item) -> Vec<(&'static str, &str)> {
        let messages = item.messages.iter();
        messages
            .map(|message| (message.role.as_str(), message.content.as_str()))
            .collect()
    }

    #[test]
    fn sharegpt_in_its_forms() {
        for text in [
            r#"{"id": "x", "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}"#,
            r#"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}"#,
            r#"{"conversations": ["{\"from\": \"user\", \"value\": \"hi\"}", {"from": "chatgpt", "value": "ho"}]}"#,
        ] {
            let item = sharegpt(text.as_bytes()).unwrap().unwrap();
            assert_eq!(said(&item), [("user", "hi"), ("assistant", "ho")], "{text}");
            let (asked, answer) = item.first_exchange().unwrap();
            assert_eq!((asked.len(), answer), (1, Some("ho")));
        }
        for (text, why) in [
            (r#"{"conversations": []}"#, Unusable::NoUser),
            (
                r#"{"conversations": [{"from": "human", "value": "hi"}]}"#,
                Unusable::NoAnswer,
            ),
            (
                r#"{"conversations": [{"from": "human", "value": " "}, {"from": "gpt", "value": "ho"}]}"#,
                Unusable::Empty,
            ),
        ] {
            assert_eq!(sharegpt(text.as_bytes()).unwrap(), Err(why), "{text}");
        }
        let broken = sharegpt(b"{\"id\": 1}").unwrap_err();
        assert!(broken.reason.contains("`conversations`"));
        let broken = sharegpt(b"{\n\"conversations\": [,]}").unwrap_err();
        assert_eq!(broken.lines, 1);
    }

    #[test]
    fn lines_in_their_forms() {
        let item = line(br#"{"task_id": "HumanEval/0", "prompt": "def f():", "test": "x"}"#);
        let item = item.unwrap().unwrap();
        assert_eq!(
            (said(&item), item.is_bare, item.extra.clone()),
            (vec![("user", "def f():")], true, None)
        );
        assert!(line(b"\"just text\"").unwrap().unwrap().is_bare);
        let batch = br#"{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m",
            "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}],
            "max_completion_tokens": 7, "temperature": 0.5, "stream": true}}"#;
        let item = line(batch).unwrap().unwrap();
        assert_eq!(said(&item), [("system", "be brief"), ("user", "hi")]);
        assert_eq!(item.output_tokens, Some(7));
        assert_eq!(
            Value::Object(item.extra.unwrap()),
            serde_json::json!({"temperature": 0.5})
        );
    }

    #[test]
    fn what_no_line_may_be_is_named() {
        for (text, reason) in [
            ("[1]", "neither an object nor a text"),
            ("{}", "neither `prompt` nor `messages`"),
            (r#"{"prompt": 7}"#, "`prompt` is not a text"),
            (r#"{"messages": {}}"#, "`messages` is not a list"),
            (r#"{"messages": [{"content": "x"}]}"#, "no `role`"),
            (
                r#"{"messages": [{"role": "tool", "content": "x"}]}"#,
                "role `tool`",
            ),
            (
                r#"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#,
                "pictures",
            ),
            (r#"{"prompt": "x", "max_tokens": 0}"#, "at least 1"),
            (r#"{"prompt": "x""#, "EOF"),
        ] {
            let broken = line(text.as_bytes()).unwrap_err();
            assert!(broken.reason.contains(reason), "{text}: {}", broken.reason);
        }
        assert_eq!(line(br#"{"prompt": ""}"#).unwrap(), Err(Unusable::Empty));
    }
}
