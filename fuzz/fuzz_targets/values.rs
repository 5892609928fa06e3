//! Values files and `--set` arguments of all kinds over defaults: merged, or refused with a message that can be drawn.
#![no_main]

use bench_yaml::Source;
use benchctl::values::{Layer, fold_on, load};
use benchctl_fuzz::{must_be_the_users, sources};
use libfuzzer_sys::fuzz_target;

const DEFAULTS: &str = "a: {x: 1, z: 2, w: null}\nl: [1, 2, 3]\ns: str\nm: {k: v}\nempty: {}\nnul: null\nstages: [{rate: 1, duration: 300}]\n";

fuzz_target!(|bytes: &[u8]| {
    let Some(sources) = sources(bytes) else {
        return;
    };
    let defaults =
        Layer::parse("defaults", &Source::new("defaults", DEFAULTS)).expect("they are right");
    let effective = fold_on(&[defaults], load(&sources));
    must_be_the_users(effective.problems());
    let json = effective.json();
    for (pointer, layer) in effective.leaves() {
        assert!(
            json.pointer(&pointer).is_some(),
            "{pointer} is no leaf of the result"
        );
        assert_eq!(effective.layer_of(&pointer), Some(&*layer));
        let place = effective.locate(&pointer).expect("a leaf has a place");
        let _ = place.source.slice(place.value_span);
    }
    let _ = effective.user_supplied();
});
