"""What PyYAML and kubectl read in everything that is rendered is what benchctl's own reader reads in it: manifests, and for PyYAML the
config.yml in them. (PyYAML is the reader of inference-perf, and takes more of YAML 1.1 literally than those of Helm and kubectl.)"""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from common import BENCHCTL, KUBECTL, Failures, run
from rendered import Rendered, by_chance, everything

# With it kubectl prints what it has read, without a cluster.
MARK = "benchctl/read"


def test(failures: Failures) -> str:
    return compare(failures, everything(failures))


def test_by_chance(failures: Failures) -> str:
    return compare(failures, by_chance(failures))


def compare(failures: Failures, rendered: list[Rendered]) -> str:
    scalars = 0
    with ThreadPoolExecutor(2) as pool:
        for item, (objects, said) in zip(rendered, pool.map(kubectls, rendered)):
            lines = differences("kubectl", objects, json.loads(item.objects))
            if lines:
                failures.add(f"kubectl {item.name}", "\n".join(lines) + said)
    for item in rendered:
        try:
            theirs = list(yaml.safe_load_all(item.text))
            config = yaml.safe_load(item.config())
        except yaml.YAMLError as error:
            failures.add(f"PyYAML {item.name}", f"{error}\n{item.text}")
            continue
        for what, theirs, ours in [("manifests", theirs, json.loads(item.objects)), ("config.yml", config, own(item))]:
            lines = differences("PyYAML", theirs, ours)
            if lines:
                failures.add(f"PyYAML {item.name} {what}", "\n".join(lines))
            scalars += count(ours)
    return f"{len(rendered)} renderings, {scalars} scalars"


def own(item: Rendered):
    """The config.yml as benchctl reads it: as a file of values that nobody checks."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "config.yml"
        path.write_text(item.config(), encoding="utf-8")
        read = ["values", "--user-supplied", "--skip-schema-validation", "-o", "json"]
        done = run(BENCHCTL, *read, "-f", path)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def kubectls(item: Rendered) -> tuple[list, str]:
    """The objects as kubectl reads them, and what else it said."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "rendered.yaml"
        path.write_text(item.text, encoding="utf-8")
        done = run(KUBECTL, "annotate", "--local", "-o", "json", "-f", path, f"{MARK}=x")
    decoder, rest, objects = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        read, end = decoder.raw_decode(rest)
        annotations = read["metadata"]["annotations"]
        del annotations[MARK]
        if not annotations:
            del read["metadata"]["annotations"]
        objects.append(read)
        rest = rest[end:].lstrip()
    return objects, done.stderr


def differences(who: str, theirs, ours, path: str = "") -> list[str]:
    """Where two values or their types differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.keys() == ours.keys():
        return [line for key, value in theirs.items() for line in differences(who, value, ours[key], f"{path}.{key}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [line for index, pair in enumerate(zip(theirs, ours)) for line in differences(who, *pair, f"{path}[{index}]")]
    # 1.0 is 1 to Go.
    is_same = type(theirs) is type(ours) or who == "kubectl" and {type(theirs), type(ours)} == {int, float}
    return [] if is_same and theirs == ours else [f"{path}: {who} reads {theirs!r}, benchctl {ours!r}"]


def count(value) -> int:
    if isinstance(value, (dict, list)):
        return sum(map(count, value.values() if isinstance(value, dict) else value))
    return 1
