"""The same values files and --set flags, given to real Helm and to benchctl: the values that come out are the same, but for
what differences.py lists."""

import json
import re
import shlex
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from common import BENCHCTL, HELM, HERE, ROOT, Failures, NotRun, has_flag, run
from differences import DIFFERENCES

FLAGS = {
    "files": "-f",
    "json": "--set-json",
    "set": "--set",
    "string": "--set-string",
    "file": "--set-file",
    "literal": "--set-literal",
}
# Modes of tests/conformance/values-cases.jsonl.
MODES = {"set": "set", "set-string": "string", "set-json": "json", "set-literal": "literal", "merge": "files"}


def same(helm, ours) -> bool:
    """Equal as JSON. Helm has no integers in files, so that one beyond 2^53 is compared as the float that it went through."""
    if isinstance(helm, bool) or isinstance(ours, bool):
        return helm is ours
    if isinstance(helm, (int, float)) and isinstance(ours, (int, float)):
        return helm == ours or float(helm) == float(ours)
    if isinstance(helm, list) and isinstance(ours, list):
        return len(helm) == len(ours) and all(map(same, helm, ours))
    if isinstance(helm, dict) and isinstance(ours, dict):
        return helm.keys() == ours.keys() and all(same(value, ours[key]) for key, value in helm.items())
    return type(helm) is type(ours) and helm == ours


def arguments(case: dict) -> list[str]:
    return [part for kind, flag in FLAGS.items() for value in case.get(kind, []) for part in (flag, value)]


class Suite:
    def __init__(self, failures: Failures, scratch: Path) -> None:
        self.failures = failures
        self.scratch = scratch
        self.counts: Counter[str] = Counter()
        self.charts = 0
        self.bare = self.chart("")

    def chart(self, defaults: str) -> Path:
        """The chart with other defaults."""
        self.charts += 1
        path = self.scratch / f"chart-{self.charts}"
        shutil.copytree(HERE / "chart", path)
        (path / "values.yaml").write_text(defaults, encoding="utf-8")
        return path

    def helm(self, chart: Path, case: dict):
        """The values, or the words of an error."""
        done = run(HELM, "template", chart, *arguments(case), stdin=case.get("stdin"))
        if done.returncode != 0:
            return None, done.stderr
        printed = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return json.loads(printed[0]), ""

    def benchctl(self, chart: Path | None, case: dict):
        """The values over the defaults of the chart, or without one only the user's."""
        of = ["--chart", chart] if chart else ["--chart", self.bare, "--user-supplied"]
        command = [BENCHCTL, "values", "--skip-schema-validation", "-o", "json", *of, *arguments(case)]
        done = run(*command, stdin=case.get("stdin"))
        if done.returncode == 0:
            values = json.loads(done.stdout)
            # The key of chart/scenarios.
            return {key: value for key, value in values.items() if key != "own"}, ""
        if done.returncode not in (1, 2, 3) or done.stdout:
            return None, f"exit code {done.returncode}, {len(done.stdout)} bytes on stdout\n{done.stderr}"
        return None, done.stderr

    def check(self, name: str, case: dict, defaults: Path | None, allowed: set[str]) -> None:
        """Compares the user's values, or with `defaults` the values over them."""
        helm, helm_said = self.helm(defaults or self.bare, case)
        ours, ours_said = self.benchctl(defaults, case)
        agrees = same(helm, ours) if None not in (helm, ours) else helm is ours
        wanted = case.get("differs")
        if agrees and wanted is None:
            self.counts["agree"] += 1
            return
        for key in [wanted] if wanted else sorted(allowed):
            if shows(key, case, (helm, helm_said), (ours, ours_said)):
                self.counts[key] += 1
                return
        why = f"listed as different ({wanted}), but " + ("agrees" if agrees else "not in that way") if wanted else "differs"
        self.failures.add(
            f"values {name}: {shlex.join(arguments(case))}",
            f"{why}\nhelm      {json.dumps(helm, ensure_ascii=False)[:2000]} {helm_said[:500].strip()}\n"
            f"benchctl  {json.dumps(ours, ensure_ascii=False)[:2000]} {ours_said[:1500].strip()}",
        )


