"""The folder of a short run against the simulator."""

import subprocess
import time
from pathlib import Path

from common import LOADGEN, run

CONFIG = """
api: {{type: completion, streaming: true}}
data: {{type: synthetic, input_distribution: {{mean: 64, std_dev: 16, min: 16, max: 128}},
        output_distribution: {{mean: 16, std_dev: 4, min: 4, max: 32}}}}
load: {{type: poisson, num_workers: 1, interval: 0, stages: [{{rate: 20, duration: 2}}, {{rate: 40, duration: 2}}]}}
server: {{type: vllm, model_name: sim, base_url: "http://{address}", ignore_eos: true}}
storage: {{local_storage: {{path: "{results}"}}}}
slo: [{{metric: ttft_scheduled, percentile: 95, max: 1s}}]
"""


def measured(folder: Path) -> Path:
    """Runs the load of two stages, of which every tenth request fails, and gives the results' folder, in `folder`."""
    address, results = folder / "address", folder / "results"
    sim = subprocess.Popen(
        [LOADGEN, "sim", "--listen", "127.0.0.1:0", "--address-file", address, "--fault-500", "0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (address.is_file() and address.read_text()):
            if sim.poll() is not None:
                raise RuntimeError("loadgen sim has ended")
            time.sleep(0.05)
        config = CONFIG.format(address=address.read_text().strip(), results=results)
        done = run(LOADGEN, "-c", "-", stdin=config)
    finally:
        sim.kill()
        sim.wait()
    if not (results / "report.html").is_file():
        raise RuntimeError(f"loadgen has written no page\n{done.stderr}")
    return results
