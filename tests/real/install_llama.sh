#!/bin/sh
# Builds llama-cpp-python and its server into target/real/llama and nowhere else: minutes, once, for `make test-real-all`.
set -eu
cd "$(dirname "$0")/../.."
real=target/real/llama
here=tests/real

fail() { printf 'test-real: %s\n' "$*" >&2; exit 1; }

wanted=$(cat "$here/install_llama.sh" "$here/llama.txt" | cksum)
if [ -f "$real/installed" ] && [ "$(cat "$real/installed")" = "$wanted" ] && "$real/bin/python" -c 'import llama_cpp' 2> /dev/null; then
    exit 0
fi
command -v c++ > /dev/null || fail "a C++ compiler is needed (Debian: apt-get install g++)"
echo "test-real: building llama-cpp-python into $real (once, some five minutes, about 180 MB)" >&2
rm -rf "$real"
"${PYTHON:-python3}" -m venv "$real" || fail "the module venv is needed (Debian: apt-get install python3-venv)"
# No instructions that only this machine has, no threads of OpenMP, no pictures.
CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=2 \
    "$real/bin/python" -m pip --disable-pip-version-check --quiet --no-cache-dir --retries 1 --timeout 20 install \
    --no-deps --no-binary llama-cpp-python -r "$here/llama.txt" ||
    fail "pip could not get or build a package (its words are above). The first run needs the Python package index, or a mirror of it in
PIP_INDEX_URL; every later one works offline."
printf '%s\n' "$wanted" > "$real/installed"
