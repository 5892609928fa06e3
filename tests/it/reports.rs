//! `benchctl report`: pages and pictures as files.

use std::fs;

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

#[test]
fn inference_perfs_files_are_those_that_loadgen_writes() {
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
