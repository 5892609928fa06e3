//! The objectives of a file, for runs that are over.

use std::collections::BTreeMap;

use bench_contract::config::{GoodputOptions, KeyPath, ReportOptions, Severity, Spot, Step};
use bench_contract::{Config, Limit, Slo};
use bench_yaml::{
    Diagnostic, Node, ParseOptions, Source, Span, Value, parse, pointer_push, suggest,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::OBJECTIVES;
use crate::chart::OwnSchema;
use crate::diagnostics::{first_line, located};
use crate::problem::{Anchor, REPORT};

/// What a run is judged by.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Objectives {
    /// The objectives.
    #[serde(default)]
    pub(super) slo: Vec<Slo>,
    /// The most that a single request may take to count as good, by metric; without it, what the run has.
    #[serde(default)]
    pub(super) goodput: Option<BTreeMap<String, Limit>>,
}

/// Where they stand in a file, as JSON pointers.
struct Places {
    slo: String,
    goodput: Option<String>,
}

/// What to write instead of what holds no objectives.
const SHAPES: &str = "write a list, for example `- {metric: ttft_scheduled, percentile: 99, max: 1200ms}`, or name a values file or config.yml that has `slo`";

/// Puts the objectives of a file into the config of a run, and warns of what can hardly be meant.
///
/// # Errors
/// Everything that is wrong with them, each at its place.
pub(super) fn apply(
    source: &Source,
    config: &mut Config,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let parsed = parse(source, &ParseOptions::default());
    let mut found = parsed.problems.clone();
    let is_empty = |document: &&Node| matches!(document.value, Value::Null);
    let mut documents = parsed.documents.iter().filter(|one| !is_empty(one));
    let Some(document) = documents.next() else {
        if !parsed.has_errors() {
            found.push(nothing(source, "the file is empty"));
        }
        return Err(found);
    };
    if let Some(second) = documents.next() {
        let message = "the file holds several documents, and objectives are read from one";
        let span = first_line(source, second.span);
        let problem = Diagnostic::error(OBJECTIVES, message).at(source, span);
        found.push(problem.help("write all of them in one list, or one file for each"));
        return Err(found);
    }
    found.extend(strange_keys(source, document));
    let places = match places(source, document) {
        Ok(places) => places,
        Err(problem) => {
            found.push(*problem);
            return Err(found);
        }
    };
    let node = |pointer: &str| document.pointer(pointer);
    let mut value = serde_json::Map::new();
    value.extend(node(&places.slo).map(|node| ("slo".to_owned(), node.to_json())));
    let goodput = places.goodput.as_deref().and_then(node);
    value.extend(goodput.map(|node| ("goodput".to_owned(), node.to_json())));
    let value = serde_json::Value::Object(value);
    let schema = schema().map_err(|reason| vec![Diagnostic::error("", reason).help(REPORT)])?;
    for mut problem in schema.check(&value) {
        // Where it stands in a schema of ours helps nobody, nor does a pattern.
        problem.notes.clear();
        if problem.message.contains("does not match") {
            problem.message = "a limit is a number, or a duration with a unit".to_owned();
            problem.help = vec!["for example 0.01, or 1200ms for a latency".to_owned()];
        }
        let (pointer, wants_key) = match &problem.anchor {
            Anchor::Value(pointer) => (places.of(pointer), false),
            Anchor::Key(pointer) => (places.of(pointer), true),
            Anchor::Argument(..) | Anchor::Text(..) | Anchor::Nowhere => continue,
        };
        let span = span(source, document, &pointer, wants_key);
        found.push(located(&problem, None).at(source, span));
    }
    if found.iter().any(Diagnostic::is_error) {
        return Err(found);
    }
    let objectives: Objectives = serde_json::from_value(value)
        .map_err(|error| vec![nothing(source, &format!("they cannot be read: {error}"))])?;
    if objectives.slo.is_empty() {
        return Err(vec![nothing(source, "the list of objectives is empty")]);
    }
    config.slo = objectives.slo;
    if let Some(limits) = objectives.goodput {
        let report = config.report.get_or_insert_with(ReportOptions::default);
        let goodput = report.goodput.get_or_insert_with(GoodputOptions::default);
        goodput.constraints = limits;
        // The file says what is good now, whatever the requests themselves carried.
        let carried: Vec<String> = config.api.limit_headers().map(str::to_owned).collect();
        let headers = config.api.headers.iter_mut();
        headers.for_each(|headers| headers.retain(|name, _| !carried.contains(name)));
    }
    for problem in config.check() {
        let Some(pointer) = places.of_config(&problem.path) else {
            continue;
        };
        let message = in_file(&problem.message.to_string());
        let mut diagnostic = match problem.severity {
            Severity::Error => Diagnostic::error(OBJECTIVES, message),
            Severity::Warning => Diagnostic::warning(OBJECTIVES, message),
        };
        let span = span(source, document, &pointer, problem.spot == Spot::Key);
        diagnostic = diagnostic.at(source, span);
        if let Some(help) = &problem.help {
            diagnostic = diagnostic.help(in_file(&help.to_string()));
        }
        found.push(diagnostic);
    }
    if found.iter().any(Diagnostic::is_error) {
        return Err(found);
    }
    Ok(found)
}

