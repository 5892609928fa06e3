//! The whole of `benchctl render`: whatever is given renders to manifests that can be read back, or the user is told why not.
#![no_main]

use std::sync::LazyLock;

use benchctl::chart::Chart;
use benchctl::pipeline::{Checked, Skip, Wanted};
use benchctl::values::load;
use benchctl_fuzz::{must_be_the_users, sources};
use libfuzzer_sys::fuzz_target;

static CHART: LazyLock<Chart> = LazyLock::new(|| Chart::built_in().expect("it is right"));

fuzz_target!(|bytes: &[u8]| {
    let Some(sources) = sources(bytes) else {
        return;
    };
    let wanted = Wanted {
        with_namespace: true,
        ..Wanted::default()
    };
    let checked = Checked::new(&CHART, load(&sources), Skip::default());
    match checked.whole(&CHART, wanted) {
        Ok(whole) => assert_eq!(whole.rendered.documents.len(), whole.objects.len()),
        Err(refused) => {
            assert!(refused.problems.iter().any(|problem| problem.is_error()));
            must_be_the_users(&refused.problems);
        }
    }
});
