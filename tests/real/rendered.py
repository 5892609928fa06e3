"""Everything that the repository renders: each example and each preset, with each engine that can run it; and what its property
test renders by chance."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from common import BENCHCTL, ROOT, Failures, run

ENGINES = ("loadgen", "inference-perf")


@dataclass(frozen=True)
class Rendered:
    name: str
    engine: str
    text: str
    # The objects as benchctl reads its own text.
    objects: str

    @property
    def slug(self) -> str:
        return "".join(c if c.isalnum() else "-" for c in self.name)

    def config(self) -> str:
        """The text of config.yml, as a Pod would find it."""
        maps = [document for document in yaml.safe_load_all(self.text) if document["kind"] == "ConfigMap"]
        return maps[0]["data"]["config.yml"]


def is_rendered(case: Path) -> bool:
    """Whether a case is one of the built-in chart that prints manifests, and not one of a message."""
    arguments = (case.parent / "args").read_text(encoding="utf-8").split()
    printed = case.parent / "expected.out"
    return printed.is_file() and "kind:" in printed.read_text(encoding="utf-8") and "--chart" not in arguments


def inputs() -> list[tuple[str, list[str]]]:
    presets = yaml.safe_load(run(BENCHCTL, "values", cwd=ROOT).stdout)["benchmark"]["scenarios"]
    found = [(f"preset {name}", ["--scenario", name]) for name in presets]
    cases = sorted(case for case in (ROOT / "tests/cases").glob("render-*/values.yaml") if is_rendered(case))
    files = sorted((ROOT / "examples").glob("*.yaml")) + cases
    return found + [(str(path.relative_to(ROOT)), ["-f", str(path)]) for path in files]


@cache
def everything(failures: Failures) -> list[Rendered]:
    """Renders all, once. An input that no engine can run is a failure."""
    done, refused = [], {}
    for name, arguments in inputs():
        for engine in ENGINES:
            set_engine = ["--set-json", f"benchmark.engine={json.dumps(engine)}"]
            command = [BENCHCTL, "render", "--create-namespace", *arguments, *set_engine]
            output = run(*command, cwd=ROOT)
            if output.returncode == 0:
                if output.stdout:
                    objects = json.loads(run(*command, "-o", "json", cwd=ROOT).stdout)["items"]
                    done.append(Rendered(f"{name} ({engine})", engine, output.stdout, json.dumps(objects)))
                continue
            refused.setdefault(name, []).append(output.stderr)
            if output.returncode != 3 or output.stdout:
                failures.add(f"render {name} ({engine})", f"exit code {output.returncode}\n{output.stderr}")
    for name, said in refused.items():
        if len(said) == len(ENGINES):
            failures.add(f"render {name}", "no engine can run it\n" + "\n".join(said))
    return done


@cache
def by_chance(failures: Failures) -> list[Rendered]:
    """What the property test of whole values files renders, with another seed than its own."""
    with tempfile.TemporaryDirectory() as scratch:
        wishes = {"KEEP_RENDERED": scratch, "PROPTEST_CASES": "400", "PROPTEST_RNG_SEED": "2"}
        command = ["cargo", "test", "--locked", "--package", "benchctl", "--test", "it", "random::"]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **wishes}, capture_output=True, text=True)
        if done.returncode != 0:
            failures.add("by chance", done.stdout[-4000:] + done.stderr[-4000:])
        rendered = []
        for path in sorted(Path(scratch).glob("*.yaml")):
            text, objects = path.read_text(encoding="utf-8"), path.with_suffix(".json").read_text(encoding="utf-8")
            engine = next(engine for engine in ENGINES if f"name: {engine}\n" in text)
            rendered.append(Rendered(f"by chance {path.stem}", engine, text, objects))
    if len(rendered) < 100:
        failures.add("by chance", f"only {len(rendered)} were rendered")
    return rendered
