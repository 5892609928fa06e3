# What people and CI call. Everything here needs a Rust toolchain, make and a C compiler, and nothing else.

.PHONY: demo test lint build truth bench schemas

# The whole way on this machine: a simulated server, a rendered scenario, its run, its table.
demo: build
	sh scripts/demo.sh

# Everything that a change has to pass.
test:
	cargo test --workspace --locked

# Formatting and lints, warnings as errors.
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

build:
	cargo build --release --locked

# How far the measured latencies are from a server's whose timing is known.
truth:
	cargo bench --locked -p loadgen --bench truth

# What a token, a planned request and an arrival cost.
bench:
	cargo bench --locked -p loadgen --bench sse --bench plan

# Write schemas/*.json again after a change of the types that they are generated from.
schemas:
	UPDATE_SCHEMAS=1 cargo test --locked --test it schemas
