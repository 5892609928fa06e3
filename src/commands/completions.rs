//! `benchctl completions` and `benchctl man`.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::output::{Failure, Output};

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
    let failed = |error: std::io::Error| {
        Failure::Io(format!("cannot write {}: {error}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let mut pages = vec![("benchctl".to_owned(), command.clone())];
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        pages.push((format!("benchctl-{}", sub.get_name()), sub.clone()));
    }
    for (name, command) in pages {
        let path = directory.join(format!("{name}.1"));
        std::fs::write(&path, page(command)?).map_err(failed)?;
        output.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::Io(format!("cannot write the manual page: {error}")))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
