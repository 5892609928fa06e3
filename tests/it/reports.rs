//! `benchctl report`: pages and pictures as files.

use std::fs;
use std::path::Path;

use bench_contract::{Counts, Report, RequestRecord, Shard};

use crate::process::{benchctl, root, run, stdout, text};

const RESULTS: &str = "tests/cases/report-show/results";

#[test]
fn a_page_goes_to_stdout_or_to_a_file() {
    let page = stdout(&["report", "html", RESULTS]);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<h2>INCONCLUSIVE</h2>"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, "an older one").unwrap();
    let report = format!("{RESULTS}/report.json");
    let written = run(&["report", "html", &report, "-o", file.to_str().unwrap()]);
    assert!(written.status.success() && written.stdout.is_empty());
    assert_eq!(text(&written.stderr), format!("wrote {}\n", file.display()));
    assert_eq!(fs::read_to_string(&file).unwrap(), page);
    let piped = benchctl(root(), &["report", "html", "-"])
        .stdin(fs::File::open(root().join(report)).unwrap())
        .output()
        .unwrap();
    assert_eq!(text(&piped.stdout), page);
}

#[test]
fn columns_are_those_of_the_docs() {
    let docs = fs::read_to_string(root().join("docs/results.md")).unwrap();
    let listed = |of: &str| -> Vec<String> {
        let list = docs
            .split(&format!("<!-- columns of {of} -->"))
            .nth(1)
            .unwrap();
        let list = list.split("<!-- end -->").next().unwrap();
        let names = list.split('`').skip(1).step_by(2);
        names.map(str::to_owned).collect()
    };
    let folder = "tests/cases/report-judge/results";
    for of in ["requests", "stages"] {
        let rows = stdout(&["report", "convert", folder, "--to", "csv", "--what", of]);
        let head: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
        assert_eq!(listed(of), head);
        assert!(rows.lines().all(|row| row.split(',').count() == head.len()));
        let lines = stdout(&["report", "convert", folder, "--to", "jsonl", "--what", of]);
        assert_eq!(lines.lines().count() + 1, rows.lines().count());
        for line in lines.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(
                row.as_object()
                    .unwrap()
                    .keys()
                    .all(|key| head.contains(&key.as_str()))
            );
        }
    }
}

#[test]
fn requests_are_converted_one_by_one_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/requests.csv");
    let results = "tests/cases/report-judge/results";
    let args = [
        "report",
        "convert",
        results,
        "--to",
        "csv",
        "-o",
        file.to_str().unwrap(),
    ];
    let written = run(&args);
    assert!(written.status.success() && written.stdout.is_empty());
    assert!(
        text(&written.stderr).contains("240 rows"),
        "{}",
        text(&written.stderr)
    );
    let rows = fs::read_to_string(&file).unwrap();
    assert_eq!(rows, stdout(&args[..5]));
    assert_eq!(rows.lines().count(), 241);
    // A damaged source leaves what was there.
    let args = [
        "report",
        "convert",
        "tests/cases/report-records-damaged/results",
        "--to",
        "csv",
        "-o",
        file.to_str().unwrap(),
    ];
    let failed = run(&args);
    assert_eq!(failed.status.code(), Some(3));
    assert!(
        text(&failed.stderr).contains("line 4"),
        "{}",
        text(&failed.stderr)
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), rows);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

