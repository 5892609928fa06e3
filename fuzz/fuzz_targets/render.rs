//! The whole of `benchctl render`: whatever is given renders to manifests that can be read back, or the user is told why not.
#![no_main]

use std::sync::LazyLock;

use benchctl::chart::Chart;
use benchctl::pipeline::{Skip, Wanted, manifests, merge, run};
use benchctl_fuzz::{must_be_the_users, sources};
use libfuzzer_sys::fuzz_target;

static CHART: LazyLock<Chart> = LazyLock::new(|| Chart::built_in().expect("it is right"));

fuzz_target!(|bytes: &[u8]| {
    let Some(sources) = sources(bytes) else {
        return;
    };
    let mut merged = match merge(&CHART, &sources, Skip::default()) {
        Ok(merged) => merged,
        Err(problems) => return must_be_the_users(&problems),
    };
    let run = match run(&CHART, &mut merged) {
        Ok(run) => run,
        Err(problems) => return must_be_the_users(&problems),
    };
    let wanted = Wanted {
        with_namespace: true,
        ..Wanted::default()
    };
    match manifests(&CHART, &run, &mut merged, wanted) {
        Ok((rendered, objects)) => assert_eq!(rendered.documents.len(), objects.len()),
        Err((problems, _)) => must_be_the_users(&problems),
    }
});