/// What `config.yml` has under a longer name.
fn in_file(text: &str) -> String {
    text.replace("report.goodput.constraints", "goodput")
}

fn schema() -> Result<OwnSchema, String> {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings
        .into_generator()
        .into_root_schema_for::<Objectives>();
    OwnSchema::of(&schema.into())
}

fn nothing(source: &Source, message: &str) -> Diagnostic {
    Diagnostic::error(
        OBJECTIVES,
        format!("no objectives can be read here: {message}"),
    )
    .at(source, Span::default())
    .help(SHAPES)
}

fn span(source: &Source, document: &Node, pointer: &str, wants_key: bool) -> Span {
    let span = document.locate(pointer).map_or(document.span, |place| {
        place.key.filter(|_| wants_key).unwrap_or(place.value)
    });
    first_line(source, span)
}

/// Keys that nobody reads. A config.yml has more than objectives, and so have values; of these only what is meant for one of
/// the keys that are read is an error.
fn strange_keys(source: &Source, document: &Node) -> Vec<Diagnostic> {
    const OURS: [&str; 2] = ["slo", "goodput"];
    let (at, node, others) = match document.get("benchmark") {
        Some(benchmark) => ("/benchmark", benchmark, None),
        None => ("", document, Some(bench_contract::config_schema())),
    };
    let others = others.as_ref().map(|schema| &schema["properties"]);
    let is_known = |key: &str| {
        OURS.contains(&key)
            || match others {
                Some(others) => others.get(key).is_some(),
                None => suggest(key, OURS).is_none(),
            }
    };
    let entries = node.entries().unwrap_or_default().iter();
    let strange = entries.filter(|entry| !is_known(&entry.key));
    strange
        .map(|entry| {
            let mut pointer = at.to_owned();
            pointer_push(&mut pointer, &entry.key);
            let span = span(source, document, &pointer, true);
            let message = format!("unknown key `{}`", entry.key);
            let problem = Diagnostic::error(OBJECTIVES, message).at(source, span);
            match suggest(&entry.key, OURS) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.help(
                    "objectives are under `slo`, limits of a single request under `goodput`; nothing else is read",
                ),
            }
        })
        .collect()
}

/// Looks where the objectives of a document are.
fn places(source: &Source, document: &Node) -> Result<Places, Box<Diagnostic>> {
    if document.items().is_some() {
        return Ok(Places {
            slo: String::new(),
            goodput: None,
        });
    }
    let has = |pointer: &str| document.pointer(pointer).is_some();
    if let Some(benchmark) = document.get("benchmark") {
        return Ok(Places {
            slo: of_values(source, benchmark)?,
            goodput: Some("/benchmark/goodput".to_owned()).filter(|at| has(at)),
        });
    }
    if !has("/slo") {
        let message = match document.entries() {
            Some(_) => "it has no key `slo`, nor `benchmark`",
            None => "it is neither a list nor a mapping",
        };
        return Err(Box::new(nothing(source, message)));
    }
    let goodput = ["/goodput", "/report/goodput/constraints"].into_iter();
    Ok(Places {
        slo: "/slo".to_owned(),
        goodput: goodput.map(str::to_owned).find(|at| has(at)),
    })
}

