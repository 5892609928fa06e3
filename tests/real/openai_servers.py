"""OpenAI-compatible servers of others on loopback, and a plain client that says what they say."""

import http.client
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from common import ENVIRONMENT, REAL
from store_servers import wait_for

KEY = "sk-5e1f0c7a94b2d83640fa"
# What goes anywhere but to loopback goes nowhere.
ENVIRONMENT_OF_SERVERS = {
    **ENVIRONMENT,
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
    "LITELLM_MASTER_KEY": KEY,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
}
LITELLM = """
model_list:
  - model_name: quick-fox
    litellm_params:
      model: openai/quick-fox
      api_key: none
      mock_response: The quick brown fox jumps over the lazy dog and sleeps for a while under the old oak tree by the river.
litellm_settings: {telemetry: false}
"""


class Server:
    """A server: how it is started, and what it can do."""

    name = ""
    kinds = ("chat",)
    # Whether its streams end in `usage`.
    usage_in_streams = True
    # Which keys of a request it knows, by the kind of server that has them.
    server_type = "openai"
    # Headers that it insists on.
    headers: dict[str, str] = {}
    # No token comes sooner, in seconds: what it is told to wait.
    wait = 0.0
    patience = 30.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self) -> list:
        raise NotImplementedError

    def __enter__(self) -> "Server":
        self.log = self.folder / "log"
        command = [str(part) for part in self.command()]
        with self.log.open("w") as log:
            self.child = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT_OF_SERVERS, stdout=log, stderr=log)
        try:
            wait_for(lambda: self.models(), alive=self.child, patience=self.patience)
        except RuntimeError:
            self.__exit__()
            words = self.log.read_text(errors="replace")[-1500:]
            raise RuntimeError(f"{self.name} is not ready after {self.patience:.0f} s; it has said\n{words}") from None
        return self

    def __exit__(self, *_) -> None:
        self.child.kill()
        self.child.wait()

    def models(self) -> list[str]:
        """The names in /v1/models; none while it starts."""
        request = urllib.request.Request(f"{self.url}/v1/models", headers={"Authorization": f"Bearer {KEY}"})
        try:
            return [model["id"] for model in json.load(urllib.request.urlopen(request, timeout=5))["data"]]
        except (OSError, http.client.HTTPException, ValueError):
            return []

    def ask(self, kind: str, body: bytes) -> "Said":
        """Sends a body and reads the reply."""
        return ask(self.port, kind, body)


class Llmock(Server):
    """llmock, on uvicorn: a stream of words, one a write."""

    name, wait = "llmock", 0.02

    def command(self) -> list:
        pace = ["--latency-ms", 20, "--stream-chunk-delay-ms", 3]
        return [REAL / "venv/bin/llmock", "serve", "--host", "127.0.0.1", "--port", self.port, "--response-style", "varied", *pace]


class LiteLlm(Server):
    """LiteLLM's proxy, with a key, in front of a model that says one sentence; its last chunk has both a choice and `usage`."""

    name, kinds, patience = "litellm", ("chat", "completion"), 90.0

    def command(self) -> list:
        config = self.folder / "config.yaml"
        config.write_text(LITELLM)
        return [REAL / "venv/bin/litellm", "--config", config, "--host", "127.0.0.1", "--port", self.port]


class Llama(Server):
    """llama-cpp-python: a model that does the sums, of random weights. It has no `usage` in streams, and takes `max_tokens` alone."""

    name, kinds, usage_in_streams = "llama-cpp-python", ("chat", "completion"), False
    server_type = "vllm"
    # It answers 400 without a word to a request id that is no UUID of version 4.
    headers = {"x-request-id": "0d8e4f5a-3c1b-4e7a-9f60-2b7d1c5a8e94"}
    python = REAL / "llama/bin/python"

    def command(self) -> list:
        model = self.folder / "tiny.gguf"
        subprocess.run([self.python, Path(__file__).with_name("gguf_model.py"), model], check=True, timeout=60)
        flags = {"model": model, "model_alias": "tiny", "host": "127.0.0.1", "port": self.port, "n_ctx": 2048, "n_threads": 1}
        # One thread: several spin while they wait for each other, and stand still for seconds where others want the CPU.
        # By default each request ends the reply to the one before.
        flags["interrupt_requests"] = "false"
        return [self.python, "-m", "llama_cpp.server", *(part for name, value in flags.items() for part in (f"--{name}", value))]


class Said:
    """What a reply says: `usage`, how many events had text in them, and when the first of them came, in seconds from the send."""

    def __init__(self, usage: dict | None, events: int | None, ttft: float | None) -> None:
        self.usage, self.events, self.ttft = usage, events, ttft


def ask(port: int, kind: str, body: bytes) -> Said:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    route = "/v1/chat/completions" if kind == "chat" else "/v1/completions"
    began = time.perf_counter()
    connection.request("POST", route, body, {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"})
    reply = connection.getresponse()
    if reply.status != 200:
        raise RuntimeError(f"{route} answers {reply.status}: {reply.read()[:300]!r}")
    if not json.loads(body).get("stream"):
        return Said(json.loads(reply.read()).get("usage"), None, None)
    usage, events, ttft = None, 0, None
    while line := reply.readline():
        if not line.startswith(b"data: ") or line.strip() == b"data: [DONE]":
            continue
        chunk = json.loads(line[6:])
        usage = chunk.get("usage") or usage
        if any(choice.get("text") or (choice.get("delta") or {}).get("content") for choice in chunk["choices"]):
            events += 1
            ttft = ttft or time.perf_counter() - began
    connection.close()
    return Said(usage, events, ttft)
