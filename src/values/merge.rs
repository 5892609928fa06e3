//! Helm's two merges: user values among themselves, and the result over the defaults.

use bench_yaml::pointer_push;

use super::effective::Deleted;
use super::layer::Location;
use super::tree::{Data, Fields, Item};

/// Merges one layer of user values over another. Mappings merge key by key; everything else, null and lists included,
/// replaces what was there.
pub(crate) fn merge_maps(base: &mut Fields, over: Fields) {
    for (key, item) in over.into_entries() {
        match (base.get_mut(&key), item) {
            (
                Some(Item {
                    data: Data::Map(below),
                    place,
                }),
                Item {
                    data: Data::Map(above),
                    place: newer,
                },
            ) => {
                merge_maps(below, above);
                *place = newer;
            }
            (_, item) => base.insert(key, item),
        }
    }
}

/// Lays user values over defaults. Keys of the defaults come first. A null of the user deletes a default, which
/// `deleted` then lists; nulls among the defaults vanish.
///
/// The outermost level differs from the others in one point: there a null also meets a default that is null, and
/// both vanish, while below the user's null stays.
pub(crate) fn coalesce(defaults: &Fields, user: &Fields, deleted: &mut Vec<Deleted>) -> Fields {
    let mut result = Fields::default();
    for (key, default) in defaults.iter() {
        match user.get(key) {
            Some(item) if item.is_null() && default.is_null() => {}
            over => place_over(&mut result, "", key, default, over, deleted),
        }
    }
    add_rest(&mut result, defaults, user);
    result
}

fn coalesce_below(
    defaults: &Fields,
    user: &Fields,
    pointer: &str,
    deleted: &mut Vec<Deleted>,
) -> Fields {
    let mut result = Fields::default();
    for (key, default) in defaults.iter() {
        place_over(&mut result, pointer, key, default, user.get(key), deleted);
    }
    add_rest(&mut result, defaults, user);
    result
}

fn place_over(
    result: &mut Fields,
    parent: &str,
    key: &str,
    default: &Item,
    user: Option<&Item>,
    deleted: &mut Vec<Deleted>,
) {
    let mut pointer = parent.to_owned();
    pointer_push(&mut pointer, key);
    match (&default.data, user) {
        (Data::Null, None) => {}
        (_, None) => result.insert(key.to_owned(), without_nulls(default)),
        (Data::Null, Some(item)) => result.insert(key.to_owned(), item.clone()),
        (_, Some(item)) if item.is_null() => {
            deleted.push(Deleted {
                pointer,
                location: Location::from(&item.place),
                default: default.to_json(),
            });
        }
        (
            Data::Map(below),
            Some(Item {
                data: Data::Map(above),
                place,
            }),
        ) => {
            let fields = coalesce_below(below, above, &pointer, deleted);
            result.insert(
                key.to_owned(),
                Item {
                    data: Data::Map(fields),
                    place: place.clone(),
                },
            );
        }
        (_, Some(item)) => result.insert(key.to_owned(), item.clone()),
    }
}

fn add_rest(result: &mut Fields, defaults: &Fields, user: &Fields) {
    for (key, item) in user.iter().filter(|(key, _)| defaults.get(key).is_none()) {
        result.insert(key.to_owned(), item.clone());
    }
}

/// A default without the nulls of its mappings; lists stay as they are.
fn without_nulls(item: &Item) -> Item {
    let Data::Map(fields) = &item.data else {
        return item.clone();
    };
    let mut kept = Fields::default();
    for (key, item) in fields.iter().filter(|(_, item)| !item.is_null()) {
        kept.insert(key.to_owned(), without_nulls(item));
    }
    Item {
        data: Data::Map(kept),
        place: item.place.clone(),
    }
}