/// The run of a case as `id`, with those of its requests that `is_mine` takes.
fn part(folder: &Path, id: &str, shard: Option<Shard>, is_mine: impl Fn(u64) -> bool) -> String {
    let results = root().join("tests/cases/report-judge/results");
    let text = fs::read(results.join("report.json")).unwrap();
    let mut report: Report = serde_json::from_slice(&text).unwrap();
    let packed = fs::File::open(results.join("requests.jsonl.zst")).unwrap();
    let lines = String::from_utf8(zstd::decode_all(packed).unwrap()).unwrap();
    let mine: Vec<(&str, RequestRecord)> = lines
        .lines()
        .map(|line| (line, serde_json::from_str::<RequestRecord>(line).unwrap()))
        .filter(|(_, record)| is_mine(record.index))
        .collect();
    report.counts = Counts::default();
    for stage in &mut report.stages {
        stage.counts = Counts::default();
        for (_, record) in mine
            .iter()
            .filter(|(_, record)| record.stage == stage.stage)
        {
            stage.counts.add(record.outcome);
        }
        report.counts.merge(&stage.counts);
    }
    (report.run.id, report.run.shard) = (id.to_owned(), shard);
    fs::create_dir_all(folder).unwrap();
    fs::write(
        folder.join("report.json"),
        serde_json::to_string(&report).unwrap(),
    )
    .unwrap();
    let text: String = mine.iter().map(|(line, _)| format!("{line}\n")).collect();
    fs::write(folder.join("requests.jsonl"), text).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn shards_are_merged_to_a_run_that_can_be_judged() {
    let folder = tempfile::tempdir().unwrap();
    let shards: Vec<String> = (0..3_u32)
        .map(|index| {
            let shard = Some(Shard { index, count: 3 });
            part(&folder.path().join(index.to_string()), "run", shard, |k| {
                k % 3 == u64::from(index)
            })
        })
        .collect();
    let into = folder.path().join("all");
    let to = into.to_str().unwrap();
    let merge = |of: &[&str]| {
        let mut args = vec!["report", "merge", "-o", to];
        args.extend(of);
        run(&args)
    };
    let merged = merge(&[&shards[0], &shards[1], &shards[2]]);
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    assert!(merged.stdout.is_empty() && text(&merged.stderr).starts_with("merged 3 shards into"));
    // What the whole run said of itself, its merged shards say too.
    let judged = |of: &str| {
        let args = [
            "report",
            "judge",
            of,
            "-f",
            "tests/cases/report-judge/slo.yaml",
        ];
        let output = run(&args);
        assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        let objectives = printed.lines().skip(2).take_while(|line| !line.is_empty());
        objectives.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(judged(to), judged("tests/cases/report-judge/results"));
    let shown = stdout(&["report", "show", to]);
    assert!(
        shown.contains("merged     3 shards: shard 0 (vm), "),
        "{shown}"
    );

    // All files are replaced, or none: here one cannot be.
    let page = into.join("report.html");
    fs::remove_file(&page).unwrap();
    fs::create_dir(&page).unwrap();
    let names = ["report.json", "requests.jsonl.zst", "junit.xml"];
    let read = || names.map(|name| fs::read(into.join(name)).unwrap());
    let before = read();
    let failed = merge(&[&shards[0], &shards[2]]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed.stderr).contains("report.html: it is a directory")
            && text(&failed.stderr).contains("all files are as they were"),
        "{}",
        text(&failed.stderr)
    );
    assert!(before == read() && fs::read_dir(&into).unwrap().count() == 4);
    fs::remove_dir(&page).unwrap();
    // A request that is in two of them is told with both.
    let again = Path::new(&shards[1]).join("requests.jsonl");
    let own = fs::read_to_string(&again).unwrap();
    let theirs = fs::read_to_string(Path::new(&shards[0]).join("requests.jsonl")).unwrap();
    let lines: Vec<&str> = own.lines().skip(1).chain(theirs.lines().take(1)).collect();
    fs::write(&again, lines.join("\n") + "\n").unwrap();
    let twice = merge(&[&shards[0], &shards[1], &shards[2]]);
    assert_eq!(twice.status.code(), Some(3));
    let said = text(&twice.stderr);
    assert!(
        said.contains("is in the records twice")
            && said.contains("0/requests.jsonl")
            && said.contains("1/requests.jsonl"),
        "{said}"
    );
    fs::write(&again, own).unwrap();

    let partial = merge(&[&shards[0], &shards[2]]);
    assert!(partial.status.success(), "{}", text(&partial.stderr));
    assert!(
        text(&partial.stderr).starts_with("partial: shard 1 of 3 is missing"),
        "{}",
        text(&partial.stderr)
    );
    assert_eq!(run(&["report", "judge", to]).status.code(), Some(5));
}

#[test]
fn repeats_are_merged_and_what_is_read_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let runs: Vec<String> = ["monday", "tuesday"]
        .map(|id| part(&folder.path().join(id), id, None, |_| true))
        .into();
    let into = folder.path().join("both");
    let merged = run(&[
        "report",
        "merge",
        &runs[0],
        &runs[1],
        "-o",
        into.to_str().unwrap(),
    ]);
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    let mut names: Vec<_> = fs::read_dir(&into)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["junit.xml", "report.html", "report.json"]);
    let shown = stdout(&["report", "show", into.to_str().unwrap()]);
    assert!(
        shown.contains("merged     2 repeats: monday, tuesday")
            && shown.contains("172 sent, 172 ok"),
        "{shown}"
    );

    let refused = run(&["report", "merge", &runs[0], &runs[1], "-o", &runs[0]]);
    assert_eq!(refused.status.code(), Some(2));
    // Nor does a new result stand beside records that are not its own.
    let before = fs::read(into.join("report.json")).unwrap();
    fs::write(into.join("requests.jsonl.zst"), "of another run").unwrap();
    let refused = run(&[
        "report",
        "merge",
        &runs[0],
        &runs[1],
        "-o",
        into.to_str().unwrap(),
    ]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("requests.jsonl.zst is of another result"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(fs::read(into.join("report.json")).unwrap(), before);
    // Something goes wrong on the way: nothing is left of it.
    let damaged = Path::new(&runs[1]).join("requests.jsonl");
    let mut lines = fs::read_to_string(&damaged).unwrap();
    lines.push_str("{}\n");
    fs::write(damaged, lines).unwrap();
    let third = folder.path().join("third");
    let failed = run(&[
        "report",
        "merge",
        &runs[0],
        &runs[1],
        "-o",
        third.to_str().unwrap(),
    ]);
    assert_eq!(failed.status.code(), Some(3));
    assert!(
        text(&failed.stderr).contains("it has no `stage`"),
        "{}",
        text(&failed.stderr)
    );
    assert!(!third.exists());
}

#[test]
fn a_comparison_is_a_page_and_pictures_too() {
    let folder = tempfile::tempdir().unwrap();
    let plots = folder.path().join("plots");
    let (a, b) = (
        "tests/cases/report-judge/results",
        "tests/cases/report-compare/after",
    );
    let args = [
        "report",
        "compare",
        a,
        b,
        b,
        "-o",
        "html",
        "--plots",
        plots.to_str().unwrap(),
    ];
    let page = stdout(&args);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script") && !page.contains("src="));
    for number in [1, 2] {
        let svg = fs::read_to_string(plots.join(format!("{number}-shifts.svg"))).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.contains("p99 e2e_scheduled"));
    }
    // A run that is killed is compared by what it has left.
    let killed = run(&[
        "report",
        "compare",
        "tests/cases/report-killed/results",
        "tests/cases/report-killed/results",
    ]);
    assert!(
        text(&killed.stdout).contains("is partial: the run was killed, or goes on"),
        "{}",
        text(&killed.stderr)
    );
}

