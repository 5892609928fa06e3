"""Runs against OpenAI-compatible servers of others: tokens, usage and TTFT are what the server says to a plain client too."""

import json
import subprocess
import tempfile
from pathlib import Path

from common import BENCHCTL, ENVIRONMENT, LOADGEN, REAL, Failures, NotRun
from openai_servers import KEY, LiteLlm, Llama, Llmock, Server

COUNT = 30
CONFIG = """
api: {{type: {kind}, streaming: {streaming}, headers: {headers}, extra_body: {{temperature: 0}}}}
data: {{type: jsonl, path: "{prompts}",
        output_distribution: {{mean: 16, std_dev: 8, min: 4, max: 32}}}}
load: {{type: concurrent, num_workers: 1, interval: 0, request_timeout: 20, stages: [{{num_requests: {count}, concurrency_level: 1}}]}}
server: {{type: {server_type}, base_url: "{url}", ready_timeout: {ready}}}
report: {{request_lifecycle: {{per_request: true}}}}
storage: {{local_storage: {{path: "{folder}"}}}}
"""
# One request at a time, as the plain client sends them, so that none waits for another: the least TTFT of either cannot be far apart.
FACTOR = 4


def test(failures: Failures) -> str:
    missing = [name for name in ("llmock", "litellm") if not (REAL / "venv/bin" / name).is_file()]
    if missing:
        raise NotRun(f"there is no {' and no '.join(missing)} here")
    return "; ".join(one(failures, kind) for kind in (Llmock, LiteLlm))


def test_llama(failures: Failures) -> str:
    if not Llama.python.is_file():
        raise NotRun("llama-cpp-python is not built here: sh tests/real/install_llama.sh")
    return one(failures, Llama)


def one(failures: Failures, server_class: type[Server]) -> str:
    """Every API of a server, streamed and not."""
    said = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server_class(folder) as server:
            for kind in server.kinds:
                for streaming in (True, False):
                    said.append(compare(failures, server, kind, streaming, folder / f"{kind}-{streaming}"))
            refused(failures, server, folder / "refused")
    return f"{server.name} {', '.join(part for part in said if part)}"


def compare(failures: Failures, server: Server, kind: str, streaming: bool, folder: Path) -> str:
    """A run, and some of its requests once more by the plain client. Returns the least TTFT of either."""
    case = f"servers {server.name} {kind}{' streamed' if streaming else ''}"

    def wrong(why: str) -> None:
        failures.add(case, why)

    ran = load(server, kind, streaming, folder)
    if ran.returncode != 0:
        wrong(f"exit {ran.returncode}\n{ran.stderr}\n{ran.stdout}")
        return ""
    rows = requests(folder)
    bodies = {(one["stage_id"], one["request_index"]): one for one in lifecycle(folder)}
    if len(rows) != COUNT or any(row["outcome"] != "ok" for row in rows) or len(bodies) != COUNT:
        wrong(f"{len(rows)} records, {len(bodies)} bodies; outcomes {sorted({row['outcome'] for row in rows})}")
        return ""
    # The config names no model.
    models = server.models()
    if {json.loads(one["request"])["model"] for one in bodies.values()} != {models[0]}:
        wrong(f"the model is another one than the first of {models}")
    least = None
    for row in rows[:: COUNT // 10]:
        sent = bodies[row["stage"], row["index"]]["request"]
        said = server.ask(kind, sent.encode())
        if why := disagreement(row, said, server, streaming):
            wrong(f"{why}\nof {sent}\n{row}")
        if said.ttft:
            least = min(said.ttft, least or said.ttft)
    if not streaming:
        if any("ttft_s" in row for row in rows):
            wrong("there is a TTFT of a reply that was not streamed")
        return ""
    ours = min(row["ttft_s"] for row in rows)
    if ours < server.wait or not least or not least / FACTOR < ours < least * FACTOR:
        wrong(f"TTFT is at least {ours} s, the client's {least} s, and the server waits for {server.wait} s")
    if any(not row["first_token_ns"] <= row["last_token_ns"] <= row["end_ns"] for row in rows):
        wrong("instants are out of order")
    return f"{kind} {1e3 * ours:.1f}/{1e3 * (least or 0):.1f} ms"


def disagreement(row: dict, said, server: Server, streaming: bool) -> str | None:
    """What a record has other than the client was told."""
    if streaming and row["events"] != said.events:
        return f"{row['events']} events, and the client has {said.events}"
    if streaming and not server.usage_in_streams:
        # One event a token is what is left to count, and the source says so.
        fine = said.usage is None and row["token_source"] != "usage" and row["output_tokens"] == said.events
        fine = fine and row["output_tokens"] == row["output_asked_tokens"] and "input_server_tokens" not in row
        return None if fine else f"usage {said.usage}, {said.events} events"
    told = (said.usage["prompt_tokens"], said.usage["completion_tokens"], "usage")
    has = (row.get("input_server_tokens"), row.get("output_tokens"), row.get("token_source"))
    return None if has == told else f"the record has {has}, usage {told}"


def refused(failures: Failures, server: Server, folder: Path) -> None:
    """A wrong key, where the server looks at keys (LiteLLM without a data base answers 400): nothing is sent, and the run says why."""
    if not isinstance(server, LiteLlm):
        return
    ran = load(server, "chat", True, folder, key="sk-wrong", ready=2)
    if ran.returncode != 7 or "GET /v1/models answers 400" not in ran.stderr:
        failures.add(f"servers {server.name} wrong key", f"exit {ran.returncode}\n{ran.stderr}\n{ran.stdout[:500]}")


def load(server: Server, kind: str, streaming: bool, folder: Path, key: str = KEY, ready: int = 30):
    """A run. Whether this machine keeps the schedule is not what is tested."""
    # Text: not every server takes token ids, which are sent where there is no tokenizer.
    prompts = folder.with_suffix(".jsonl")
    prompts.write_text("".join(json.dumps({"prompt": f"{'word ' * (number % 7)}and number {number}"}) + "\n" for number in range(COUNT)))
    values = {
        "url": server.url,
        "server_type": server.server_type,
        "headers": json.dumps(server.headers),
        "count": COUNT,
        "prompts": prompts,
    }
    config = CONFIG.format(kind=kind, streaming=str(streaming).lower(), folder=folder, ready=ready, **values)
    return subprocess.run(
        [LOADGEN, "-c", "-", "--fail-on", "slo,inconclusive,error"],
        input=config,
        env={**ENVIRONMENT, "OPENAI_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=120,
    )


def requests(folder: Path) -> list[dict]:
    """The records of a run, in the order of its plan."""
    command = [BENCHCTL, "report", "convert", folder, "--to", "jsonl"]
    said = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True).stdout
    return sorted(map(json.loads, said.splitlines()), key=lambda row: (row["stage"], row["index"]))


def lifecycle(folder: Path) -> list[dict]:
    """What was sent, body and all."""
    return json.loads((folder / "per_request_lifecycle_metrics.json").read_text())
