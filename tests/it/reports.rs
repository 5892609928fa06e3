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
