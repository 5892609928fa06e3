//! `benchctl schema`.

use bench_contract::{config_schema, report_schema};

use crate::cli::{SchemaArgs, SchemaOf};
use crate::output::{Failure, Output};
use crate::scenario::values_schema;

pub(super) fn run(args: &SchemaArgs, output: &Output) -> Result<(), Failure> {
    let schema = match args.of {
        SchemaOf::Values => values_schema(),
        SchemaOf::Config => config_schema(),
        SchemaOf::Report => report_schema(),
    };
    output.data(&format!("{schema:#}\n"))
}
