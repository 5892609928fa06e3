"""`make test-real`: benchctl beside the programs that its users have. Names of suites as arguments choose among them."""

import sys
import time

import data
import helm_values
import inference_perf_analyze
import inference_perf_config
import kube_versions
import loadgen_check
import manifests
import page
import precommit
import servers
import stores
import yaml_readers
from common import BENCHCTL, Failures, NotRun

SUITES = {
    "values": helm_values.test,
    "manifests": manifests.test,
    "yaml": yaml_readers.test,
    "kube-versions": kube_versions.test,
    "config": inference_perf_config.test,
    "analyze": inference_perf_analyze.test,
    "loadgen": loadgen_check.test,
    "data": data.test,
    "page": page.test,
    "stores": stores.test,
    "pre-commit": precommit.test_system,
}
# What takes minutes.
LONG = {
    "values-pairs": helm_values.test_pairs,
    "manifests-random": manifests.test_by_chance,
    "yaml-random": yaml_readers.test_by_chance,
    "config-random": inference_perf_config.test_by_chance,
    "loadgen-random": loadgen_check.test_by_chance,
    "servers": servers.test,
    "servers-llama": servers.test_llama,
    "pre-commit-rust": precommit.test_rust,
}


def main(chosen: list[str]) -> int:
    if not BENCHCTL.is_file():
        print(f"test-real: {BENCHCTL} is missing: make build", file=sys.stderr)
        return 1
    suites = {**SUITES, **LONG}
    names = list(suites) if chosen == ["all"] else chosen or list(SUITES)
    unknown = [name for name in names if name not in suites]
    if unknown:
        print(f"test-real: no suite {', '.join(unknown)}; there are {', '.join(suites)}", file=sys.stderr)
        return 2
    failures, missing = Failures(), 0
    for name in names:
        before, began = failures.count, time.monotonic()
        try:
            said = suites[name](failures)
            verdict = "ok" if failures.count == before else f"{failures.count - before} FAILED"
        except NotRun as why:
            said, verdict = str(why), "NOT RUN"
            missing += 1
        print(f"{name:16} {verdict:9} {time.monotonic() - began:5.1f} s  {said}", flush=True)
    # A part that cannot run yet is no reason to stop others at their work, and no issue is resolved with one.
    return 1 if failures.count or (missing and chosen == ["all"]) else 0


sys.exit(main(sys.argv[1:]))
