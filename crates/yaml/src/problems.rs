//! The problems of one text, bounded: nobody reads the thousandth, and drawing it takes time.

use crate::diagnostic::{Diagnostic, Severity};

/// How many are kept of each severity.
const MOST: usize = 100;

/// Collects problems and counts those that it does not keep.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Diagnostic) {
        let count = match problem.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MOST {
            self.kept.push(problem);
        }
    }

    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Diagnostic>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    pub(crate) fn last(&self) -> Option<&Diagnostic> {
        self.kept.last()
    }

    /// The problems in order of place. The last one says how many more there are.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.kept.sort_by_key(|problem| problem.span.start);
        let more = (self.errors + self.warnings).saturating_sub(self.kept.len());
        if more > 0
            && let Some(last) = self.kept.last_mut()
        {
            last.notes
                .push(format!("{more} more problems in this text are not shown"));
        }
        self.kept
    }
}
