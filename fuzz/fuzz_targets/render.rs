//! The whole of `benchctl render`: whatever is given renders to manifests that can be read back, or the user is told why not.
#![no_main]

use benchctl::chart::Chart;
use benchctl::pipeline::{Skip, Wanted, manifests, merge, run};
use benchctl_fuzz::{must_be_the_users, sources};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(sources) = sources(bytes) else {
        return;
    };
    let Ok(chart) = Chart::built_in() else {
        panic!("the built-in chart cannot be read");
    };
    let wanted = Wanted {
        with_namespace: true,
        ..Wanted::default()
    };
    let mut merged = match merge(&chart, &sources, Skip::default()) {
        Ok(merged) => merged,
        Err(problems) => return must_be_the_users(&problems),
    };
    let run = match run(&chart, &mut merged) {
        Ok(run) => run,
        Err(problems) => return must_be_the_users(&problems),
    };
    match manifests(&chart, &run, &mut merged, wanted) {
        Ok((rendered, objects)) => assert_eq!(rendered.documents.len(), objects.len()),
        Err((problems, _)) => must_be_the_users(&problems),
    }
});
