"""The charts that the real inference-perf 0.2.0 draws from our files (`inference-perf --analyze`): all of them, without a complaint,
of the figures that report.json has."""

import importlib.util
import json
import logging
import tempfile
from importlib.metadata import distribution
from pathlib import Path

from common import Failures
from measured import measured

CHARTS = ("latency_vs_qps.png", "throughput_vs_qps.png", "throughput_vs_latency.png")


class Complaints(logging.Handler):
    """What it says that is more than news."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def analyzer():
    """`inference_perf.analysis.analyze`, without the package around it, which imports PyTorch's world."""
    path = distribution("inference-perf").locate_file("inference_perf/analysis/analyze.py")
    spec = importlib.util.spec_from_file_location("inference_perf_analyze_0_2_0", str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test(failures: Failures) -> str:
    module, complaints = analyzer(), Complaints()
    module.logger.addHandler(complaints)
    draw, drawn = module._generate_plot, []

    def watched(charts, *rest, **named):
        drawn.extend(charts)
        return draw(charts, *rest, **named)

    module._generate_plot = watched
    with tempfile.TemporaryDirectory() as name:
        results = measured(Path(name))
        module.analyze_reports(str(results))
        for chart in CHARTS:
            if not (results / chart).is_file() or (results / chart).stat().st_size < 10_000:
                failures.add(f"analyze {chart}", "it has not been drawn")
        stages = json.loads((results / "report.json").read_text())["stages"]
    if complaints.lines:
        failures.add("analyze", "\n".join(complaints.lines))
    ttft = next((chart["data"] for chart in drawn if "First Token" in chart["title"]), [])
    means = [1e3 * stage["metrics"]["ttft"]["mean"] for stage in stages]
    if len(ttft) != 2 or any(abs(y / mean - 1) > 1e-6 for (_, y), mean in zip(ttft, means)):
        failures.add("analyze ttft", f"it draws {ttft}, and the report has {means} ms")
    return f"{len(drawn)} plots in {len(CHARTS)} charts by inference-perf 0.2.0"
