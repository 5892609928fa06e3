//! `benchctl init`.

use std::path::Path;

use crate::chart::Chart;
use crate::cli::InitArgs;
use crate::output::{Failure, Output};
use crate::pipeline::{Skip, merge};
use crate::scenario::catalog::{self, PRESETS};
use crate::scenario::engine_for;
use crate::values::Sources;

use super::files::{NewFile, write_all, write_new};

const STARTER: &str = include_str!("../../chart-templates/starter.yaml");

/// The first line of a values file, by which editors find the schema of this version.
pub(super) fn modeline() -> String {
    format!(
        "# yaml-language-server: $schema={}/raw/v{}/schemas/values.schema.json\n",
        env!("CARGO_PKG_REPOSITORY"),
        env!("CARGO_PKG_VERSION")
    )
}

pub(super) fn run(args: &InitArgs, output: &Output) -> Result<(), Failure> {
    if let Some(directory) = &args.chart {
        return chart(directory, args.force, output);
    }
    let text = starter(&args.scenario)?;
    if args.file.as_os_str() == "-" {
        return output.data(&text);
    }
    if args.force {
        write_all(&[(args.file.clone(), text)])?;
    } else {
        let instead = "name another file, or overwrite it with --force";
        write_new(&args.file, &text, instead)?;
    }
    let word = quoted(&args.file);
    output.note(&format!(
        "wrote {}; next: benchctl validate {word} && benchctl plan -f {word}",
        args.file.display()
    ));
    Ok(())
}

/// Writes the built-in chart into a directory.
fn chart(directory: &Path, force: bool, output: &Output) -> Result<(), Failure> {
    let is_empty =
        std::fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none());
    if !force && !is_empty {
        return Err(Failure::io(
            format!("{} is not empty, and is left as it is", directory.display()),
            "name another directory, or overwrite its files with --force",
        ));
    }
    let files: Vec<NewFile> = Chart::built_in_files()
        .into_iter()
        .map(|(path, text)| (directory.join(path), text.to_owned()))
        .collect();
    write_all(&files)?;
    output.note(&format!(
        "wrote {} files into {}; next: benchctl render --chart {}",
        files.len(),
        directory.display(),
        quoted(directory)
    ));
    Ok(())
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The starter with a preset's own lines, commented out, where the scenario is changed.
fn starter(scenario: &str) -> Result<String, Failure> {
    let Some(preset) = catalog::preset(scenario) else {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let near = bench_yaml::suggest(scenario, names.iter().copied());
        return Err(Failure::usage(
            format!("there is no preset `{scenario}`"),
            match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("choose one of {}", names.join(", ")),
            },
        ));
    };
    // Without its comment and the two lines `benchmark:` and `scenarios:`, whose place is in the starter already.
    let body: String = preset
        .text
        .lines()
        .filter(|line| line.starts_with("    "))
        .map(|line| format!("  # {}\n", line.get(2..).unwrap_or_default()))
        .collect();
    let failed = |problems| Failure::of(problems, "nothing was written");
    let defaults = Chart::built_in()
        .and_then(|chart| merge(&chart, &Sources::default(), Skip::default()))
        .map_err(failed)?;
    let engine = engine_for(&defaults.values, scenario).as_str();
    Ok(format!(
        "{}{}",
        modeline(),
        STARTER
            .replace("<scenario>", scenario)
            .replace("<engine>", engine)
            .replace("<preset>\n", &body)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_path_as_one_word() {
        for (path, word) in [
            ("bench/nightly-1.yaml", "bench/nightly-1.yaml"),
            ("my file.yaml", "'my file.yaml'"),
            ("it's.yaml", r"'it'\''s.yaml'"),
            ("$(x).yaml", "'$(x).yaml'"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
