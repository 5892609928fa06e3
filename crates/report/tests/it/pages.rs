//! Pages and pictures: what they say, that they load nothing, and that nothing gets in as markup.

use std::path::Path;

use bench_contract::config::LoadType;
use bench_contract::{
    ErrorSample, Outcome, Report, RequestRecord, SloMetric, TimeSeries, ValidityState,
};
use bench_report::{RunEnd, Settings, StageCollector, StageFacts, page, plot};

use crate::made::{whole, with_pictures};
use crate::records::{MS, collect, facts, failed, ok, poisson_records, settings, slo, with_slos};

fn objectives() -> Settings {
    let mut settings = with_slos(&[slo(SloMetric::TtftScheduled, 99.0, 1.2)]);
    settings.slos.push(bench_contract::Slo {
        metric: SloMetric::ErrorRate,
        percentile: None,
        max: bench_contract::Limit::new(0.02),
        min: None,
        stages: bench_contract::SloStages::Each,
    });
    settings
}

/// `n` requests at 10/s, every `every`-th of which takes 3 s to its first token.
fn slow(n: u64, every: u64) -> Vec<RequestRecord> {
    let ttft = |k: u64| {
        if k % every == every - 1 {
            3000
        } else {
            20 + k * 7919 % 30
        }
    };
    (0..n)
        .map(|k| ok(k, k * 100 * MS, ttft(k) * MS, 40))
        .collect()
}

fn stage(settings: &Settings, records: &[RequestRecord]) -> (StageCollector, StageFacts) {
    let seconds = records.len() as f64 / 10.0;
    (
        collect(settings, records),
        facts(LoadType::Constant, 10.0, seconds),
    )
}

fn of(settings: &Settings, records: &[RequestRecord]) -> Report {
    with_pictures(&[stage(settings, records)], &RunEnd::default())
}

/// Stages of 5, 10 and 20 requests a second, the last of which is too much.
fn stages() -> Report {
    let stages: Vec<(StageCollector, StageFacts)> = (0..3)
        .map(|number: u32| {
            let rate = 5.0 * f64::from(1 << number);
            let start = u64::from(number) * 200_000 * MS;
            let records: Vec<RequestRecord> = (0..(rate * 120.0) as u64)
                .map(|k| {
                    let queue = if number == 2 { k * 2 * MS } else { 0 };
                    let at = start + (k as f64 / rate * 1e9) as u64;
                    ok(k, at, (20 + k * 7919 % 30) * MS + queue, 40)
                })
                .collect();
            let mut facts = facts(LoadType::Constant, rate, 120.0);
            (facts.stage, facts.origin_ns) = (number, start);
            (collect(&objectives(), &records), facts)
        })
        .collect();
    with_pictures(&stages, &RunEnd::default())
}

/// Late by 50 ms each: the generator's own fault.
fn late() -> Report {
    let mut records = slow(600, 601);
    for record in &mut records {
        record.dispatched_ns = record.sent_ns.map(|at| at + 50 * MS);
        record.sent_ns = record.dispatched_ns;
    }
    of(&objectives(), &records)
}