def shows(key: str, case: dict, helm, ours) -> bool:
    """Whether what came out is this difference, and not some other one."""
    (helm, helm_said), (ours, ours_said) = helm, ours
    difference = DIFFERENCES[key]
    if difference.code:
        codes = set(re.findall(r"^error\[(\w+)\]", ours_said, re.M))
        return ours is None and helm is not None and codes == {difference.code}
    if difference.helm:
        if helm is not None or difference.helm not in helm_said:
            return False
        return ours is not None and ("ours" not in case or exactly(case["ours"], ours))
    # Over defaults only the keys that the case is about are written down.
    about = ours if ours is None or "over" not in case else {name: ours.get(name) for name in case["ours"]}
    return "ours" in case and exactly(case["ours"], about) and not exactly(helm, ours)


def exactly(wanted, ours) -> bool:
    return json.dumps(wanted, sort_keys=True) == json.dumps(ours, sort_keys=True)


def cases_of_the_table(suite: Suite):
    """The table that the unit tests run without Helm: real Helm has to agree with it, too, that is, with itself."""
    for line in (ROOT / "tests/conformance/values-cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["mode"] not in MODES:
            continue
        mode, texts, given = MODES[case["mode"]], case["inputs"], {}
        if mode == "files":
            given["files"] = [write(suite, f"{case['id']}-{index}", text) for index, text in enumerate(texts)]
        else:
            given[mode] = texts
        if case["base_yaml"] is not None:
            given.setdefault("files", []).insert(0, write(suite, f"{case['id']}-base", case["base_yaml"]))
        yield case, given


def write(suite: Suite, name: str, text: str) -> str:
    path = suite.scratch / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test(failures: Failures) -> str:
    return compare(failures, is_long=False)


def test_pairs(failures: Failures) -> str:
    """The same, and every values file over every other one."""
    return compare(failures, is_long=True)


def compare(failures: Failures, is_long: bool) -> str:
    if not has_flag("values", "--chart"):
        raise NotRun("benchctl values has no --chart")
    with tempfile.TemporaryDirectory() as scratch:
        suite = Suite(failures, Path(scratch))
        listed = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
        defaults = suite.chart((HERE / "chart/values.yaml").read_text(encoding="utf-8"))
        jobs = []

        def both(name: str, case: dict, allowed=frozenset()) -> None:
            over = case.get("over")
            if over is None:
                jobs.append((name, case, None, allowed))
            # Over defaults an index may reach into a list of theirs; the cases that show it say so.
            if over or "differs" not in case:
                jobs.append((f"{name} over defaults", case, defaults, allowed))

        for index, case in enumerate(listed["cases"]):
            both(f"case {index + 1}", case)
        for path in sorted((HERE / "values").iterdir()):
            for index, case in enumerate(listed["lists"]):
                both(f"{path.name} list {index + 1}", {**case, "files": [f"values/{path.name}"]}, {"null parent"})
        names = [path.name for path in sorted((HERE / "values").iterdir())] if is_long else []
        for below in names:
            for above in names:
                both(f"{below} {above}", {"files": [f"values/{below}", f"values/{above}"]})
        for path in sorted((HERE / "refused").iterdir()):
            both(path.name, {"files": [f"refused/{path.name}"]})
        for path in sorted((ROOT / "examples").glob("*.yaml")):
            both(path.name, {"files": [str(path)]})
        by_code = {key for key, difference in DIFFERENCES.items() if difference.code or difference.helm}
        for case, given in cases_of_the_table(suite):
            if case["chart_defaults_yaml"] is None:
                jobs.append((f"table {case['id']}", given, None, by_code))
            # 320 is in cases.yaml, as the difference that it is.
            elif case["id"] != 320:
                jobs.append((f"table {case['id']}", given, suite.chart(case["chart_defaults_yaml"]), by_code))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda job: suite.check(*job), jobs))
        agree = suite.counts.pop("agree", 0)
        differ = ", ".join(f"{count} {key}" for key, count in sorted(suite.counts.items()))
        return f"{len(jobs)} sets of values, {agree} as Helm has them; deliberately not: {differ}"
