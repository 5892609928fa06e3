//! What the targets share: turning a fuzzer's bytes into what a user could have typed, and into pieces of a stream.

use std::fs;
use std::path::PathBuf;

use bench_yaml::{Color, Diagnostic};
use benchctl::values::Sources;

/// Bytes as a command line. Arguments are separated by a line `%%` and a letter: `f` a values file (its content), `s`
/// `--set`, `t` `--set-string`, `j` `--set-json`, `l` `--set-literal`. What comes before the first separator is `--set`.
///
/// Files lie in memory; none of the arguments can name another one.
#[must_use]
pub fn sources(bytes: &[u8]) -> Option<Sources> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut sources = Sources::default();
    for (index, part) in text.split("%%").enumerate() {
        let (kind, rest) = match part.chars().next() {
            Some(kind @ ('f' | 's' | 't' | 'j' | 'l')) if index > 0 => (kind, &part[1..]),
            _ => ('s', part),
        };
        let rest = rest.strip_prefix('\n').unwrap_or(rest);
        let argument = rest.strip_suffix('\n').unwrap_or(rest).to_owned();
        match kind {
            'f' => sources.values.push(file(sources.values.len(), rest)),
            't' => sources.set_string.push(argument),
            'j' => sources.set_json.push(argument),
            'l' => sources.set_literal.push(argument),
            _ if argument.is_empty() => {}
            _ => sources.set.push(argument),
        }
    }
    Some(sources)
}

fn file(index: usize, text: &str) -> String {
    let memory = PathBuf::from("/dev/shm");
    let directory = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    let path = directory.join(format!("benchctl-fuzz-{}-{index}.yaml", std::process::id()));
    fs::write(&path, text).expect("a file in memory can be written");
    path.to_str().expect("the path is plain").to_owned()
}

/// Problems are there to be drawn, and a mistake of the program itself (`B9..`) is a finding.
pub fn must_be_the_users(problems: &[Diagnostic]) {
    let drawn = bench_yaml::render(problems, Color::Never);
    assert!(
        !problems
            .iter()
            .any(|problem| problem.code.starts_with("B9")),
        "{drawn}"
    );
}

/// The pieces in which a stream could have come: the first bytes of the input are their lengths.
#[must_use]
pub fn pieces(bytes: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (lengths, stream) = bytes.split_at_checked(4)?;
    let mut lengths = lengths.iter().cycle();
    let (mut rest, mut pieces) = (stream, Vec::new());
    while !rest.is_empty() {
        let length = usize::from(*lengths.next()?).clamp(1, rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    Some((stream, pieces))
}
