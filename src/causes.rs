//! Which problems follow from others. What is wrong in itself is said once; what would be said only because of it is not.

use bench_yaml::{Diagnostic, Source, Span, codes as yaml, pointer_tokens};

use crate::diagnostics::locate;
use crate::problem::{Anchor, Problem};
use crate::values::{Effective, Location};

/// Mappings whose entries have nothing to do with each other. In all others one may decide what the next one means: a
/// type, a rate and its duration, a name and its key.
const UNRELATED: [&str; 13] = [
    "",
    "/benchmark",
    "/benchmark/api",
    "/benchmark/goodput",
    "/benchmark/job",
    "/benchmark/nodeSelector",
    "/benchmark/podAnnotations",
    "/benchmark/podLabels",
    "/benchmark/resources/limits",
    "/benchmark/resources/requests",
    "/benchmark/scenarios",
    "/benchmark/target",
    "/benchmark/target/headers",
];

/// Values that cannot be believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Causes {
    /// Pointers of values that are wrong or stand in for wrong ones, with all below them.
    pointers: Vec<String>,
    /// Pointers of mappings with a key that means nothing: what is missing in them may be there under that name.
    mappings: Vec<String>,
    /// Places that the reader of YAML complained about.
    places: Vec<(Source, Span)>,
    /// Whether there are values that nobody knows: of a file or an argument that cannot be read.
    is_unread: bool,
}

impl Causes {
    /// What reading left open.
    pub(crate) fn of_reading(problems: &[Diagnostic]) -> Self {
        let mut causes = Self::default();
        for problem in problems.iter().filter(|problem| problem.is_error()) {
            causes.is_unread |= !leaves_the_rest(problem);
            if let Some(source) = &problem.source {
                causes.places.push((source.clone(), problem.span));
            }
        }
        causes
    }

    /// Whether everything can be believed.
    pub(crate) fn is_empty(&self) -> bool {
        self.pointers.is_empty()
            && self.mappings.is_empty()
            && self.places.is_empty()
            && !self.is_unread
    }

    /// A value that cannot be believed.
    pub(crate) fn add(&mut self, pointer: impl Into<String>) {
        self.pointers.push(pointer.into());
    }

    /// An error of a value's shape: what its neighbours mean may depend on it.
    pub(crate) fn add_shape(&mut self, problem: &Problem) {
        let Some(pointer) = problem.pointer() else {
            return;
        };
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        if problem.code == "B101" {
            self.mappings.push(parent.to_owned());
            self.pointers.extend(problem.absent.clone());
        } else if UNRELATED.contains(&parent) {
            self.add(pointer);
        } else {
            self.add(parent);
        }
    }

    /// An error of what a value means.
    pub(crate) fn add_meaning(&mut self, problem: &Problem) {
        self.pointers.extend(problem.pointer().map(str::to_owned));
    }

    /// Whether a value cannot be believed.
    pub(crate) fn cover(&self, pointer: &str) -> bool {
        self.pointers
            .iter()
            .any(|cause| is_within(pointer, cause) || is_within(cause, pointer))
    }

    /// Whether a problem may be there only because of these values.
    pub(crate) fn explain(&self, problem: &Problem, effective: Option<&Effective>) -> bool {
        if self.is_empty() {
            return false;
        }
        // What is wrong whatever else there is.
        if self.is_unread && !matches!(problem.code, "B101" | "B103" | "B106" | "B130") {
            return true;
        }
        // Nobody knows which value is behind it.
        if matches!(problem.anchor, Anchor::Text(..) | Anchor::Nowhere) {
            return true;
        }
        let anchor = problem.pointer();
        let absent = problem.absent.as_deref();
        // What is missing in a mapping has nothing to do with what else is in it.
        let anchor_counts = absent.is_none() || problem.code != "B111";
        let place = absent.or(anchor);
        // An unknown key is one, whatever stands behind it.
        let effective = effective.filter(|_| !matches!(problem.code, "B101" | "K101"));
        anchor.is_some_and(|anchor| self.mappings.iter().any(|mapping| mapping == anchor))
            || anchor
                .filter(|_| anchor_counts)
                .into_iter()
                .chain(absent)
                .chain(problem.related.iter().map(|(pointer, _)| pointer.as_str()))
                .chain(depends_on(problem, place).iter().copied())
                .any(|pointer| self.cover(pointer) || self.is_read_there(pointer, effective))
    }

    /// Whether the reader complained about the value at a pointer, or about what is around it or in it.
    fn is_read_there(&self, pointer: &str, effective: Option<&Effective>) -> bool {
        if self.places.is_empty() {
            return false;
        }
        let Some((location, _)) = effective.and_then(|effective| locate(effective, pointer)) else {
            return false;
        };
        self.places
            .iter()
            .any(|(source, span)| location.source == *source && overlaps(&location, *span))
    }
}

