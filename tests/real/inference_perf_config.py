"""Every config.yml of engine inference-perf through the config model of the real inference-perf 0.2.0: read by its own reader, and
every key that we wrote is one that it knows and has the value that we meant. (It ignores unknown keys in silence.)"""

import importlib.util
import logging
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import yaml

from common import Failures
from rendered import Rendered, by_chance, everything


def reader():
    """`read_config` of inference_perf.config, without the package around it, which imports PyTorch's world."""
    path = distribution("inference-perf").locate_file("inference_perf/config.py")
    spec = importlib.util.spec_from_file_location("inference_perf_config_0_2_0", str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read_config


def lost(written, read, path: str = "") -> list[str]:
    """What was written and is not what was read."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [
            line
            for key, value in written.items()
            for line in (lost(value, read[key], f"{path}.{key}") if key in read else [f"{path}.{key}: unknown to it"])
        ]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        return [line for index, value in enumerate(written) for line in lost(value, read[index], f"{path}[{index}]")]
    return [] if written == read and isinstance(written, bool) == isinstance(read, bool) else [f"{path}: wrote {written!r}, it read {read!r}"]


def test(failures: Failures) -> str:
    return check(failures, everything(failures))


def test_by_chance(failures: Failures) -> str:
    return check(failures, by_chance(failures))


def check(failures: Failures, all_rendered: list[Rendered]) -> str:
    logging.disable(logging.INFO)
    read_config = reader()
    rendered = [item for item in all_rendered if item.engine == "inference-perf"]
    keys = 0
    with tempfile.TemporaryDirectory() as scratch:
        for item in rendered:
            text = item.config()
            path = Path(scratch) / "config.yml"
            path.write_text(text, encoding="utf-8")
            try:
                read = read_config(str(path)).model_dump(mode="json")
            except Exception as error:  # whatever it says is why the pod would fail
                failures.add(f"inference-perf {item.name}", f"{type(error).__name__}: {error}\n{text}")
                continue
            wrong = lost(yaml.safe_load(text), read)
            if wrong:
                failures.add(f"inference-perf {item.name}", "\n".join(wrong))
            keys += text.count(":")
    if not rendered:
        failures.add("inference-perf", "nothing was rendered for it")
    return f"{len(rendered)} configs, about {keys} keys, read by inference-perf 0.2.0"
