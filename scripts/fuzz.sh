#!/bin/sh
# Fuzzes with the stable compiler: `scripts/fuzz.sh [SECONDS for each target] [TARGET...]`. fuzz/README.md says how it works.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- values render yaml http sse

host=$(rustc -vV | sed -n 's/^host: //p')
# Coverage for libFuzzer by the pass that comes with LLVM, which needs no unstable flag. --target keeps the flags away from build
# scripts.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$host"
bin="${CARGO_TARGET_DIR:-fuzz/target}/$host/release"
[ "$seconds" != build ] || exit 0

failed=
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    log="fuzz/artifacts/$target.log"
    echo "== $target for $seconds s"
    seeds="fuzz/seeds/$target"
    [ "$target" != yaml ] || seeds="examples scenarios tests/real/values tests/real/refused"
    # shellcheck disable=SC2086
    if nice -n 15 "$bin/$target" "fuzz/corpus/$target" $seeds "-artifact_prefix=fuzz/artifacts/$target/" \
        "-max_total_time=$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        > "$log" 2>&1; then
        grep -E 'number_of_executed_units|average_exec_per_sec' "$log"
        grep -E 'cov: ' "$log" | tail -n 1
    else
        failed="$failed $target"
        tail -n 40 "$log"
    fi
done
rm -f /dev/shm/benchctl-fuzz-*
[ -z "$failed" ] || { echo "found something:$failed (inputs in fuzz/artifacts)" >&2; exit 1; }