/// Those of a values file: of the scenario that it chooses, or of all.
fn of_values(source: &Source, benchmark: &Node) -> Result<String, Box<Diagnostic>> {
    let scenarios = benchmark.get("scenarios").and_then(Node::entries);
    let own: Vec<&str> = scenarios
        .unwrap_or_default()
        .iter()
        .filter(|entry| entry.value.get("slo").is_some())
        .map(|entry| &*entry.key)
        .collect();
    let chosen = benchmark.get("scenario").and_then(Node::as_str);
    let of = |name: &str| {
        let mut pointer = "/benchmark/scenarios".to_owned();
        pointer_push(&mut pointer, name);
        pointer + "/slo"
    };
    match (chosen, own.as_slice()) {
        (Some(chosen), own) if own.contains(&chosen) => Ok(of(chosen)),
        (None, [_, ..]) if benchmark.get("slo").is_some() => {
            let message = format!(
                "`benchmark` has some, and so have scenarios: {}",
                own.join(", ")
            );
            Err(Box::new(nothing(source, &message).help(
                "add `scenario` under `benchmark`, to say whose are meant",
            )))
        }
        _ if benchmark.get("slo").is_some() => Ok("/benchmark/slo".to_owned()),
        (None, [only]) => Ok(of(only)),
        (None, [_, ..]) => {
            let message = format!("several scenarios have some: {}", own.join(", "));
            Err(Box::new(nothing(source, &message).help(
                "add `scenario` under `benchmark`, to say whose are meant",
            )))
        }
        (_, _) => Err(Box::new(nothing(
            source,
            "neither `benchmark` nor its scenario has a key `slo`",
        ))),
    }
}

impl Places {
    /// Where a pointer into [`Objectives`] leads to in the file.
    fn of(&self, pointer: &str) -> String {
        match (
            pointer.strip_prefix("/slo"),
            pointer.strip_prefix("/goodput"),
        ) {
            (Some(rest), _) => format!("{}{rest}", self.slo),
            (_, Some(rest)) => format!("{}{rest}", self.goodput.as_deref().unwrap_or_default()),
            (None, None) => String::new(),
        }
    }

    /// Where a key of `config.yml` stands in the file; `None` for one that is not of the file.
    fn of_config(&self, path: &KeyPath) -> Option<String> {
        let key = |step: &Step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        };
        let steps: Vec<String> = path.steps().iter().map(key).collect();
        let (mut pointer, rest) = match steps.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["slo", ..] => (self.slo.clone(), &steps[1..]),
            ["report", "goodput", "constraints", ..] => (self.goodput.clone()?, &steps[3..]),
            _ => return None,
        };
        for step in rest {
            pointer_push(&mut pointer, step);
        }
        Some(pointer)
    }
}

#[cfg(test)]
mod tests {
    use bench_contract::Metric;
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_of_the_file_stand_over_those_that_requests_carried() {
        let run = json!({
            "api": {"streaming": true, "headers": {"x-slo-ttft-ms": "500", "x-slo-tpot-ms": "50", "x-team": "a"}},
            "report": {"goodput": {"constraints": {"e2e": 9}}},
        });
        let limits = |file: &str| {
            let mut config: Config = serde_json::from_value(run.clone()).unwrap();
            let found = apply(&Source::new("slo.yaml", file), &mut config).unwrap();
            assert_eq!(found, []);
            let headers = config.api.headers.clone().unwrap_or_default();
            assert!(headers.contains_key("x-team"));
            config.goodput_limits()
        };
        let slo = "slo: [{metric: goodput, min: 0.9}]\n";
        assert_eq!(
            limits(&format!("{slo}goodput: {{ttft: 1s}}")),
            [(Metric::Ttft, 1.0)]
        );
        // Without any, those of the run stand.
        assert_eq!(limits(slo).len(), 3);
    }
}
