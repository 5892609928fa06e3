//! Reports and records in a store, by their address: `s3://bucket/folder`, `gs://…`, `az://…`.

use std::path::Path;

use bench_store::{Address, ReadError, StoreError, list, read, read_into};
use bench_yaml::{Diagnostic, Source, Span};

use crate::values::codes;

/// The report at an address: a file, or the folder of a run with a file whose name ends in `name`.
///
/// # Errors
/// When it cannot be got, with the store's reason and what helps.
pub(super) fn text(address: &str, name: &str) -> Result<Source, Box<Diagnostic>> {
    let problem = |message: String, help: String| {
        let source = Source::unread(address);
        let problem = Diagnostic::error(codes::FILE, message).at(&source, Span::default());
        Box::new(problem.help(help))
    };
    let folder: Address = match address.parse() {
        Ok(address) => address,
        Err(error) => return Err(problem(error.to_string(), String::new())),
    };
    let unread = |address: &Address, error: &ReadError| {
        let help = match error {
            ReadError::Store(error) => help(error, address),
            ReadError::Runtime(_) => String::new(),
        };
        problem(format!("cannot read `{address}`: {error}"), help)
    };
    let (at, bytes) = if folder.key.ends_with(".json") {
        let bytes = read(&folder).map_err(|error| unread(&folder, &error))?;
        (folder, bytes)
    } else {
        let plain = folder.join(name);
        match read(&plain) {
            Ok(bytes) => (plain, bytes),
            Err(ReadError::Store(StoreError::Missing(_))) => {
                // Its name may have a prefix.
                let names = list(&folder).map_err(|error| unread(&plain, &error))?;
                let found: Vec<&String> = names.iter().filter(|n| n.ends_with(name)).collect();
                let [only] = found.as_slice() else {
                    return Err(match found.as_slice() {
                        [] => problem(
                            format!("there is no {name} in `{folder}`"),
                            format!(
                                "name the {name} that loadgen has uploaded, or the folder of a run that it is in"
                            ),
                        ),
                        several => {
                            let names: Vec<&str> = several.iter().map(|n| n.as_str()).collect();
                            problem(
                                format!("there are {} reports in `{folder}`", names.len()),
                                format!("name one of them: {}", names.join(", ")),
                            )
                        }
                    });
                };
                let at = folder.join(only);
                let bytes = read(&at).map_err(|error| unread(&at, &error))?;
                (at, bytes)
            }
            Err(error) => return Err(unread(&plain, &error)),
        }
    };
    String::from_utf8(bytes)
        .map(|text| Source::new(at.to_string().as_str(), text))
        .map_err(|error| {
            let byte = error.utf8_error().valid_up_to();
            problem(
                format!("`{at}` is no report: byte {byte} is not UTF-8"),
                String::new(),
            )
        })
}

/// Fetches an object into a file that is not there yet. Returns whether there is such an object.
///
/// # Errors
/// When it cannot be got or written, with the reason and what helps.
pub(super) fn download(address: &Address, file: &Path) -> Result<bool, Box<Diagnostic>> {
    let problem = |message: String, help: String| {
        let source = Source::unread(address.to_string());
        let problem = Diagnostic::error(codes::FILE, message).at(&source, Span::default());
        Box::new(problem.help(help))
    };
    match read_into(address, file) {
        Ok(()) => Ok(true),
        Err(ReadError::Store(StoreError::Missing(_))) => Ok(false),
        Err(ReadError::Store(StoreError::File(reason))) => Err(problem(
            format!("cannot keep `{address}` here: {reason}"),
            "make room in the folder for temporary files, or set TMPDIR to another one".to_owned(),
        )),
        Err(error) => {
            let help = match &error {
                ReadError::Store(error) => help(error, address),
                ReadError::Runtime(_) => String::new(),
            };
            Err(problem(format!("cannot read `{address}`: {error}"), help))
        }
    }
}

/// What helps somebody who reads: other rights than those of a writer.
fn help(error: &StoreError, address: &Address) -> String {
    match error {
        StoreError::GaveUp(_, last) => help(last, address),
        StoreError::Denied(reply) if reply.code == "AccessDenied" || reply.code.is_empty() => {
            "reading takes rights of its own: s3:GetObject and s3:ListBucket, or their like"
                .to_owned()
        }
        StoreError::OtherRegion(reply) => match &reply.region {
            Some(region) => format!("set AWS_REGION={region}"),
            None => "set AWS_REGION to the bucket's region".to_owned(),
        },
        StoreError::Setup(_)
        | StoreError::NoCredentials(_)
        | StoreError::NoCredentialsYet(..)
        | StoreError::Exists(_)
        | StoreError::Unknown(_)
        | StoreError::Missing(_)
        | StoreError::Denied(_)
        | StoreError::NoBucket(_)
        | StoreError::Refused(_)
        | StoreError::Unavailable(_)
        | StoreError::Unreachable { .. }
        | StoreError::Silent
        | StoreError::Certificate { .. }
        | StoreError::File(_)
        | StoreError::Other(_) => error.remedy(address.cloud),
    }
}
