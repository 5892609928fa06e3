//! `benchctl`, the binary: everything is in the library.

fn main() -> std::process::ExitCode {
    benchctl::commands::main().into()
}
