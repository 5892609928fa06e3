"""Uploads of real runs to a real S3 server: nothing is lost, and nothing is silent."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from common import BENCHCTL, ENVIRONMENT, LOADGEN, Failures, NotRun, run
from store_servers import WEED, Cutter, Sim, Weed, wait_for

CONFIG = """
api: {{type: completion, streaming: true}}
data: {{type: synthetic, input_distribution: {{mean: {tokens}, std_dev: 0, min: {tokens}, max: {tokens}}},
        output_distribution: {{mean: 4, std_dev: 0, min: 4, max: 4}}}}
load: {{type: constant, num_workers: 1, interval: 0, stages: [{{rate: {rate}, duration: {duration}}}]}}
server: {{type: vllm, model_name: sim, base_url: "http://{sim}", ignore_eos: true, ready_timeout: 10}}
report: {{request_lifecycle: {{per_request: {per_request}}}}}
storage:
  local_storage: {local}
  simple_storage_service: {{bucket_name: {bucket}, path: "{path}", region_name: us-east-1, endpoint_url: "{url}",
                           if_exists: {if_exists}}}
"""

FILES = {
    "config.yaml",
    "report.json",
    "report.html",
    "requests.jsonl.zst",
    "summary_lifecycle_metrics.json",
    "stage_0_lifecycle_metrics.json",
}


def test(failures: Failures) -> str:
    if not WEED.is_file():
        raise NotRun("there is no seaweedfs here")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Weed(folder) as weed, Sim(folder) as sim:
            bench = Bench(failures, folder, weed, sim)
            for part in (
                uploads,
                exists,
                refused,
                large,
                cut,
                restarted,
                killed,
                gone,
                reads,
            ):
                part(bench)
            version = subprocess.run([WEED, "version"], capture_output=True, text=True).stdout.split()
    return f"{bench.count} runs with {' '.join(version[1:4])}"


class Bench:
    """What every part needs, and the runs it makes."""

    def __init__(self, failures: Failures, folder: Path, weed: "Weed", sim: "Sim") -> None:
        self.failures, self.folder, self.weed, self.sim, self.count = failures, folder, weed, sim, 0

    def config(self, path: str, **more) -> str:
        values = {
            "tokens": 32,
            "rate": 50,
            "duration": 0.5,
            "per_request": "false",
            "local": "null",
            "bucket": "results",
            "url": self.weed.url,
            "if_exists": "fail",
            "sim": self.sim.address,
            "path": path,
        }
        return CONFIG.format(**{**values, **more})

    def start(self, config: str, *flags: str, key: str | None = "writer") -> subprocess.Popen:
        self.count += 1
        environment = {**ENVIRONMENT, "TMPDIR": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true"}
        if key:
            environment |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": f"{key}-secret"}
        said = self.folder / f"stderr-{self.count}"
        child = subprocess.Popen(
            # Whether this machine keeps the schedule is not what is tested.
            [LOADGEN, "-c", "-", *(flags or ("--fail-on", "slo,inconclusive,error"))],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said.open("w"),
            text=True,
        )
        child.said = said
        child.stdin.write(config)
        child.stdin.close()
        child.stdin = None
        return child

    def run(self, config: str, *flags: str, key: str | None = "writer") -> "Ran":
        return ended(self.start(config, *flags, key=key))

    def expect(self, case: str, holds: bool, ran: "Ran") -> None:
        if not holds:
            self.failures.add(f"stores {case}", f"exit {ran.code}\n{ran.stderr}\n{ran.stdout[:300]}")

    def has_all(self, case: str, path: str, ran: "Ran") -> None:
        there = set(self.weed.list(path))
        if there != FILES:
            self.failures.add(f"stores {case}", f"{path} has {sorted(there)}\n{ran.stderr}")


class Ran:
    """A run that has ended."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code, self.stdout, self.stderr = code, stdout, stderr

    def says(self, *parts: str) -> bool:
        return all(part in self.stderr for part in parts)

    def folder(self) -> Path:
        """Where it says that its results are on this machine."""
        return Path(re.findall(r"^results in (.+)$", self.stderr, re.M)[-1])


def ended(child: subprocess.Popen) -> Ran:
    try:
        stdout, _ = child.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise RuntimeError(f"a run does not end; it has said\n{child.said.read_text()}") from None
    return Ran(child.returncode, stdout, child.said.read_text())


def wait_until_said(child: subprocess.Popen, part: str) -> None:
    wait_for(lambda: part in child.said.read_text(), alive=child, patience=90)


