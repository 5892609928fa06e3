//! `junit.xml`: a test suite a stage, a test case an objective, for the test reports of CI systems.

use bench_contract::{Check, CheckVerdict, Report, StageReport};

use crate::markup::Markup;

/// The objectives of a report as JUnit's XML, as Jenkins, GitLab and GitHub's actions read it: one that failed is a failure,
/// one that is undecided is skipped, one on an invalid stage is an error; each says why. The time of a case is that of
/// its stage.
#[must_use]
pub fn xml(report: &Report) -> String {
    let mut xml = Markup::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"")
        .text(&report.run.id);
    let checks: Vec<&Check> = report
        .stages
        .iter()
        .flat_map(|stage| &stage.checks)
        .collect();
    counts(&mut xml, &checks);
    time(&mut xml, report.run.duration_s);
    xml.raw(">\n");
    for stage in &report.stages {
        suite(&mut xml, report, stage);
    }
    xml.raw("</testsuites>\n");
    xml.into_string()
}

fn suite(xml: &mut Markup, report: &Report, stage: &StageReport) {
    let name = format!("stage {}: {}", stage.stage, stage.load);
    xml.raw("  <testsuite name=\"").text(&name);
    counts(xml, &stage.checks.iter().collect::<Vec<_>>());
    time(xml, stage.duration_s);
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
    for (name, value) in [
        ("run_id", report.run.id.as_str()),
        ("status", status.as_str().unwrap_or_default()),
        ("exit_code", &exit_code),
        ("target", &report.target.base_url),
        ("model", &report.target.model),
        ("seed", &seed),
        ("loadgen_version", &report.tool.version),
        ("definitions_version", &version),
        ("validity", validity(stage)),
    ] {
        xml.raw("      <property name=\"")
            .text(name)
            .raw("\" value=\"")
            .text(value)
            .raw("\"/>\n");
    }
    xml.raw("    </properties>\n");
    for check in &stage.checks {
        case(xml, &name, check, stage.duration_s);
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

fn validity(stage: &StageReport) -> &'static str {
    match stage.validity.state {
        bench_contract::ValidityState::Valid => "valid",
        bench_contract::ValidityState::Suspect => "suspect",
        bench_contract::ValidityState::Invalid => "invalid",
    }
}
