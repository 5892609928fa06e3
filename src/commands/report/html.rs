//! `benchctl report html`.

use std::path::Path;

use bench_report::{page, plot};

use super::super::files::{NewFile, write_all};
use super::records::current;
use crate::output::{Failure, Output};

/// The page, to a file or to stdout; pictures, to a folder. With pictures alone, no page.
pub(super) fn run(
    path: &str,
    file: Option<&Path>,
    plots: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    let report = current(path, "nothing was written", output)?;
    let mut files: Vec<NewFile> = Vec::new();
    if let Some(folder) = plots {
        let pictures = plot::files(&report);
        if pictures.is_empty() {
            output.note("the report holds nothing that a picture could be drawn from");
        }
        files.extend(
            pictures
                .into_iter()
                .map(|(name, svg)| (folder.join(name), svg)),
        );
    }
    let pictures = files.len();
    let to_stdout = match file {
        Some(file) => file.as_os_str() == "-",
        None => plots.is_none(),
    };
    if let Some(file) = file.filter(|_| !to_stdout) {
        files.push((file.to_owned(), page::html(&report)));
    }
    write_all(&files)?;
    if let Some(folder) = plots.filter(|_| pictures > 0) {
        output.note(&format!(
            "wrote {pictures} pictures into {}",
            folder.display()
        ));
    }
    if to_stdout {
        return output.data(&page::html(&report));
    }
    if let Some(file) = file {
        output.note(&format!("wrote {}", file.display()));
    }
    Ok(())
}
