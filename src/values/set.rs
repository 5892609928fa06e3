//! The grammar of `--set` and its kin, as Helm's `strvals` reads it.
//!
//! ```text
//! line  = [ pair { "," pair } [ "," ] ]
//! pair  = path "=" value
//! path  = key { "." key | "[" index "]" }
//! value = "{" item { "," item } "}" | scalar
//! ```
//!
//! A backslash protects the next character everywhere but in `--set-literal`, whose value runs to the end of the
//! argument and whose keys end at `=`, `[` and `.` only.

use std::str::FromStr;

use bench_yaml::{Diagnostic, Node, Source, Span};

use super::codes;
use super::json;

/// Helm's bounds.
const MAX_INDEX: usize = 65_536;
const MAX_DOTS: usize = 30;

/// The flags that set single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Set,
    String,
    File,
    Literal,
}

impl Kind {
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Json => "--set-json",
            Self::Set => "--set",
            Self::String => "--set-string",
            Self::File => "--set-file",
            Self::Literal => "--set-literal",
        }
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// A step and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Located {
    pub(crate) step: Step,
    pub(crate) span: Span,
}

/// What stands behind the `=`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    Text(String, Span),
    List(Vec<(String, Span)>, Span),
    /// A JSON value whose spans count from the offset.
    Json(Box<Node>, usize),
}

/// One `path=value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) path: Vec<Located>,
    pub(crate) given: Given,
}

/// What an argument asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    Pairs(Vec<Pair>),
    /// `--set-json '{…}'`: an object to merge, its spans counting from the offset.
    Object(Box<Node>, usize),
}

/// Reads one argument. What comes before a problem is still read.
pub(crate) fn parse(kind: Kind, source: &Source, problems: &mut Vec<Diagnostic>) -> Line {
    if kind == Kind::Json && source.text.trim_start().starts_with('{') {
        let offset = source.text.len() - source.text.trim_start().len();
        if let Some((node, end)) = json::value_at(source, offset, problems) {
            let rest = source.text.get(end..).unwrap_or_default();
            if rest.trim().is_empty() {
                return Line::Object(Box::new(node), offset);
            }
            let at = end + (rest.len() - rest.trim_start().len());
            problems.push(
                Diagnostic::error(codes::JSON, "text after the JSON object")
                    .at(source, Span::new(at, source.text.len()))
                    .help("an object stands alone; values for single paths are written `path=json,path=json`"),
            );
        }
        return Line::Pairs(Vec::new());
    }
    let mut scanner = Scanner {
        kind,
        source,
        at: 0,
        problems,
    };
    let mut pairs = Vec::new();
    while !scanner.rest().is_empty() {
        let Some(pair) = scanner.pair() else { break };
        pairs.push(pair);
    }
    Line::Pairs(pairs)
}

/// A key, index or text up to a stop character.
struct Token {
    text: String,
    span: Span,
    stop: Option<char>,
}

