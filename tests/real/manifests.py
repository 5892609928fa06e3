"""Everything that the repository renders, and what its property test renders by chance, through the published schemas of Kubernetes (kubernetes-validate --strict), the types
of kubectl (set env --local) and kustomize."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from common import KUBECTL, REAL, Failures, run
from rendered import Rendered, by_chance, everything

VALIDATE = REAL / "venv/bin/kubernetes-validate"


def test(failures: Failures) -> str:
    return check(failures, everything(failures), with_kustomize=True)


def test_by_chance(failures: Failures) -> str:
    # kustomize loses the quotes of keys such as "null" and "1e3", and fails then.
    return check(failures, by_chance(failures), with_kustomize=False)


def check(failures: Failures, rendered: list[Rendered], with_kustomize: bool) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        files = {}
        for item in rendered:
            directory = Path(scratch) / item.slug
            directory.mkdir()
            files[item] = directory / "rendered.yaml"
            files[item].write_text(item.text, encoding="utf-8")
            (directory / "kustomization.yaml").write_text("resources: [rendered.yaml]\n", encoding="utf-8")
        schemas(failures, files)
        with ThreadPoolExecutor(2) as pool:
            for item, (case, why) in zip(files, pool.map(lambda item: kubectl(item, files[item], with_kustomize), files)):
                if why:
                    failures.add(f"{case} {item.name}", why)
    objects = sum(len(list(yaml.safe_load_all(item.text))) for item in rendered)
    return f"{len(rendered)} rendered inputs, {objects} objects"


def schemas(failures: Failures, files: dict[Rendered, Path]) -> None:
    """All files at once: reading the schemas is what takes time. A kind without a schema is only a warning, and fails here."""
    done = run(VALIDATE, "--strict", "--quiet", *files.values())
    said = done.stdout + done.stderr
    if done.returncode == 0 and not said.strip():
        return
    before = failures.count
    for item, path in files.items():
        of = "\n".join(line for line in said.splitlines() if str(path) in line)
        if of:
            failures.add(f"kubernetes-validate {item.name}", of)
    if failures.count == before:
        failures.add("kubernetes-validate", f"exit code {done.returncode}\n{said[-4000:]}")


def kubectl(item: Rendered, path: Path, with_kustomize: bool) -> tuple[str, str]:
    """What is wrong, or nothing."""
    documents = list(yaml.safe_load_all(item.text))
    workloads = [document for document in documents if document["kind"] in ("Job", "CronJob")]
    done = run(KUBECTL, "set", "env", "--local", "-f", path, "--list")
    if done.returncode != 0:
        return "kubectl set env", done.stderr
    # It prints a header for each pod template that it could decode.
    for document in workloads:
        name = document["metadata"]["name"]
        if name not in done.stdout:
            return "kubectl set env", f"{name} is not among what kubectl read:\n{done.stdout}"
    if not with_kustomize:
        return "", ""
    done = run(KUBECTL, "kustomize", path.parent)
    if done.returncode != 0:
        return "kubectl kustomize", done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    key = lambda document: (document["kind"], document["metadata"]["name"])
    if sorted(built, key=key) != sorted(documents, key=key):
        return "kubectl kustomize", f"what it built is not what was rendered\n{done.stdout[:3000]}"
    return "", ""
