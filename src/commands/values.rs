//! `benchctl values`.

use bench_yaml::{dotted, mask};
use serde_json::{Value, json};

use super::chart;
use crate::cli::{Format, ValuesArgs};
use crate::output::{Failure, Output};
use crate::pipeline::{Skip, Wanted, foreign, merge, unchecked};
use crate::problem::REPORT;
use crate::render::to_yaml;
use crate::values::{Effective, Location, load};

const NOTHING: &str = "no values were printed";

pub(super) fn run(args: &ValuesArgs, output: &Output) -> Result<(), Failure> {
    let failed = |problems| Failure::of(problems, NOTHING);
    let chart = chart(args.values.chart.as_deref(), NOTHING)?;
    let skip = Skip {
        schema: args.skip_schema_validation,
        manifests: true,
    };
    let (effective, json, warnings) = if chart.is_foreign() {
        let wanted = Wanted {
            skip,
            ..Wanted::default()
        };
        let loaded = load(&args.values.foreign_sources()?);
        let found = foreign(&chart, loaded, None, wanted).map_err(failed)?;
        let warnings = [chart.warnings(), &found.warnings].concat();
        (found.effective, found.json, warnings)
    } else if skip.schema {
        unchecked(&chart, &args.values.sources()).map_err(failed)?
    } else {
        let merged = merge(&chart, &args.values.sources(), skip).map_err(failed)?;
        (merged.effective, merged.json, merged.warnings)
    };
    output.warn(&warnings);
    if args.provenance {
        return output.data(&provenance(&effective, &json, args.output));
    }
    let values = if args.user_supplied {
        effective.user_supplied()
    } else {
        json
    };
    output.data(&written(&values, args.output)?)
}

/// A value as data.
pub(super) fn written(value: &Value, format: Format) -> Result<String, Failure> {
    match format {
        Format::Yaml => to_yaml(value)
            .map_err(|error| Failure::io(format!("cannot write the values: {error}"), REPORT)),
        Format::Json => Ok(format!("{value:#}\n")),
    }
}

/// Each value with the layer that set it and where.
fn provenance(effective: &Effective, json: &Value, format: Format) -> String {
    let leaves = effective.leaves();
    let of = |pointer: &str| {
        let value = json.pointer(pointer).cloned().unwrap_or(Value::Null);
        (dotted(pointer), value, effective.locate(pointer))
    };
    match format {
        Format::Json => {
            let items: Vec<Value> = leaves
                .iter()
                .map(|(pointer, layer)| {
                    let (path, value, location) = of(pointer);
                    json!({"path": path, "value": value, "layer": &**layer, "at": location.map(|l| place(&l))})
                })
                .collect();
            format!("{:#}\n", Value::Array(items))
        }
        Format::Yaml => {
            let rows: Vec<(String, String)> = leaves
                .iter()
                .map(|(pointer, layer)| {
                    let (path, value, location) = of(pointer);
                    (
                        format!("{path}: {}", mask(&value.to_string())),
                        location.map_or_else(|| layer.to_string(), |l| place(&l)),
                    )
                })
                .collect();
            let longest = rows
                .iter()
                .map(|(left, _)| left.chars().count())
                .max()
                .unwrap_or(0)
                .min(72);
            rows.iter()
                .map(|(left, origin)| format!("{left:longest$}  # {origin}\n"))
                .collect()
        }
    }
}

/// A place as its user knows it: a file with line and column, or the name of an argument.
fn place(location: &Location) -> String {
    let name = &location.layer;
    if location.source.kind == bench_yaml::SourceKind::Argument {
        return name.to_string();
    }
    let span = location.key_span.unwrap_or(location.value_span);
    let at = location.source.line_col(span.start);
    format!("{name}:{}:{}", at.line, at.column)
}
