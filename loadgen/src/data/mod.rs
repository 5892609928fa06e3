//! Data sets: prompts and conversations that were written by people, read from files.
//!
//! A file is gone through once before the run: every entry is looked at, so that what is wrong with one is said before time
//! zero, and where it stands is kept. The entries themselves are read again when their request is made, and so take no memory.

mod choose;
mod item;
mod scan;
mod set;
pub mod source;

pub use choose::{Choice, Chosen, Limits, Needed, choose};
pub use item::Item;
pub use set::{DataError, DataSet};
