"""The hooks of .pre-commit-hooks.yaml, run by the real pre-commit in a repository of their own: one file that is fine, one that is
not, one whose name is none of theirs."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from common import BENCHCTL, ENVIRONMENT, REAL, ROOT, Failures, NotRun, run

GOOD = "benchmark:\n  scenario: production\n"
BAD = "benchmark:\n  scenerio: production\n"
CASES = [
    ("good.bench.yaml", GOOD, 0, ["Passed"]),
    ("benchctl-bad.yaml", BAD, 1, ["Failed", "benchctl-bad.yaml:2:3", "did you mean `scenario`"]),
    ("other.yaml", BAD, 0, ["Skipped"]),
]
SOURCE, HOME = REAL / "pre-commit-source", REAL / "pre-commit"
PRE_COMMIT = str(REAL / "venv/bin/pre-commit")


def test_system(failures: Failures) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "bin"
        path.mkdir()
        (path / "benchctl").symlink_to(BENCHCTL.resolve())
        name = "benchctl-validate-system"
        command = [PRE_COMMIT, "try-repo", str(SOURCE), name, "--verbose"]
        return hook(failures, name, command, {"PATH": f"{path}:{ENVIRONMENT['PATH']}"})


def test_rust(failures: Failures) -> str:
    # cargo and rustup live in the home. The compiled dependencies are kept for the next time.
    kept = {"CARGO_TARGET_DIR": str(REAL / "pre-commit-target"), "HOME": os.environ["HOME"]}
    for name in ("CARGO_HOME", "RUSTUP_HOME"):
        if name in os.environ:
            kept[name] = os.environ[name]
    # As users have it, in a config with a `rev`: `try-repo` would build anew for every file.
    return hook(failures, "benchctl-validate", [PRE_COMMIT, "run", "--verbose"], kept)


def hook(failures: Failures, name: str, command: list[str], extra: dict[str, str]) -> str:
    if run(BENCHCTL, "validate", "--help").returncode != 0:
        raise NotRun("benchctl has no `validate`")
    if not (ROOT / ".git").exists():
        raise NotRun("this is no Git repository, which pre-commit takes hooks from")
    environment = {
        **ENVIRONMENT,
        "PRE_COMMIT_HOME": str(HOME),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PRE_COMMIT_COLOR": "never",
        **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        **extra,
    }

    def call(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    for stale in (SOURCE, HOME):
        shutil.rmtree(stale, ignore_errors=True)
    # The commit as it is, whatever lies in the work tree: that is what a user's `rev:` gets.
    cloned = call("git", "clone", "--quiet", "--no-hardlinks", "--depth", "1", f"file://{ROOT}", str(SOURCE), cwd=REAL)
    if cloned.returncode != 0:
        failures.add(f"pre-commit {name}", f"git clone: {cloned.stderr}")
        return ""
    # Changes of the hooks file are tried before they are committed.
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", SOURCE)
    call("git", "commit", "--quiet", "--all", "--message", "Hooks as they are", cwd=SOURCE)
    rev = call("git", "rev-parse", "HEAD", cwd=SOURCE).stdout.strip()
    with tempfile.TemporaryDirectory() as scratch:
        users = Path(scratch)
        call("git", "init", "--quiet", cwd=users)
        config = f"repos: [{{repo: {SOURCE}, rev: {rev}, hooks: [{{id: {name}}}]}}]\n"
        (users / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
        for file, text, _, _ in CASES:
            (users / file).write_text(text, encoding="utf-8")
        call("git", "add", ".", cwd=users)
        for file, _, code, words in CASES:
            done = call(*command, "--files", file, cwd=users)
            said = done.stdout + done.stderr
            missing = [word for word in words if word not in said]
            if done.returncode != code or missing:
                failures.add(
                    f"pre-commit {name} {file}", f"exit code {done.returncode}, wanted {code}; missing {missing}\n{said}"
                )
    return f"{name}: {len(CASES)} files in a repository of their own"
