"""What runs that upload talk to: a real server of S3, the server under test, and a proxy that cuts connections."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from common import LOADGEN, REAL

WEED = REAL / "venv/bin/weed"

# One who may only put objects, as the policy in docs/stores.md has it, and one who may only look.
KEYS = {"writer": ["Write:results"], "reader": ["Read:results", "List:results"]}


class Weed:
    """A server of S3 with a bucket `results`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "weed"
        self.folder.mkdir()
        self.port, self.filer, *others = free_ports(4)
        self.others = others
        self.url = f"http://127.0.0.1:{self.port}"
        identities = [
            {"name": name, "credentials": [{"accessKey": name, "secretKey": f"{name}-secret"}], "actions": actions}
            for name, actions in KEYS.items()
        ]
        (self.folder / "s3.json").write_text(json.dumps({"identities": identities}))

    def __enter__(self) -> "Weed":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    def start(self) -> None:
        flags = {
            "dir": self.folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.port": self.port,
            "filer.port": self.filer,
            "master.port": self.others[0],
            "volume.port": self.others[1],
            "webdav": "false",
            "admin.ui": "false",
            "s3.autoCreateBucket": "false",
            "bucket": "results",
            "s3.config": self.folder / "s3.json",
        }
        self.log = open(self.folder / "log", "a")
        command = [WEED, "mini", *(f"-{name}={value}" for name, value in flags.items())]
        self.child = subprocess.Popen(command, cwd=self.folder, stdout=self.log, stderr=self.log)
        wait_for(self.is_ready, alive=self.child)

    def is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.filer}/buckets/results/", timeout=2).read()
            urllib.request.urlopen(self.url, timeout=2).read()
        except urllib.error.HTTPError as error:
            return error.code == 403
        except OSError:
            return False
        return True

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        self.log.close()

    def filer_url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.filer}/buckets/results/{path}"

    def get(self, path: str) -> bytes | None:
        until = time.monotonic() + 30
        while True:
            try:
                return urllib.request.urlopen(self.filer_url(path), timeout=30).read()
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                # It lists files after a start before it can read them.
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)

    def put(self, path: str, data: bytes) -> None:
        request = urllib.request.Request(self.filer_url(path), data=data, method="PUT")
        urllib.request.urlopen(request, timeout=30).read()

    def list(self, folder: str) -> list[str]:
        request = urllib.request.Request(self.filer_url(f"{folder}/"), headers={"Accept": "application/json"})
        try:
            found = json.load(urllib.request.urlopen(request, timeout=30))
        except urllib.error.HTTPError:
            return []
        return [entry["FullPath"].rsplit("/", 1)[1] for entry in found.get("Entries") or []]


class Sim:
    """The server under test."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "address"

    def __enter__(self) -> "Sim":
        command = [LOADGEN, "sim", "--listen", "127.0.0.1:0", "--address-file", self.file, "--ttft", "1ms", "--itl", "100us"]
        self.child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.file.is_file() and self.file.read_text(), alive=self.child)
        self.address = self.file.read_text().strip()
        return self

    def __exit__(self, *_) -> None:
        self.child.kill()
        self.child.wait()

    def requests(self) -> str:
        """What it says of the requests that it has had."""
        metrics = urllib.request.urlopen(f"http://{self.address}/metrics", timeout=10).read().decode()
        return "\n".join(line for line in metrics.splitlines() if "success" in line or "prompt_tokens" in line)


class Cutter:
    """A proxy that cuts the n-th connection that is used after so many bytes from the client; 0 lets one pass. A client may open
    one and not use it. `once` is done before the first cut, the last one then."""

    def __init__(self, port: int, cuts: list[int], once=None) -> None:
        self.to, self.left, self.cuts, self.once, self.lock = port, cuts, 0, once, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> "Cutter":
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.listener.close()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self.copy, args=(client, server, self.left), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, []), daemon=True).start()

    def copy(self, source: socket.socket, sink: socket.socket, left: list[int]) -> None:
        passed, limit = 0, 0
        try:
            while data := source.recv(limit - passed if limit else 65536 if passed else 1):
                if not passed and left:
                    limit = left.pop(0)
                sink.sendall(data)
                passed += len(data)
                if limit and passed >= limit:
                    with self.lock:
                        self.cuts += 1
                        if self.once and self.left is left:
                            self.left = []
                            self.once()
                    break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, each with the one 10,000 above it, which weed takes for itself."""
    found: list[int] = []
    while len(found) < count:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = 10000 + taken.getsockname()[1] % 20000
        try:
            for number in (port, port + 10000):
                socket.create_server(("127.0.0.1", number)).close()
        except OSError:
            continue
        found.append(port)
    return found


def wait_for(condition, alive: subprocess.Popen | None = None, patience: float = 30) -> None:
    until = time.monotonic() + patience
    while not condition():
        if time.monotonic() > until or (alive and alive.poll() is not None):
            raise RuntimeError("what was waited for has not come")
        time.sleep(0.05)
