//! `junit.xml`: a test suite a stage, and one of the whole run, a test case an objective, for the test reports of CI systems.

use bench_contract::{Check, CheckVerdict, Place, Report, ValidityState};

use crate::markup::Markup;

/// The objectives of a report as JUnit's XML, as Jenkins, GitLab and GitHub's actions read it: one that failed is a failure,
/// one that is undecided is skipped, be it that its stage did not begin, one on an invalid stage is an error; each says why.
/// The objectives of the whole run are a suite of their own. The time of a case is that of its stage.
#[must_use]
pub fn xml(report: &Report) -> String {
    let mut xml = Markup::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"")
        .text(&report.run.id);
    let checks: Vec<&Check> = report.judged().map(|(_, check)| check).collect();
    counts(&mut xml, &checks);
    time(&mut xml, report.run.duration_s);
    xml.raw(">\n");
    for stage in &report.stages {
        let one = Suite {
            name: format!("stage {}: {}", stage.stage, stage.load),
            checks: &stage.checks,
            seconds: stage.duration_s,
            validity: Some(stage.validity.state),
        };
        suite(&mut xml, report, &one);
    }
    let not_begun = report.not_begun.iter();
    for stage in not_begun.filter(|stage| !stage.checks.is_empty()) {
        let one = Suite {
            name: format!("stage {}: {}", stage.stage, stage.load),
            checks: &stage.checks,
            seconds: 0.0,
            validity: None,
        };
        suite(&mut xml, report, &one);
    }
    if !report.checks.is_empty() {
        let one = Suite {
            name: Place::Whole.to_string(),
            checks: &report.checks,
            seconds: report.run.duration_s,
            validity: Some(report.verdict.validity),
        };
        suite(&mut xml, report, &one);
    }
    xml.raw("</testsuites>\n");
    xml.into_string()
}

/// The objectives of one place.
struct Suite<'a> {
    name: String,
    checks: &'a [Check],
    seconds: f64,
    /// None where nothing ran.
    validity: Option<ValidityState>,
}

fn suite(xml: &mut Markup, report: &Report, suite: &Suite<'_>) {
    xml.raw("  <testsuite name=\"").text(&suite.name);
    counts(xml, &suite.checks.iter().collect::<Vec<_>>());
    time(xml, suite.seconds);
    // JUnit's instants have no zone.
    let origin = report.run.origin.split(['.', 'Z']).next();
    xml.raw(" timestamp=\"")
        .text(origin.unwrap_or_default())
        .raw("\" hostname=\"")
        .text(&report.environment.host)
        .raw("\">\n    <properties>\n");
    let status = serde_json::to_value(report.run.status).unwrap_or_default();
    let exit_code = report.verdict.exit_code.to_string();
    let version = report.definitions_version.to_string();
    let seed = report.run.seed.to_string();
    let state = suite.validity.map(validity);
    let state = state.map(|state| ("validity", state));
    let properties = [
        ("run_id", report.run.id.as_str()),
        ("status", status.as_str().unwrap_or_default()),
        ("exit_code", &exit_code),
        ("target", &report.target.base_url),
        ("model", &report.target.model),
        ("seed", &seed),
        ("loadgen_version", &report.tool.version),
        ("definitions_version", &version),
    ];
    for (name, value) in properties.into_iter().chain(state) {
        xml.raw("      <property name=\"")
            .text(name)
            .raw("\" value=\"")
            .text(value)
            .raw("\"/>\n");
    }
    xml.raw("    </properties>\n");
    for check in suite.checks {
        case(xml, &suite.name, check, suite.seconds);
    }
    xml.raw("  </testsuite>\n");
}

fn case(xml: &mut Markup, stage: &str, check: &Check, seconds: f64) {
    xml.raw("    <testcase classname=\"")
        .text(stage)
        .raw("\" name=\"")
        .text(&check.slo.describe())
        .raw("\"");
    time(xml, seconds);
    match check.verdict {
        CheckVerdict::Pass => {
            xml.raw(">\n      <system-out>")
                .text(&check.reason)
                .raw("</system-out>\n    </testcase>\n");
        }
        CheckVerdict::Inconclusive => {
            xml.raw(">\n      <skipped message=\"")
                .text(&format!("inconclusive: {}", check.reason))
                .raw("\"/>\n    </testcase>\n");
        }
        CheckVerdict::Fail => {
            xml.raw(">\n      <failure type=\"slo\" message=\"")
                .text(&check.reason)
                .raw("\">")
                .text(&format!("{}: {}", check.slo.describe(), check.reason))
                .raw("</failure>\n    </testcase>\n");
        }
        CheckVerdict::Invalid => {
            xml.raw(">\n      <error type=\"invalid\" message=\"")
                .text(&check.reason)
                .raw("\"/>\n    </testcase>\n");
        }
    }
}

fn counts(xml: &mut Markup, checks: &[&Check]) {
    let of = |wanted: CheckVerdict| checks.iter().filter(move |check| check.verdict == wanted);
    for (name, count) in [
        ("\" tests=\"", checks.len()),
        ("\" failures=\"", of(CheckVerdict::Fail).count()),
        ("\" errors=\"", of(CheckVerdict::Invalid).count()),
        ("\" skipped=\"", of(CheckVerdict::Inconclusive).count()),
    ] {
        xml.raw(name).text(&count.to_string());
    }
    xml.raw("\"");
}

fn time(xml: &mut Markup, seconds: f64) {
    xml.raw(" time=\"").text(&format!("{seconds:.3}")).raw("\"");
}

fn validity(state: ValidityState) -> &'static str {
    match state {
        ValidityState::Valid => "valid",
        ValidityState::Suspect => "suspect",
        ValidityState::Invalid => "invalid",
    }
}
