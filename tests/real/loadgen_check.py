"""Every config.yml of engine loadgen through `loadgen check --strict`: read by the engine itself, without a word about any key."""

from concurrent.futures import ThreadPoolExecutor

from common import LOADGEN, ROOT, Failures, run
from rendered import Rendered, by_chance, everything


def test(failures: Failures) -> str:
    return check(failures, everything(failures))


def test_by_chance(failures: Failures) -> str:
    return check(failures, by_chance(failures))


def check(failures: Failures, rendered: list[Rendered]) -> str:
    ours = [item for item in rendered if item.engine == "loadgen"]
    with ThreadPoolExecutor(2) as pool:
        # Examples name files as one writes them from the top of the repository.
        command = [LOADGEN, "check", "--strict", "-c", "-"]
        checked = pool.map(lambda item: run(*command, stdin=item.config(), cwd=ROOT), ours)
        for item, done in zip(ours, checked):
            # A path in the pod is not one here.
            if "there is no tokenizer at" in done.stderr:
                continue
            if done.returncode != 0 or "error" in done.stderr:
                failures.add(f"loadgen check {item.name}", f"exit code {done.returncode}\n{done.stderr}\n{item.config()}")
    if not ours:
        failures.add("loadgen check", "nothing was rendered for it")
    return f"{len(ours)} configs, read by loadgen"
