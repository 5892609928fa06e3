//! What is written for users: whole or not at all, and nothing of theirs is lost.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::process::{benchctl, run, text};

/// The names of everything below a folder, the folder itself not counted.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap();
            names.push(name.to_str().unwrap().to_owned());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    names.sort();
    names
}

fn render_into(folder: &Path, namespace: &str) -> Output {
    run(&[
        "render",
        "-n",
        namespace,
        "--output-dir",
        folder.to_str().unwrap(),
    ])
}

#[test]
fn a_refused_file_leaves_all_others_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(render_into(folder, "first").status.success());
    let before = names(folder);
    let job = folder.join("benchctl/templates/job.yaml");
    let map = folder.join("benchctl/templates/configmap.yaml");
    let mut rights = fs::metadata(&job).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&job, rights).unwrap();
    let refused = render_into(folder, "second");
    assert_eq!(refused.status.code(), Some(1));
    let messages = text(&refused.stderr);
    assert!(messages.contains("job.yaml: it is read-only"), "{messages}");
    assert!(messages.contains("nothing was written"), "{messages}");
    assert!(!messages.contains("wrote"), "{messages}");
    assert!(fs::read_to_string(&map).unwrap().contains("first"));
    assert_eq!(names(folder), before);

    fs::remove_file(&job).unwrap();
    fs::create_dir(&job).unwrap();
    let refused = render_into(folder, "second");
    assert!(text(&refused.stderr).contains("job.yaml: it is a directory"));
    assert!(fs::read_to_string(&map).unwrap().contains("first"));
    assert_eq!(names(folder), before);

    fs::remove_dir(&job).unwrap();
    assert!(render_into(folder, "second").status.success());
    assert!(fs::read_to_string(&map).unwrap().contains("second"));
    assert_eq!(names(folder), before);
}

/// Runs `benchctl` in a folder where no file can be larger than so many blocks of 512 bytes.
fn with_small_files(folder: &Path, blocks: usize, arguments: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_benchctl");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} {arguments}");
    Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn a_disk_that_fills_up_midway_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for (blocks, arguments, file) in [
        // Two of three files fit.
        (
            4,
            "render --output-dir out",
            "out/benchctl/templates/job.yaml",
        ),
        (4, "man --output-dir pages", "pages/benchctl"),
        (1, "init values.yaml", "values.yaml"),
        (1, "scenario new nightly -O values.yaml", "values.yaml"),
    ] {
        let ran = with_small_files(folder.path(), blocks, arguments);
        let messages = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{arguments}: {messages}");
        let start = format!("error: cannot write {file}");
        assert!(messages.starts_with(&start), "{messages}");
        assert!(messages.contains("file too large"), "{messages}");
        assert!(messages.contains("help: make room"), "{messages}");
        assert_eq!(names(folder.path()), [""; 0], "{arguments}");
    }
}

#[test]
fn what_a_user_has_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine.yaml");
    fs::write(&mine, "mine\n").unwrap();
    let link = folder.path().join("link.yaml");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let trace = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/scenario-fit-azure/trace.csv"
    );
    for args in [
        &["init", "mine.yaml"][..],
        &["init", "link.yaml"],
        &["scenario", "new", "nightly", "-O", "mine.yaml"],
        &["scenario", "fit", trace, "-O", "mine.yaml"],
    ] {
        let output = benchctl(folder.path(), args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let messages = text(&output.stderr);
        assert!(
            messages.contains("exists already") && messages.contains("help: "),
            "{args:?}: {messages}"
        );
    }
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine\n");
    assert_eq!(names(folder.path()), ["link.yaml", "mine.yaml"]);
    let forced = benchctl(folder.path(), &["init", "mine.yaml", "--force"]);
    assert!({ forced }.output().unwrap().status.success());
    assert!(fs::read_to_string(&mine).unwrap().contains("benchmark:"));
    assert_eq!(names(folder.path()), ["link.yaml", "mine.yaml"]);
}
