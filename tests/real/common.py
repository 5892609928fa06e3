"""What the suites share: the programs, and the report of a failure."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/real"
REAL = ROOT / "target/real"
HELM, KUBECTL = REAL / "bin/helm", REAL / "bin/kubectl"
BENCHCTL = Path(
    os.environ.get("BENCHCTL") or (ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/benchctl")
)
LOADGEN = BENCHCTL.with_name("loadgen")

# Neither the user's own settings nor a cluster may change what is tested.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": str(REAL / "home"),
    "KUBECONFIG": os.devnull,
    "HELM_CACHE_HOME": str(REAL / "home"),
    "HELM_CONFIG_HOME": str(REAL / "home"),
    "HELM_DATA_HOME": str(REAL / "home"),
}


def run(*command, stdin: str | None = None, cwd: Path = HERE) -> subprocess.CompletedProcess[str]:
    """Runs a program and returns what it said."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


def has_flag(command: str, flag: str) -> bool:
    """Whether a command of benchctl has this flag."""
    return flag in run(BENCHCTL, command, "--help").stdout


class NotRun(Exception):
    """Why a suite cannot run yet. Everything has to run in `make test-real-all`."""


class Failures:
    """Collects what is wrong and says it at the end."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, case: str, why: str) -> None:
        self.count += 1
        print(f"FAILED {case}\n    " + why.strip().replace("\n", "\n    "), file=sys.stderr)
