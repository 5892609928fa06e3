//! Whole values files by chance: what is accepted renders to manifests that mean the same to every reader and that
//! Kubernetes takes; what is not is refused with a place, and nothing is printed.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use bench_contract::Config;
use bench_yaml::{Color, Diagnostic, Source};
use benchctl::chart::Chart;
use benchctl::pipeline::{Checked, Skip, Wanted, Whole};
use benchctl::render::to_yaml;
use benchctl::validate::file::check_text;
use benchctl::validate::kubernetes::{KubeVersion, check_manifest, check_set};
use benchctl::values::{Sources, load};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use proptest::prelude::*;
use proptest::test_runner::{Config as Settings, RngSeed, TestCaseError, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::process::{benchctl, documents, of_kind, stdout, text as utf8};
use crate::yaml11;

mod arrival;
mod pod;
mod scenario;
mod spoil;
mod texts;
mod values;

type Outcome = Result<(), TestCaseError>;

/// What came of a values file.
enum Rendering {
    Refused(Vec<Diagnostic>),
    Disabled,
    Done(Box<Whole>),
}

fn render(chart: &Chart, file: &Path) -> Rendering {
    let sources = Sources {
        values: vec![file.to_str().unwrap().to_owned()],
        ..Sources::default()
    };
    let wanted = Wanted {
        with_namespace: true,
        ..Wanted::default()
    };
    let checked = Checked::new(chart, load(&sources), Skip::default());
    if checked.is_disabled() {
        return Rendering::Disabled;
    }
    match checked.whole(chart, wanted) {
        Ok(whole) => Rendering::Done(Box::new(whole)),
        Err(refused) => Rendering::Refused(refused.problems),
    }
}

#[test]
fn whole_values_files_render_or_are_refused() {
    let chart = Chart::built_in().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let defaults: Value = serde_json::from_str(&stdout(&["values", "-o", "json"])).unwrap();
    let (mut leaves, file) = (Vec::new(), directory.path().join("values.yaml"));
    spoil::collect(&defaults, String::new(), &mut leaves);
    // Without a wish (PROPTEST_CASES, PROPTEST_RNG_SEED) every run tries the same few files.
    let wished = Settings::default();
    let is_long = std::env::var_os("PROPTEST_CASES").is_some();
    let settings = Settings {
        cases: if is_long { wished.cases } else { 160 },
        failure_persistence: None,
        rng_seed: match wished.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            seed @ RngSeed::Fixed(_) => seed,
        },
        ..wished
    };
    // For other programs to read, in tests/real.
    let kept = std::env::var_os("KEEP_RENDERED").map(PathBuf::from);
    let cases = f64::from(settings.cases);
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let found = TestRunner::new(settings).run(&values::values(leaves), |values| {
        let text = flow(&values);
        fs::write(&file, &text).unwrap();
        // A process is slow to start: the real command line has its turn now and then.
        let is_shown = text.len().is_multiple_of(16);
        match render(&chart, &file) {
            Rendering::Disabled => shown(&file, "", 0)?,
            Rendering::Refused(problems) => {
                refused.set(refused.get() + 1);
                refusal(&problems, &file)?;
                if is_shown {
                    shown(&file, "", 3)?;
                }
            }
            Rendering::Done(whole) => {
                accepted.set(accepted.get() + 1);
                check(&chart, &whole)?;
                let rendered = &whole.rendered;
                if let Some(directory) = &kept {
                    let name =
                        directory.join(rendered.name.clone() + "-" + &accepted.get().to_string());
                    fs::write(name.with_extension("yaml"), rendered.text()).unwrap();
                    let json = serde_json::to_string(&whole.objects).unwrap();
                    fs::write(name.with_extension("json"), json).unwrap();
                }
                if is_shown {
                    shown(&file, &rendered.text(), 0)?;
                }
                // The same values in another notation: the same bytes.
                fs::write(&file, to_yaml(&values).unwrap()).unwrap();
                match render(&chart, &file) {
                    Rendering::Done(again) => {
                        prop_assert_eq!(again.rendered.text(), rendered.text());
                    }
                    Rendering::Disabled => prop_assert!(false, "it is disabled"),
                    Rendering::Refused(problems) => prop_assert!(false, "{}", drawn(&problems)),
                }
            }
        }
        Ok(())
    });
    found.unwrap_or_else(|why| panic!("{why}"));
    let (accepted, refused) = (f64::from(accepted.get()), f64::from(refused.get()));
    assert!(
        accepted > 0.4 * cases && refused > 0.1 * cases,
        "{accepted} accepted, {refused} refused"
    );
}