/// What a verdict says, as text.
fn verdict_of(report: &Report) -> String {
    let page = page::html(report);
    let start = page.find("<section class=\"verdict").unwrap();
    let end = start + page[start..].find("</section>").unwrap();
    let mut text = page[start..end].replace("<li>", "\n- ");
    while let Some((from, to)) = text.find('<').zip(text.find('>')) {
        text.replace_range(from..=to, "");
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace("&#39;", "'")
}

#[test]
fn verdicts_are_said_in_words() {
    let none: Vec<RequestRecord> = (0..50)
        .map(|k| failed(k, k * 100 * MS, Outcome::HttpError, "<b>unknown</b> model"))
        .collect();
    let stopped = RunEnd {
        interrupted: true,
        failed: Vec::new(),
        ..RunEnd::default()
    };
    let unwritten = RunEnd {
        interrupted: false,
        failed: vec!["cannot write report.json: no space left".to_owned()],
        ..RunEnd::default()
    };
    let cases = [
        ("passes", of(&objectives(), &slow(3000, 5000))),
        ("fails", of(&objectives(), &slow(3000, 20))),
        ("fails from a load on", stages()),
        (
            "is undecided for want of requests",
            of(&objectives(), &slow(300, 301)),
        ),
        (
            "is undecided near the limit",
            of(&objectives(), &slow(2000, 150)),
        ),
        ("is invalid", late()),
        ("has no objective", of(&settings(), &slow(300, 301))),
        ("has no success", of(&objectives(), &none)),
        ("has no request", whole(Vec::new(), &RunEnd::default())),
        (
            "was interrupted",
            with_pictures(&[stage(&objectives(), &slow(300, 301))], &stopped),
        ),
        (
            "could not be written",
            with_pictures(&[stage(&settings(), &slow(300, 301))], &unwritten),
        ),
    ];
    let mut text = String::new();
    for (name, report) in &cases {
        text.push_str(&format!("== a run that {name}\n{}\n\n", verdict_of(report)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/verdicts.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "UPDATE_GOLDEN=1 writes it");
}

#[test]
fn a_page_can_be_drawn_again_from_its_report() {
    for report in [stages(), late(), whole(Vec::new(), &RunEnd::default())] {
        let text = serde_json::to_string(&report).unwrap();
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(page::html(&read), page::html(&report));
        assert_eq!(plot::files(&read), plot::files(&report));
    }
}

#[test]
fn an_older_report_without_series_has_a_page_with_fewer_pictures() {
    let report = of(&objectives(), &slow(300, 20));
    let pictures = |report: &Report| {
        let names = plot::files(report).into_iter().map(|(name, _)| name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        pictures(&report),
        [
            "ttft-curve.svg",
            "e2e-curve.svg",
            "chunk-gap-curve.svg",
            "requests-over-time.svg",
            "in-flight-over-time.svg",
            "tokens-over-time.svg",
            "ttft-over-time.svg",
            "chunk-gap-over-time.svg",
            "input-lengths.svg",
            "output-lengths.svg",
        ]
    );
    let mut older = report;
    (older.series, older.length_histograms) = (None, None);
    for stage in &mut older.stages {
        stage
            .metrics
            .values_mut()
            .for_each(|summary| summary.curve.clear());
    }
    assert_eq!(pictures(&older), [""; 0]);
    well_formed(&page::html(&older));
    let by_load = ["ttft-by-load.svg", "e2e-by-load.svg", "output-by-load.svg"];
    assert_eq!(pictures(&stages())[..3], by_load);
}

/// Everything that could be of others' making says something that would do harm as markup.
fn hostile() -> Report {
    const HARM: &str = "</pre></style><script src=\"http://evil.example/x.js\">'&\u{202e}\u{0}</script><img src=x onerror=alert(1)>";
    let records: Vec<RequestRecord> = (0..100)
        .map(|k| match k % 4 {
            0 => failed(k, k * 100 * MS, Outcome::HttpError, HARM),
            _ => ok(k, k * 100 * MS, 20 * MS, 10),
        })
        .collect();
    let mut report = of(&objectives(), &records);
    let harm = || HARM.to_owned();
    report.run.id = harm();
    report.run.prompts = harm();
    report.run.origin = harm();
    report.run.partial_because = vec![harm()];
    report.run.status = bench_contract::RunStatus::Partial;
    report.target.base_url = harm();
    report.target.model = harm();
    report.target.server_type = harm();
    report.target.api = harm();
    report.target.addresses = vec![harm()];
    report.environment.host = harm();
    report.environment.kernel = harm();
    report.environment.clock = harm();
    report.tool.name = harm();
    report.tool.version = harm();
    report.percentile_method = harm();
    report.verdict.reasons = vec![harm()];
    report.config = serde_json::json!({HARM: [HARM, {"deep": HARM}]});
    let stage = &mut report.stages[0];
    stage.arrivals.verdict = harm();
    stage.validity.reasons = vec![harm()];
    stage.validity.state = ValidityState::Suspect;
    stage
        .checks
        .iter_mut()
        .for_each(|check| check.reason = harm());
    report
}

#[test]
fn nothing_gets_in_as_markup_and_nothing_is_loaded() {
    for report in [
        hostile(),
        stages(),
        late(),
        whole(Vec::new(), &RunEnd::default()),
    ] {
        let page = page::html(&report);
        well_formed(&page);
        for (name, svg) in plot::files(&report) {
            well_formed(&svg);
            assert!(svg.contains("<title>"), "{name}");
        }
    }
}

/// Elements with the attributes that they may have: none of them loads or runs anything.
const KNOWN: [(&str, &[&str]); 37] = [
    ("html", &["lang"]),
    ("head", &[]),
    ("meta", &["charset", "name", "content", "http-equiv"]),
    ("title", &[]),
    ("style", &[]),
    ("body", &[]),
    ("main", &[]),
    ("header", &[]),
    ("section", &["class"]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("p", &["class"]),
    ("strong", &[]),
    ("code", &[]),
    ("pre", &[]),
    ("ul", &[]),
    ("li", &[]),
    ("div", &["class"]),
    ("table", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["scope", "class"]),
    ("td", &["class"]),
    ("dl", &[]),
    ("dt", &[]),
    ("dd", &[]),
    ("figure", &[]),
    ("figcaption", &[]),
    ("svg", &["xmlns", "class", "role", "viewBox", "aria-label"]),
    ("g", &["transform"]),
    ("line", &["class", "x1", "y1", "x2", "y2"]),
    ("path", &["class", "d"]),
    ("circle", &["class", "r", "cx", "cy"]),
    ("rect", &["class", "x", "y", "width", "height"]),
    ("text", &["class", "x", "y"]),
];

/// Every element is known, has known attributes, and is closed in turn; no style loads anything.
fn well_formed(markup: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup.strip_prefix("<!doctype html>").unwrap_or(markup);
    while let Some((text, from)) = rest.split_once('<') {
        assert!(
            !text.contains('>') || open.last() == Some(&"style"),
            "{text}"
        );
        let (tag, after) = from.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "<{tag}>");
            continue;
        }
        let is_closed = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let (_, known) = KNOWN
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("<{tag}>"));
        // Names and values in double quotes alternate.
        let mut parts = attributes.split('"');
        while let Some(attribute) = parts.next().map(str::trim).filter(|part| !part.is_empty()) {
            let attribute = attribute.strip_suffix('=').unwrap();
            assert!(known.contains(&attribute), "{attribute} in <{tag}>");
            parts.next().unwrap();
        }
        if !is_closed && name != "meta" {
            open.push(name);
        }
        if name == "style" {
            let (style, _) = rest.split_once("</style>").unwrap();
            assert!(!style.contains("url(") && !style.contains("@import"));
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn a_page_stays_small_whatever_the_run() {
    let one = of(&objectives(), &poisson_records(600.0, 3));
    let mut report = one.clone();
    report.stages = (0..2000)
        .map(|number| {
            let mut stage = one.stages[0].clone();
            stage.stage = number;
            stage.load.rate = Some(f64::from(number) + 0.123_456);
            stage.offered_rate = stage.load.rate;
            stage.origin_s = f64::from(number) * 20.0;
            stage.validity.reasons = vec!["x".repeat(5000); 20];
            stage
                .checks
                .iter_mut()
                .for_each(|check| check.reason = "y".repeat(5000));
            stage.errors = (0..100)
                .map(|kind| ErrorSample {
                    outcome: Outcome::HttpError,
                    status: Some(400 + kind),
                    count: 1,
                    message: "z".repeat(5000),
                })
                .collect();
            stage
        })
        .collect();
    let counts = || {
        (0..600)
            .map(|k| 100_000_000 + k * 7919)
            .collect::<Vec<u64>>()
    };
    let values = || {
        (0..600)
            .map(|k| Some(0.1 + f64::from(k)))
            .collect::<Vec<_>>()
    };
    report.series = Some(TimeSeries {
        start_s: 0,
        width_s: 64,
        scheduled: counts(),
        not_sent: counts(),
        sent: counts(),
        ok: counts(),
        failed: counts(),
        cancelled: counts(),
        in_flight: (0..600).map(f64::from).collect(),
        output_tokens: counts(),
        ttft_scheduled_p50: values(),
        ttft_scheduled_p95: values(),
        chunk_gap_p50: values(),
        chunk_gap_p99: values(),
    });
    report.run.partial_because = vec!["w".repeat(5000); 500];
    report.config = serde_json::json!({"load": {"stages": vec![serde_json::json!({"rate": 1, "duration": 60}); 100_000]}});
    let page = page::html(&report);
    well_formed(&page);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}