def uploads(bench: Bench) -> None:
    ran = bench.run(bench.config("a/{run_id}"))
    path = re.search(r"uploaded to s3://results/(a/\S+)", ran.stderr)
    bench.expect("upload", ran.code == 0 and path is not None and "results in" not in ran.stderr, ran)
    # Where they are until then is said at once: a run that is killed says nothing more.
    kept = re.search(r"results are in (\S+) until they are uploaded", ran.stderr)
    bench.expect("kept", kept is not None and Path(kept[1]).parent == bench.folder, ran)
    if path:
        bench.has_all("upload", path[1], ran)
    if list(bench.folder.glob("loadgen-*")):
        bench.failures.add("stores upload", "its temporary folder is still there")
    local = bench.folder / "kept"
    ran = bench.run(bench.config("kept", local=f'{{path: "{local}"}}'))
    bench.expect("beside a folder", ran.code == 0, ran)
    for name in FILES:
        if bench.weed.get(f"kept/{name}") != (local / name).read_bytes():
            bench.failures.add("stores bytes", f"{name} is another one in the store")


def exists(bench: Bench) -> None:
    before = {name: bench.weed.get(f"kept/{name}") for name in FILES}
    asked = bench.sim.requests()
    ran = bench.run(bench.config("kept"))
    bench.expect("exists", ran.code == 1 and ran.stdout == "" and ran.says("kept/config.yaml exists", "if_exists"), ran)
    if bench.sim.requests() != asked or {name: bench.weed.get(f"kept/{name}") for name in FILES} != before:
        bench.failures.add("stores exists", "a run that cannot be uploaded was begun, or has changed another one's files")
    ran = bench.run(bench.config("kept", if_exists="suffix"))
    bench.expect("suffix", ran.code == 0 and ran.says("go to s3://results/kept-2"), ran)
    bench.has_all("suffix", "kept-2", ran)
    ran = bench.run(bench.config("kept", if_exists="suffix"))
    bench.expect("suffix again", ran.code == 0 and ran.says("go to s3://results/kept-3"), ran)
    if {name: bench.weed.get(f"kept/{name}") for name in FILES} != before:
        bench.failures.add("stores suffix", "it has changed the files of another run")
    ran = bench.run(bench.config("kept", if_exists="overwrite"))
    bench.expect("overwrite", ran.code == 0, ran)
    if bench.weed.get("kept/report.json") == before["report.json"]:
        bench.failures.add("stores overwrite", "the report is the earlier run's")
    # An earlier run of which one file is left.
    bench.weed.put("orphan/report.json", b"old")
    ran = bench.run(bench.config("orphan"))
    bench.expect("orphan", ran.code == 1 and ran.says("not uploaded: report.json;", "orphan/report.json exists"), ran)
    if bench.weed.get("orphan/report.json") != b"old":
        bench.failures.add("stores orphan", "it was replaced")
    if "report.json" not in os.listdir(ran.folder()):
        bench.failures.add("stores orphan", "the report is nowhere")