/// What is printed is read alike by everybody, is what Kubernetes takes, and says what the user said.
fn check(chart: &Chart, whole: &Whole) -> Outcome {
    let (rendered, objects) = (&whole.rendered, &*whole.objects);
    let printed = rendered.text();
    alike(&printed, objects)?;
    for object in objects {
        let faults = check_manifest(object);
        prop_assert!(
            faults.iter().all(|fault| fault.is_warning),
            "{:?}\n{}",
            faults,
            printed
        );
        round_trip(object)?;
    }
    prop_assert_eq!(check_set(objects), []);
    let said = check_text(
        chart,
        &Source::new("printed.yaml", &*printed),
        KubeVersion::default(),
    );
    prop_assert!(!said.iter().any(Diagnostic::is_error), "{}", drawn(&said));

    let config_yml = of_kind(objects, "ConfigMap")["data"]["config.yml"]
        .as_str()
        .unwrap();
    prop_assert_eq!(config_yml, &rendered.config_yml);
    let config = documents(config_yml);
    alike(config_yml, &config)?;
    prop_assert_eq!(&config[0], &serde_json::to_value(&rendered.config).unwrap());
    let read: Config = serde_json::from_value(config[0].clone()).unwrap();
    prop_assert_eq!(&read, &rendered.config);
    arrival::check(&whole.merged.json["benchmark"], objects, &config[0])
}

/// The readers of YAML 1.2 and of YAML 1.1 find the same.
fn alike(text: &str, found: &[Value]) -> Outcome {
    prop_assert_eq!(&documents(text), found);
    let old = yaml11::read(text).map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
    prop_assert_eq!(old.len(), found.len());
    for (old, new) in old.iter().zip(found) {
        yaml11::same(old, new).map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
    }
    Ok(())
}

/// Kubernetes' own types lose nothing of a manifest and add nothing to it.
fn round_trip(object: &Value) -> Outcome {
    fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<T>(object.clone()).unwrap()).unwrap()
    }
    let back = match object["kind"].as_str() {
        Some("Job") => through::<Job>(object),
        Some("ConfigMap") => through::<ConfigMap>(object),
        Some("ServiceAccount") => through::<ServiceAccount>(object),
        Some("Namespace") => through::<Namespace>(object),
        kind => return Err(TestCaseError::fail(format!("{kind:?} is never written"))),
    };
    let written = arrival::without_nulls(object);
    prop_assert!(is_same(&back, &written), "{back}\n{written}");
    Ok(())
}

/// Equal, but for quantities: Kubernetes takes numbers for them and keeps texts.
fn is_same(back: &Value, written: &Value) -> bool {
    match (back, written) {
        (Value::Object(back), Value::Object(written)) => {
            back.len() == written.len()
                && back.iter().all(|(key, back)| {
                    written
                        .get(key)
                        .is_some_and(|written| is_same(back, written))
                })
        }
        (Value::Array(back), Value::Array(written)) => {
            back.len() == written.len()
                && back
                    .iter()
                    .zip(written)
                    .all(|(back, written)| is_same(back, written))
        }
        (Value::String(back), Value::Number(written)) => back.parse().ok() == written.as_f64(),
        (back, written) => back == written,
    }
}

/// Every error has a place in the user's file, and the program is not at fault.
fn refusal(problems: &[Diagnostic], file: &Path) -> Outcome {
    let text = drawn(problems);
    let errors: Vec<&Diagnostic> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .collect();
    prop_assert!(!errors.is_empty(), "{}", text);
    for error in errors {
        prop_assert!(!error.code.starts_with("B9"), "{}", text);
        let name = error.source.as_ref().map(|source| source.name.to_string());
        prop_assert_eq!(name.as_deref(), file.to_str(), "{}", text);
    }
    Ok(())
}

/// The real command line prints that, and ends with that code.
fn shown(file: &Path, printed: &str, code: i32) -> Outcome {
    let args = ["render", "--create-namespace", "-f", "values.yaml"];
    let output = benchctl(file.parent().unwrap(), &args).output().unwrap();
    prop_assert_eq!(output.status.code(), Some(code));
    prop_assert_eq!(utf8(&output.stdout), printed);
    prop_assert!(code == 0 || utf8(&output.stderr).contains("--> values.yaml:"));
    Ok(())
}

fn drawn(problems: &[Diagnostic]) -> String {
    bench_yaml::render(problems, Color::Never)
}

/// JSON that is YAML, too: with escapes for the characters that JSON allows bare and YAML does not.
fn flow(values: &Value) -> String {
    let json = values.to_string();
    let mut text = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text + "\n"
}
