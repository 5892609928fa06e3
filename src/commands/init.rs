//! `benchctl init`.

use crate::cli::InitArgs;
use crate::output::{Failure, Output};
use crate::scenario::catalog::{self, PRESETS};

use super::files::{write_all, write_new};

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
    let path = args.file.display();
    output.note(&format!(
        "wrote {path}; next: benchctl validate {path} && benchctl plan -f {path}"
    ));
    Ok(())
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
    // A sweep is what inference-perf does, and so are its data sets.
    let engine = if preset.text.contains("sweep:") || preset.text.contains("shareGPT") {
        "inference-perf"
    } else {
        "loadgen"
    };
    Ok(format!(
        "{}{}",
        modeline(),
        STARTER
            .replace("<scenario>", scenario)
            .replace("<engine>", engine)
            .replace("<preset>\n", &body)
    ))
}
