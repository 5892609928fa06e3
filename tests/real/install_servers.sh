#!/bin/sh
# Puts the servers that `servers.py` starts beside what install.sh has put into target/real: once, about 700 MB.
set -eu
cd "$(dirname "$0")/../.."
real=target/real
list=tests/real/servers.txt

wanted=$(cksum < "$list")
if [ -f "$real/servers" ] && [ "$(cat "$real/servers")" = "$wanted" ] && [ -x "$real/venv/bin/litellm" ]; then
    exit 0
fi
echo "test-real: installing servers of others into $real (once, about 700 MB)" >&2
# Without what they depend on besides: servers.txt says why.
"$real/venv/bin/python" -m pip --disable-pip-version-check --quiet --no-cache-dir --retries 1 --timeout 20 install --no-deps \
    --only-binary :all: -r "$list" || {
    printf 'test-real: pip could not get a package (its words are above)\n' >&2
    exit 1
}
printf '%s\n' "$wanted" > "$real/servers"
