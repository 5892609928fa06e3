#!/bin/sh
# The whole way on this machine: a server whose timing is known, the guide's own values file, its run and its table.
set -eu
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release"
work=$(mktemp -d)
trap 'kill "$sim" 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM
sim=

say() { printf '\n$ %s\n' "$*" >&2; }

say "loadgen sim --ttft 150ms --itl 8ms &"
"$bin/loadgen" sim --listen 127.0.0.1:0 --address-file "$work/address" --model qwen3-8b \
    --ttft 150ms --ttft-spread 0.3 --itl 8ms --itl-spread 0.1 &
sim=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -s "$work/address" ] && break
    sleep 0.2
done
address=$(cat "$work/address")

say "benchctl render -f examples/custom-production.yaml > manifests.yaml"
"$bin/benchctl" render -f examples/custom-production.yaml > "$work/manifests.yaml"
grep -E '^(kind|  name):' "$work/manifests.yaml" >&2

# The same scenario against the server above, shortened from 15 minutes to 15 seconds and with shorter replies.
set -- -f examples/custom-production.yaml -f examples/demo.yaml --set "benchmark.target.baseUrl=http://$address"
say "benchctl config $* | loadgen -c -"
"$bin/benchctl" config "$@" > "$work/config.yml"
"$bin/loadgen" -c "$work/config.yml" --storage.local_storage.path "$work/results"