struct Scanner<'a> {
    kind: Kind,
    source: &'a Source,
    at: usize,
    problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    /// Reads up to a stop character and over it.
    fn until(&mut self, stops: &[char]) -> Token {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((offset, character)) = characters.next() {
            if stops.contains(&character) {
                self.at = start + offset + character.len_utf8();
                return Token {
                    text,
                    span: Span::new(start, start + offset),
                    stop: Some(character),
                };
            }
            if character == '\\' && self.kind != Kind::Literal {
                text.extend(characters.next().map(|(_, protected)| protected));
            } else {
                text.push(character);
            }
        }
        self.at = self.source.text.len();
        Token {
            text,
            span: Span::new(start, self.at),
            stop: None,
        }
    }

    fn fail<T>(&mut self, problem: Diagnostic, span: Span) -> Option<T> {
        self.problems.push(problem.at(self.source, span));
        None
    }

    fn pair(&mut self) -> Option<Pair> {
        let start = self.at;
        let mut path: Vec<Located> = Vec::new();
        let mut dots = 0;
        loop {
            let stops: &[char] = if self.kind == Kind::Literal {
                &['=', '[', '.']
            } else {
                &['=', '[', ',', '.']
            };
            let token = self.until(stops);
            if token.stop.is_none_or(|stop| stop == ',') {
                return self.no_value(&token, start);
            }
            if token.text.is_empty() {
                return self.empty_key(&token, start);
            }
            path.push(Located {
                step: Step::Key(token.text),
                span: token.span,
            });
            let mut stop = token.stop;
            while stop == Some('[') {
                stop = self.index(start, &mut path)?;
            }
            if stop == Some('=') {
                let given = self.value()?;
                return Some(Pair { path, given });
            }
            dots += 1;
            if dots > MAX_DOTS {
                let problem = Diagnostic::error(
                    codes::GRAMMAR,
                    format!("a path may have {MAX_DOTS} dots and no more"),
                )
                .help("use --set-json for what lies deeper");
                return self.fail(problem, Span::new(start, self.at));
            }
        }
    }

    /// Reads an index and what follows it: `.`, `=` or the next `[`.
    fn index(&mut self, start: usize, path: &mut Vec<Located>) -> Option<Option<char>> {
        let token = self.until(&[']']);
        if token.stop.is_none() {
            let problem = Diagnostic::error(
                codes::DROPPED,
                "the list index is not closed, so nothing would be set",
            )
            .label("expected `]`")
            .help("write `path[0]=value`");
            return self.fail(
                problem,
                Span::new(token.span.start.saturating_sub(1), token.span.end),
            );
        }
        let index = match i64::from_str(&token.text).map(usize::try_from) {
            Ok(Ok(index)) if index <= MAX_INDEX => index,
            _ => {
                let problem = Diagnostic::error(
                    codes::INDEX,
                    format!(
                        "a list index must be a number between 0 and {MAX_INDEX}, found `{}`",
                        token.text
                    ),
                )
                .help("protect a bracket that belongs to a key with a backslash: `\\[`");
                return self.fail(problem, token.span);
            }
        };
        path.push(Located {
            step: Step::Index(index),
            span: token.span,
        });
        let next = self.until(&['[', '.', '=']);
        if !next.text.is_empty() {
            let problem = Diagnostic::error(
                codes::GRAMMAR,
                format!("unexpected `{}` after a list index", next.text),
            )
            .label("expected `=`, `.` or `[`")
            .help("write `path[0]=value` or `path[0].key=value`");
            return self.fail(problem, next.span);
        }
        match next.stop {
            Some(stop) => Some(Some(stop)),
            None => self.no_value(&next, start),
        }
    }

    fn no_value<T>(&mut self, token: &Token, start: usize) -> Option<T> {
        let span = Span::new(start, token.span.end);
        let pair = self.source.slice(span).to_owned();
        // `path[0]` without a value: Helm makes an empty list of it and says nothing.
        let code = if token.text.is_empty() && pair.ends_with(']') {
            codes::DROPPED
        } else {
            codes::GRAMMAR
        };
        let mut problem = Diagnostic::error(code, format!("`{pair}` has no value"))
            .label("expected `=` and a value");
        let is_after_comma = self
            .source
            .text
            .get(..start)
            .is_some_and(|before| before.ends_with(','));
        if pair.is_empty() {
            problem = Diagnostic::error(code, "a comma without a value before it")
                .help("remove it, or write `\\,` where it belongs to a value");
        } else if is_after_comma {
            problem = problem.help(format!(
                "if the comma before belongs to the value, write `\\,` or use --set-literal; or set it: `{pair}=…`"
            ));
        }
        self.fail(
            problem,
            if span.is_empty() {
                Span::new(start, start + 1)
            } else {
                span
            },
        )
    }

    fn empty_key<T>(&mut self, token: &Token, start: usize) -> Option<T> {
        let problem = Diagnostic::error(codes::DROPPED, "empty key, so nothing would be set")
            .label("expected a key before this")
            .help("write `path.to.key=value`, with a backslash before a dot, bracket, comma or `=` that belongs to a key");
        let at = token.span.end;
        self.fail(problem, Span::new(at.max(start), at + 1))
    }

    fn value(&mut self) -> Option<Given> {
        match self.kind {
            Kind::Json => self.json(),
            Kind::Literal => {
                let span = Span::new(self.at, self.source.text.len());
                let text = self.rest().to_owned();
                self.at = span.end;
                Some(Given::Text(text, span))
            }
            Kind::Set | Kind::String | Kind::File if self.rest().starts_with('{') => self.list(),
            Kind::Set | Kind::String | Kind::File => {
                let token = self.until(&[',']);
                Some(Given::Text(token.text, token.span))
            }
        }
    }

    fn list(&mut self) -> Option<Given> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            let token = self.until(&[',', '}']);
            items.push((token.text, token.span));
            match token.stop {
                Some(',') => {}
                Some(_) => break,
                None => {
                    let problem = Diagnostic::error(codes::GRAMMAR, "the list is not closed")
                        .label("expected `}`")
                        .help("protect a brace that starts a text with a backslash: `\\{`");
                    return self.fail(problem, Span::new(start, self.at));
                }
            }
        }
        let span = Span::new(start, self.at);
        if matches!(items.as_slice(), [(text, _)] if text.is_empty()) {
            self.problems.push(
                Diagnostic::warning(codes::EMPTY_LIST, "`{}` is a list of one empty string")
                    .at(self.source, span)
                    .help("for an empty list use --set-json 'path=[]', for an empty mapping --set-json 'path={}'"),
            );
        }
        if self.rest().starts_with(',') {
            self.at += 1;
        }
        Some(Given::List(items, span))
    }

    /// A JSON value, with white space or a comma after it. Nothing at all is null.
    fn json(&mut self) -> Option<Given> {
        self.skip_space();
        if self.rest().is_empty() || self.rest().starts_with(',') {
            let node = Node {
                value: bench_yaml::Value::Null,
                span: Span::new(0, 0),
            };
            let offset = self.at;
            self.skip_comma();
            return Some(Given::Json(Box::new(node), offset));
        }
        let offset = self.at;
        let (node, end) = json::value_at(self.source, offset, self.problems)?;
        self.at = end;
        self.skip_space();
        self.skip_comma();
        Some(Given::Json(Box::new(node), offset))
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn skip_comma(&mut self) {
        if self.rest().starts_with(',') {
            self.at += 1;
        }
    }
}
