//! Bytes of files and standard input, and what to say when there are none.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use bench_yaml::{Diagnostic, Source, Span, suggest};

use crate::values::codes;

/// No values file is larger; a device or a wrong file may be endless.
const MAX_BYTES: u64 = 16 << 20;

/// The paths of one `-f` argument. A comma separates paths, unless a file has that very name.
pub(crate) fn split_paths(argument: &str) -> Vec<&str> {
    if !argument.contains(',') || Path::new(argument).exists() {
        return vec![argument.trim()];
    }
    argument.split(',').map(str::trim).collect()
}

/// All of standard input, unless it is a terminal, where a command would seem to hang.
pub(crate) fn standard_input() -> Result<Vec<u8>, String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(
            "`-` expects YAML on standard input, but standard input is a terminal".to_owned(),
        );
    }
    let mut bytes = Vec::new();
    match stdin.lock().take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(too_large("standard input")),
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("cannot read standard input: {error}")),
    }
}

/// The problem of an unreadable standard input.
pub(crate) fn stdin_problem(message: String) -> Box<Diagnostic> {
    let problem = Diagnostic::error(codes::STDIN, message);
    Box::new(problem.help("pipe the text in (`… | benchctl … -f -`), or name a file"))
}

/// The bytes of a file. `what` names its role in messages: `values file`.
pub(crate) fn read_file(path: &str, what: &str) -> Result<Vec<u8>, Box<Diagnostic>> {
    read(path, what).map_err(|problem| match problem.code {
        codes::USAGE => problem,
        _ => Box::new(problem.at(&Source::unread(path), Span::default())),
    })
}

fn read(path: &str, what: &str) -> Result<Vec<u8>, Box<Diagnostic>> {
    let fail = |reason: &str| {
        Diagnostic::error(
            codes::FILE,
            format!("cannot read {what} `{path}`: {reason}"),
        )
    };
    if path.is_empty() {
        let problem = Diagnostic::error(codes::USAGE, format!("the path of a {what} is empty"));
        return Err(Box::new(
            problem.help("name a file, or `-` for standard input"),
        ));
    }
    if let Some((scheme, _)) = path.split_once("://")
        && !scheme.is_empty()
        && scheme.chars().all(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
        })
    {
        let problem = fail("URLs are not fetched");
        return Err(Box::new(problem.help(format!(
            "fetch it first: `curl -fsSL {path} | benchctl … -f -`"
        ))));
    }
    let file = fs::File::open(path).map_err(|error| Box::new(unreadable(path, what, &error)))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let problem = fail("it is a directory");
        let names = yaml_files(Path::new(path));
        return Err(Box::new(match names.is_empty() {
            true => problem.help("name a file"),
            false => problem.help(format!("name a file in it: {}", names.join(", "))),
        }));
    }
    let mut bytes = Vec::new();
    match file.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > MAX_BYTES => {
            let problem = Diagnostic::error(codes::FILE, too_large(path));
            Err(Box::new(
                problem.help("is it the right file? values are written by hand"),
            ))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(Box::new(unreadable(path, what, &error))),
    }
}

/// Why a file cannot be opened or read. One that is not there may have a near name.
pub(crate) fn unreadable(path: &str, what: &str, error: &io::Error) -> Diagnostic {
    let fail = |reason: &str| {
        let message = format!("cannot read {what} `{path}`: {reason}");
        Diagnostic::error(codes::FILE, message)
    };
    let problem = match error.kind() {
        io::ErrorKind::NotFound => with_neighbours(fail("not found"), Path::new(path)),
        io::ErrorKind::PermissionDenied => {
            fail("permission denied").help("make it readable: `chmod u+r`, or ask its owner")
        }
        _ => fail(&system_reason(error)).help("name another file, or pipe its text in: `-`"),
    };
    problem.at(&Source::unread(path), Span::default())
}

/// The text of some bytes, which must be UTF-8.
pub(crate) fn decode(name: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error
            .as_bytes()
            .iter()
            .take(at)
            .filter(|&&byte| byte == b'\n')
            .count();
        let problem = Diagnostic::error(
            codes::ENCODING,
            format!("`{name}` is not UTF-8 (line {line}, byte {at})"),
        )
        .at(&Source::unread(name), Span::default());
        Box::new(if is_utf16 {
            problem.help("it is UTF-16, which PowerShell's `>` writes: save it as UTF-8")
        } else {
            problem.help("save it as UTF-8")
        })
    })
}

fn too_large(name: &str) -> String {
    format!("`{name}` is larger than {} MiB", MAX_BYTES >> 20)
}

/// What the system says, without its error number.
pub(crate) fn system_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

fn with_neighbours(problem: Diagnostic, path: &Path) -> Diagnostic {
    let directory = directory_of(path);
    if !directory.is_dir() {
        let directory = directory.display();
        return problem.help(format!("the directory `{directory}` does not exist"));
    }
    let names = names_in(directory);
    let wanted = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let whole = |name: &str| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.join(name).display().to_string(),
        _ => name.to_owned(),
    };
    if let Some(near) = near_name(&wanted, &names) {
        return problem.help(format!("did you mean `{}`?", whole(near)));
    }
    let others: Vec<String> = yaml_files(directory)
        .iter()
        .map(|name| whole(name))
        .collect();
    problem.help(match others.as_slice() {
        [] => format!("there is no YAML file in `{}`", directory.display()),
        others => format!("YAML files there: {}", others.join(", ")),
    })
}

/// The name that was most likely meant: the same with another ending, one with a typing error, or the only one that
/// begins alike.
fn near_name<'a>(wanted: &str, names: &'a [String]) -> Option<&'a str> {
    let names = || names.iter().map(String::as_str);
    let stem = |name: &str| match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_lowercase(),
        _ => name.to_lowercase(),
    };
    let wanted_stem = stem(wanted);
    names()
        .find(|name| stem(name) == wanted_stem)
        .or_else(|| suggest(wanted, names()))
        .or_else(|| {
            // `custom-prod.yaml` for `custom-production.yaml` is too far to be a typing error, and clear all the same.
            let mut alike = names().filter(|name| stem(name).starts_with(&wanted_stem));
            let only = alike.next().filter(|_| !wanted_stem.is_empty())?;
            alike.next().is_none().then_some(only)
        })
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The names of the files in a directory, sorted; none if it cannot be listed.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn yaml_files(directory: &Path) -> Vec<String> {
    let is_yaml = |name: &String| name.ends_with(".yaml") || name.ends_with(".yml");
    names_in(directory)
        .into_iter()
        .filter(is_yaml)
        .take(5)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let names = [
            "custom-production.yaml",
            "nightly.yml",
            "notes.txt",
            "prod-eu.yaml",
        ];
        let names = names.map(str::to_owned);
        for (wanted, expected) in [
            ("nightly.yaml", Some("nightly.yml")),
            ("Nightly.YAML", Some("nightly.yml")),
            ("nightly", Some("nightly.yml")),
            ("nigthly.yml", Some("nightly.yml")),
            ("custom-production.yml", Some("custom-production.yaml")),
            ("custom-prod.yaml", Some("custom-production.yaml")),
            ("custom", Some("custom-production.yaml")),
            ("n", None),
            ("", None),
            (".", None),
            ("baseline.yaml", None),
        ] {
            assert_eq!(near_name(wanted, &names), expected, "{wanted}");
        }
    }
}
