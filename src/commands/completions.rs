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
    let mut command = Cli::command();
    command.build();
    let Some(directory) = &args.output_dir else {
        return output.data(&page(command)?);
    };
    let mut pages = vec![("benchctl".to_owned(), command.clone())];
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        pages.push((format!("benchctl-{}", sub.get_name()), sub.clone()));
    }
    let mut files = Vec::with_capacity(pages.len());
    for (name, command) in pages {
        files.push((directory.join(format!("{name}.1")), page(command)?));
    }
    write_all(&files)?;
    for (path, _) in &files {
        output.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::io(format!("cannot write the manual page: {error}"), REPORT))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