#[test]
fn inference_perfs_files_are_written_into_a_folder_and_say_what_they_lack() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("reports");
    let results = "tests/cases/report-judge/results";
    let to = into.to_str().unwrap();
    let written = run(&[
        "report",
        "convert",
        results,
        "--to",
        "inference-perf",
        "-o",
        to,
    ]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(into.join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        read("summary_lifecycle_metrics.json")["successes"]["count"],
        240
    );
    assert_eq!(
        read("stage_1_lifecycle_metrics.json")["successes"]["count"],
        154
    );
    let gaps = |name: &str| read(name)["successes"]["latency"]["inter_token_latency"].clone();
    let said = text(&written.stderr);
    assert_eq!(
        gaps("summary_lifecycle_metrics.json").is_null(),
        said.contains("inter_token_latency is null"),
        "{said}"
    );
    let killed = "tests/cases/report-killed/results";
    let written = run(&[
        "report",
        "convert",
        killed,
        "--to",
        "inference-perf",
        "-o",
        to,
    ]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    assert!(
        text(&written.stderr).contains("planned requests left no record"),
        "{}",
        text(&written.stderr)
    );
}

#[test]
fn pictures_are_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let plots = folder.path().join("new/plots");
    let args = [
        "report",
        "html",
        RESULTS,
        "--plots",
        plots.to_str().unwrap(),
    ];
    assert_eq!(stdout(&args), "", "pictures alone leave stdout empty");
    let mut names: Vec<String> = fs::read_dir(&plots)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(
        names.len() == 10 && names.contains(&"ttft-curve.svg".to_owned()),
        "{names:?}"
    );
    for name in names {
        let svg = fs::read_to_string(plots.join(&name)).unwrap();
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")
                && svg.ends_with("</svg>\n"),
            "{name}"
        );
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let output = run(&["report", "html", RESULTS, "-o", "/dev/null/page.html"]);
    assert_eq!(output.status.code(), Some(1));
    let messages = text(&output.stderr);
    assert!(messages.contains("/dev/null/page.html"), "{messages}");
}

#[test]
fn colours_of_the_table_are_asked_for() {
    let args = ["report", "show", RESULTS, "--color=always"];
    assert!(stdout(&args).contains("\u{1b}[33mUNDECIDED"));
    assert!(!stdout(&args[..3]).contains('\u{1b}'));
}
