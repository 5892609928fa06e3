//! `benchctl completions` and `benchctl man`.

use clap::CommandFactory;

use super::files::write_all;
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::output::{Failure, Output};
use crate::problem::REPORT;

pub(super) fn completions(args: &CompletionsArgs, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "benchctl", &mut script);
    output.data(&String::from_utf8_lossy(&script))
}

pub(super) fn man(args: &ManArgs, output: &Output) -> Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let version = format!("benchctl {}", command.get_version().unwrap_or_default());
    let Some(directory) = &args.output_dir else {
        return output.data(&page(command, &version)?.1);
    };
    let mut files = Vec::new();
    for command in with_all_below(command) {
        let (name, text) = page(command, &version)?;
        files.push((directory.join(name), text));
    }
    write_all(&files)?;
    for (path, _) in &files {
        output.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// A command and its subcommands, and theirs.
fn with_all_below(command: clap::Command) -> Vec<clap::Command> {
    let below: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    let mut all = vec![command];
    all.extend(below.into_iter().flat_map(with_all_below));
    all
}

/// The manual page of a command: its file's name and its text.
fn page(command: clap::Command, version: &str) -> Result<(String, String), Failure> {
    let man = clap_mangen::Man::new(command).source(version);
    let mut page = Vec::new();
    man.render(&mut page)
        .map_err(|error| Failure::io(format!("cannot write the manual page: {error}"), REPORT))?;
    Ok((
        man.get_filename(),
        String::from_utf8_lossy(&page).into_owned(),
    ))
}
