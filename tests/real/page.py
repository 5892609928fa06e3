"""report.html of a real run in a real Chromium: it is drawn, in light and dark, on a phone and on paper, and it loads nothing."""

import json
import shutil
import struct
import tempfile
import zlib
from pathlib import Path

from common import BENCHCTL, Failures, NotRun, run
from measured import measured

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def test(failures: Failures) -> str:
    browser = next((path for path in map(shutil.which, NAMES) if path), None)
    if browser is None:
        raise NotRun("there is no Chromium here (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = measured(folder) / "report.html"
        drawn = run(BENCHCTL, "report", "html", page.parent)
        if drawn.stdout != page.read_text():
            failures.add("report html", f"benchctl draws another page than loadgen\n{drawn.stderr}")
        chromium = Chromium(browser, folder)
        looks(failures, chromium, page)
        notices(failures, chromium, page)
    return f"report.html in {chromium.version()}"


class Opened:
    """What a browser did with a page: what it asked for on the page's behalf, and what stood on its console."""

    def __init__(self, log: Path, stderr: str) -> None:
        said = json.loads(log.read_text())
        kind = said["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
        asked = [event["params"] for event in said["events"] if event["type"] == kind and "url" in event.get("params", {})]
        # What the browser asks for on its own behalf, as whether there is a new version, is of no origin.
        self.requests = [params["url"] for params in asked if params.get("initiator") != "not an origin"]
        self.console = [line for line in stderr.splitlines() if ":CONSOLE" in line]


class Chromium:
    """A browser with a profile of its own, for which no host exists."""

    def __init__(self, browser: str, folder: Path) -> None:
        self.browser, self.profile, self.log = browser, folder / "profile", folder / "net.json"

    def open(self, page: Path, *flags: str) -> Opened:
        self.log.unlink(missing_ok=True)
        done = run(
            self.browser,
            "--headless",
            # Containers have no room for its sandbox; the page is ours.
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={self.profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--log-net-log={self.log}",
            "--enable-logging=stderr",
            *flags,
            page.as_uri(),
        )
        return Opened(self.log, done.stderr)

    def version(self) -> str:
        return " ".join(run(self.browser, "--version").stdout.split()[:2])


def looks(failures: Failures, chromium: Chromium, page: Path) -> None:
    for name, size, scheme in [("light", (900, 700), 1), ("dark", (900, 700), 0), ("phone", (500, 700), 1)]:
        shot = page.with_name(f"{name}.png")
        flags = [f"--window-size={size[0]},{size[1]}", f"--blink-settings=preferredColorScheme={scheme}"]
        opened = chromium.open(page, f"--screenshot={shot}", *flags)
        if not shot.is_file():
            failures.add(f"page {name}", "there is no screenshot")
            continue
        width, pixels = png(shot)
        mean = sum(pixels) / len(pixels)
        if width != size[0] or len(set(pixels)) < 32 or (mean > 128) != (scheme == 1):
            failures.add(f"page {name}", f"{width} wide, {len(set(pixels))} shades, mean {mean:.0f}")
        if opened.requests or opened.console:
            failures.add(f"page {name}", f"it loads {opened.requests}, and its console says {opened.console}")
    paper = page.with_name("page.pdf")
    chromium.open(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    if not paper.is_file() or not paper.read_bytes().startswith(b"%PDF") or paper.stat().st_size < 20_000:
        failures.add("page printed", "there is no PDF, or next to nothing in it")


def notices(failures: Failures, chromium: Chromium, page: Path) -> None:
    """The same checks see an image that the page's policy forbids, and one that none forbids."""
    image = '<body><img src="https://elsewhere.example/x.png">'
    spoilt = page.with_name("spoilt.html")
    shot = f"--screenshot={page.with_name('spoilt.png')}"
    spoilt.write_text(page.read_text().replace("<body>", image))
    opened = chromium.open(spoilt, shot)
    if opened.requests or not any("Content Security Policy" in line for line in opened.console):
        failures.add("page policy", f"an image is not forbidden: {opened.requests}, {opened.console}")
    spoilt.write_text(spoilt.read_text().replace("Content-Security-Policy", "x"))
    opened = chromium.open(spoilt, shot)
    if opened.requests != ["https://elsewhere.example/x.png"]:
        failures.add("page network", f"an image without a policy is not seen to be loaded: {opened.requests}")


def png(path: Path) -> tuple[int, bytes]:
    """Width, and the bytes of every fifth line, undone from its filter, of a PNG of eight bits."""
    data, place, packed, width, kind = path.read_bytes(), 8, b"", 0, 0
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if name == b"IHDR":
            width, kind = struct.unpack(">I", body[:4])[0], body[9]
        elif name == b"IDAT":
            packed += body
        place += 12 + length
    step = {2: 3, 6: 4}[kind]
    raw, stride = zlib.decompress(packed), width * step
    before, seen = bytearray(stride), bytearray()
    for number, start in enumerate(range(0, len(raw), stride + 1)):
        method, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for at in range(stride):
            left = line[at - step] if at >= step else 0
            corner = before[at - step] if at >= step else 0
            if method == 1:
                line[at] = (line[at] + left) & 255
            elif method == 2:
                line[at] = (line[at] + before[at]) & 255
            elif method == 3:
                line[at] = (line[at] + (left + before[at]) // 2) & 255
            elif method == 4:
                guess = left + before[at] - corner
                near = min((left, before[at], corner), key=lambda value: abs(guess - value))
                line[at] = (line[at] + near) & 255
        before = line
        if number % 5 == 0:
            # The green of every pixel.
            seen += line[1::step]
    return width, bytes(seen)
