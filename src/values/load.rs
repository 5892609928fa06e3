//! Reading: files, standard input, and the arguments that name or hold values. The only module here that does I/O.

use std::sync::Arc;

use bench_yaml::{Diagnostic, Source, Span};

use super::assign::Assignment;
use super::codes;
use super::layer::read_mapping;
use super::set::{self, Given, Kind, Line, Pair, Step};
use super::tree::{Data, Fields, Item, Origin, Place};
use files::{decode, read_file, split_paths, standard_input, stdin_problem};
pub(crate) use files::{system_reason, unreadable};

mod files;

/// What the user gave, each list in the order of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// `-f/--values`: paths, lists of paths with commas, or `-` for standard input.
    pub values: Vec<String>,
    /// `--set-json`.
    pub set_json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub set_string: Vec<String>,
    /// `--set-file`.
    pub set_file: Vec<String>,
    /// `--set-literal`.
    pub set_literal: Vec<String>,
    /// Flags of their own that stand for one value and win over everything: `--scenario`, `--namespace`.
    pub overrides: Vec<Override>,
}

/// A flag that stands for one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The flag as the user knows it: `--scenario`.
    pub flag: &'static str,
    /// The keys down to the value: `["benchmark", "scenario"]`.
    pub path: &'static [&'static str],
    /// The text it sets.
    pub value: String,
}

/// What was read, in the order in which it is to be folded, and the problems so far.
#[derive(Debug, Default)]
pub struct Loaded {
    pub(crate) changes: Vec<Change>,
    pub(crate) problems: Vec<Diagnostic>,
}

/// One step of the fold.
#[derive(Debug)]
pub(crate) enum Change {
    Merge(Fields),
    Assign(Assignment),
}

/// Reads all sources. Problems are kept in the result, so that the fold can add its own.
pub fn load(sources: &Sources) -> Loaded {
    load_with(sources, &mut standard_input)
}

/// Gives the bytes of standard input, or says why it cannot.
pub(crate) type Stdin<'a> = &'a mut dyn FnMut() -> Result<Vec<u8>, String>;

/// [`load`] with another standard input.
pub(crate) fn load_with(sources: &Sources, stdin: Stdin<'_>) -> Loaded {
    let mut loader = Loader {
        loaded: Loaded::default(),
        stdin,
        stdin_user: None,
    };
    for argument in &sources.values {
        for path in split_paths(argument) {
            loader.file(path);
        }
    }
    let flags = [
        (Kind::Json, &sources.set_json),
        (Kind::Set, &sources.set),
        (Kind::String, &sources.set_string),
        (Kind::File, &sources.set_file),
        (Kind::Literal, &sources.set_literal),
    ];
    for (kind, arguments) in flags {
        for (index, argument) in arguments.iter().enumerate() {
            loader.argument(kind, index + 1, argument);
        }
    }
    for flag in &sources.overrides {
        loader.flag(flag);
    }
    loader.loaded
}

/// A text that was read already, as the only values file.
#[must_use]
pub fn load_text(source: &Source) -> Loaded {
    let mut loaded = Loaded::default();
    let fields = read_mapping(&source.name, source, &mut loaded.problems);
    loaded.changes.push(Change::Merge(fields));
    loaded
}

/// Reads one file or, for `-`, standard input, as every command does that takes a file. `what` names its role in messages.
///
/// # Errors
///
/// What is wrong with the path or its bytes, with a remedy.
pub fn read_text(path: &str, what: &str) -> Result<Source, Box<Diagnostic>> {
    let name = if path == "-" { "<stdin>" } else { path };
    let bytes = if path == "-" {
        standard_input().map_err(stdin_problem)?
    } else {
        read_file(path, what)?
    };
    decode(name, bytes).map(|text| Source::new(name, text))
}

struct Loader<'a> {
    loaded: Loaded,
    stdin: Stdin<'a>,
    /// The flag that has read standard input.
    stdin_user: Option<String>,
}