def refused(bench: Bench) -> None:
    for case, key, more, parts in [
        ("wrong key", "nobody", {}, ("error: s3://results/x", "403 InvalidAccessKeyId", "renew the credentials")),
        ("no right", "reader", {}, ("403 AccessDenied", "s3:PutObject")),
        ("no bucket", "writer", {"bucket": "elsewhere"}, ("error: s3://elsewhere/x", "40")),
        ("no credentials", None, {}, ("no credentials", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")),
    ]:
        asked, began = bench.sim.requests(), time.monotonic()
        ran = bench.run(bench.config("x", **more), key=key)
        fine = ran.code == 1 and ran.stdout == "" and ran.says("nothing was sent", *parts)
        bench.expect(case, fine and bench.sim.requests() == asked and time.monotonic() - began < 10, ran)
    # Who does not count errors has the run, its report, and a word.
    ran = bench.run(bench.config("x"), "--fail-on", "slo,inconclusive", key="reader")
    bench.expect("error left out", ran.code == 0 and ran.says("warning: s3://results/x", "not uploaded: "), ran)
    if not FILES <= set(os.listdir(ran.folder())):
        bench.failures.add("stores error left out", "not all files are in the folder that it names")


def large(bench: Bench) -> None:
    local = bench.folder / "large"
    more = {"tokens": 8000, "rate": 500, "duration": 3, "per_request": "true", "local": f'{{path: "{local}"}}'}
    ran = bench.run(bench.config("large", **more))
    name = "per_request_lifecycle_metrics.json"
    size = (local / name).stat().st_size
    if size < 64 << 20:
        bench.failures.add("stores large", f"{name} has {size} bytes, too few to be uploaded in parts")
    bench.expect("large", ran.code == 0, ran)
    if bench.weed.get(f"large/{name}") != (local / name).read_bytes():
        bench.failures.add("stores large", f"{name} is another one in the store\n{ran.stderr}")
    bench.weed.put(f"large-orphan/{name}", b"old")
    ran = bench.run(bench.config("large-orphan", **more))
    bench.expect("large orphan", ran.code == 1 and ran.says(f"not uploaded: {name};", f"large-orphan/{name} exists"), ran)
    if bench.weed.get(f"large-orphan/{name}") != b"old":
        bench.failures.add("stores large orphan", "it was replaced")


def cut(bench: Bench) -> None:
    """Two connections are cut in mid-upload: heads have some 700 bytes, and no file is smaller than the rest."""
    with Cutter(bench.weed.port, [0, 1000, 1000]) as cutter:
        ran = bench.run(bench.config("cut", url=f"http://127.0.0.1:{cutter.port}"))
        bench.expect("cut", ran.code == 0 and cutter.cuts == 2, ran)
        bench.has_all("cut", "cut", ran)


def restarted(bench: Bench) -> None:
    """The server is killed while the load goes on and comes back when uploads have failed."""
    child = bench.start(bench.config("back", duration=1))
    wait_for(lambda: bench.weed.list("back") == ["config.yaml"])
    bench.weed.kill()
    wait_until_said(child, "not uploaded yet: s3://results/back: it cannot be reached")
    bench.weed.start()
    ran = ended(child)
    bench.expect("restarted", ran.code == 0, ran)
    bench.has_all("restarted", "back", ran)


def killed(bench: Bench) -> None:
    """The server is killed in the middle of a part of a large file, and comes back."""
    local = bench.folder / "killed"
    more = {"tokens": 8000, "rate": 500, "duration": 3, "per_request": "true", "local": f'{{path: "{local}"}}'}
    # No other file has so many bytes.
    with Cutter(bench.weed.port, [5_000_000] * 20, once=bench.weed.kill) as cutter:
        child = bench.start(bench.config("killed", url=f"http://127.0.0.1:{cutter.port}", **more))
        wait_until_said(child, "not uploaded yet: s3://results/killed")
        bench.weed.start()
        ran = ended(child)
    bench.expect("killed", ran.code == 0 and cutter.cuts > 0, ran)
    for name in (*FILES, "per_request_lifecycle_metrics.json"):
        if bench.weed.get(f"killed/{name}") != (local / name).read_bytes():
            bench.failures.add("stores killed", f"{name} is another one in the store\n{ran.stderr}")


def gone(bench: Bench) -> None:
    """The server does not come back, and the process is asked to end."""
    child = bench.start(bench.config("gone", duration=1))
    wait_for(lambda: bench.weed.list("gone") == ["config.yaml"])
    bench.weed.kill()
    wait_until_said(child, "not uploaded yet: s3://results/gone: it cannot be reached")
    child.send_signal(signal.SIGTERM)
    wait_until_said(child, "once more to give up")
    child.send_signal(signal.SIGTERM)
    ran = ended(child)
    bench.weed.start()
    parts = ("giving up the uploads", "not uploaded: ", "cannot be reached", "report.json", "attempts")
    bench.expect("gone", ran.code == 1 and ran.says(*parts), ran)
    there = set(os.listdir(ran.folder()))
    verdict = json.loads((ran.folder() / "report.json").read_text())["verdict"]
    if not FILES <= there or verdict["exit_code"] != 1:
        bench.failures.add("stores gone", f"{sorted(there)}, verdict {verdict}")


def reads(bench: Bench) -> None:
    def show(address: str, key: str = "reader"):
        environment = {
            **ENVIRONMENT,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": f"{key}-secret",
            "AWS_ENDPOINT_URL_S3": bench.weed.url,
        }
        command = [BENCHCTL, "report", "show", address]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    bench.weed.put("prefixed/x-report.json", bench.weed.get("kept/report.json"))
    file = bench.folder / "fetched.json"
    file.write_bytes(bench.weed.get("kept/report.json"))
    table = run(BENCHCTL, "report", "show", file).stdout
    for address in ("s3://results/kept", "s3://results/kept/", "s3://results/kept/report.json", "s3://results/prefixed"):
        shown = show(address)
        if shown.returncode != 0 or shown.stdout != table or not table:
            bench.failures.add(f"report show {address}", f"exit {shown.returncode}\n{shown.stderr}")
    for address, key, part in [
        ("s3://results/nothing", "reader", "there is no report.json"),
        ("s3://results/kept", "writer", "s3:GetObject"),
        ("s3://results/kept", "nobody", "InvalidAccessKeyId"),
    ]:
        shown = show(address, key)
        if shown.returncode != 1 or shown.stdout or part not in shown.stderr:
            bench.failures.add(f"report show {address} as {key}", f"exit {shown.returncode}\n{shown.stderr}")