/// Whether all other values are known beside this problem of reading.
fn leaves_the_rest(problem: &Diagnostic) -> bool {
    matches!(
        problem.code,
        yaml::AMBIGUOUS
            | yaml::DUPLICATE_KEY
            | yaml::NUMBER
            | yaml::TAG
            | yaml::KEY
            | yaml::UNKNOWN_ANCHOR
    )
}

fn overlaps(location: &Location, span: Span) -> bool {
    let is_in = |inner: Span, outer: Span| outer.start <= inner.start && inner.end <= outer.end;
    [Some(location.value_span), location.key_span]
        .into_iter()
        .flatten()
        .any(|own| is_in(span, own) || is_in(own, span))
}

/// Values elsewhere that decide whether there is a problem.
fn depends_on(problem: &Problem, place: Option<&str>) -> &'static [&'static str] {
    const NAME: [&str; 4] = [
        "/nameOverride",
        "/fullnameOverride",
        "/benchmark/scenario",
        "/benchmark/job/nameSuffix",
    ];
    if problem.code == "K203" {
        return &NAME;
    }
    let steps: Vec<String> = pointer_tokens(place.unwrap_or_default()).skip(1).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    match steps.as_slice() {
        ["slo", ..] | ["scenarios", _, "slo", ..] => {
            &["/benchmark/api/streaming", "/benchmark/goodput"]
        }
        ["target", "tls", ..] => &["/benchmark/target/baseUrl"],
        ["volumeMounts", ..] => &["/benchmark/volumes"],
        ["affinity", ..] => &["/benchmark/target/baseUrl", "/benchmark/namespace"],
        ["job", "activeDeadlineSeconds"] => &["/benchmark/scenario", "/benchmark/scenarios"],
        _ => &[],
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(code: &'static str, pointer: &str) -> Causes {
        let mut causes = Causes::default();
        causes.add_shape(&Problem::value(code, pointer, "x"));
        causes
    }

    fn at(pointer: &str) -> Problem {
        Problem::value("B121", pointer, "y")
    }

    #[test]
    fn sections_do_not_hide_each_other() {
        let causes = shape("B103", "/benchmark/target/baseUrl");
        assert!(causes.explain(&at("/benchmark/target/baseUrl"), None));
        assert!(causes.explain(&at("/benchmark/affinity/mode"), None));
        assert!(!causes.explain(&at("/benchmark/target/apiKeySecret"), None));
        assert!(!causes.explain(&at("/benchmark/namespace"), None));
        let causes = shape("B103", "/benchmark/seed");
        assert!(causes.explain(&at("/benchmark/seed"), None));
        assert!(!causes.explain(&at("/benchmark/target/baseUrl"), None));
        let causes = shape("B103", "/benchmark/scenarios/a/data/type");
        assert!(causes.explain(&at("/benchmark/scenarios/a/data/path"), None));
        assert!(causes.explain(&at("/benchmark/job/activeDeadlineSeconds"), None));
        assert!(!causes.explain(&at("/benchmark/scenarios/a/load/stages/0"), None));
        assert!(!causes.explain(&at("/benchmark/scenarios/ab/data/type"), None));
        assert!(causes.explain(&Problem::error("B901", Anchor::Nowhere, "a template"), None));
        assert!(!Causes::default().explain(&at("/benchmark/seed"), None));
    }

    #[test]
    fn an_unknown_key_explains_what_is_missing_beside_it() {
        let mut causes = Causes::default();
        let mut unknown = Problem::key("B101", "/benchmark/slo/0/percentil", "unknown");
        unknown.absent = Some("/benchmark/slo/0/percentile".to_owned());
        causes.add_shape(&unknown);
        assert!(causes.explain(&at("/benchmark/slo/0"), None));
        assert!(causes.explain(&at("/benchmark/slo/0/percentile"), None));
        assert!(!causes.explain(&at("/benchmark/slo/0/max"), None));
        assert!(!causes.explain(&at("/benchmark/slo/1"), None));
    }

    #[test]
    fn what_could_not_be_read_leaves_only_what_is_wrong_in_itself() {
        let problem = Diagnostic::error(crate::values::codes::FILE, "not found");
        let causes = Causes::of_reading(&[problem]);
        assert!(causes.explain(&at("/benchmark/seed"), None));
        let unknown = Problem::key("B101", "/benchmark/engin", "unknown");
        assert!(!causes.explain(&unknown, None));
    }
}