impl Loader<'_> {
    fn problem(&mut self, problem: Diagnostic) {
        self.loaded.problems.push(problem);
    }

    fn file(&mut self, path: &str) {
        let name = if path == "-" { "<stdin>" } else { path };
        let bytes = if path == "-" {
            self.read_stdin("-f -")
        } else {
            read_file(path, "values file")
        };
        match bytes.and_then(|bytes| decode(name, bytes)) {
            Ok(text) => {
                let fields =
                    read_mapping(name, &Source::new(name, text), &mut self.loaded.problems);
                self.loaded.changes.push(Change::Merge(fields));
            }
            Err(problem) => self.problem(*problem),
        }
    }

    fn read_stdin(&mut self, user: &str) -> Result<Vec<u8>, Box<Diagnostic>> {
        if let Some(first) = &self.stdin_user {
            let message = format!("standard input can be read once, and `{first}` has read it");
            return Err(Box::new(
                Diagnostic::error(codes::USAGE, message).help("write one of the two to a file"),
            ));
        }
        self.stdin_user = Some(user.to_owned());
        (self.stdin)().map_err(stdin_problem)
    }

    fn argument(&mut self, kind: Kind, number: usize, argument: &str) {
        let name = format!("{} argument {number}", kind.flag());
        let source = Source::argument(&name, argument);
        let origin = Arc::new(Origin {
            layer: name.as_str().into(),
            source,
        });
        match set::parse(kind, &origin.source, &mut self.loaded.problems) {
            Line::Object(node, offset) => {
                if let Data::Map(fields) = Item::from_node(&node, &origin, offset).data {
                    self.loaded.changes.push(Change::Merge(fields));
                }
            }
            Line::Pairs(pairs) => {
                for pair in pairs {
                    self.pair(kind, &origin, pair);
                }
            }
        }
    }

    fn pair(&mut self, kind: Kind, origin: &Arc<Origin>, pair: Pair) {
        let Pair { path, given } = pair;
        let (Some(first), Some(last)) = (path.first(), path.last()) else {
            return;
        };
        let whole = Span::new(first.span.start, last.span.end);
        let key = matches!(last.step, Step::Key(_)).then_some(last.span);
        // An empty value has no place of its own: the path stands for it.
        let place = |span: Span| Place {
            origin: Arc::clone(origin),
            value: if span.is_empty() { whole } else { span },
            key,
        };
        let value = match given {
            Given::Text(text, span) => Item {
                data: self.text(kind, origin, &text, span),
                place: place(span),
            },
            Given::List(texts, span) => {
                let items = texts.into_iter().map(|(text, at)| {
                    let value = if at.is_empty() { span } else { at };
                    let place = Place {
                        origin: Arc::clone(origin),
                        value,
                        key: None,
                    };
                    Item {
                        data: self.text(kind, origin, &text, at),
                        place,
                    }
                });
                Item {
                    data: Data::List(items.collect()),
                    place: place(span),
                }
            }
            Given::Json(node, offset) => {
                let mut item = Item::from_node(&node, origin, offset);
                item.place = place(item.place.value);
                item
            }
        };
        self.loaded
            .changes
            .push(Change::Assign(Assignment { path, value }));
    }

    /// What a text after `=` means to its flag.
    fn text(&mut self, kind: Kind, origin: &Arc<Origin>, text: &str, span: Span) -> Data {
        match kind {
            Kind::Set => typed(text),
            Kind::String | Kind::Literal | Kind::Json => Data::String(text.to_owned()),
            Kind::File => {
                let bytes = if text.trim() == "-" {
                    self.read_stdin("--set-file")
                } else {
                    read_file(text, "file")
                };
                match bytes.and_then(|bytes| decode(text, bytes)) {
                    Ok(content) => Data::String(content),
                    Err(problem) => {
                        self.problem(problem.at(&origin.source, span));
                        Data::Null
                    }
                }
            }
        }
    }

    fn flag(&mut self, flag: &Override) {
        let source = Source::argument(flag.flag, &flag.value);
        let origin = Arc::new(Origin {
            layer: flag.flag.into(),
            source,
        });
        let span = Span::new(0, flag.value.len());
        let path = flag
            .path
            .iter()
            .map(|key| set::Located {
                step: Step::Key((*key).to_owned()),
                span,
            })
            .collect();
        let place = Place {
            origin,
            value: span,
            key: Some(span),
        };
        let value = Item {
            data: Data::String(flag.value.clone()),
            place,
        };
        self.loaded
            .changes
            .push(Change::Assign(Assignment { path, value }));
    }
}

/// Helm's typing of `--set`: true, false, null and integers without a leading zero; all else is a text.
fn typed(text: &str) -> Data {
    for (word, data) in [
        ("true", Data::Bool(true)),
        ("false", Data::Bool(false)),
        ("null", Data::Null),
    ] {
        if text.eq_ignore_ascii_case(word) {
            return data;
        }
    }
    if text != "0" && text.starts_with('0') {
        return Data::String(text.to_owned());
    }
    text.parse::<i64>().map_or_else(
        |_| Data::String(text.to_owned()),
        |integer| Data::Number(integer.into()),
    )
}
