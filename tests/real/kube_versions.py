"""`--kube-version` beside the schemas of every version of Kubernetes that kubernetes-validate carries: what benchctl says of each
field that a manifest can have, for each version."""

import json
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from common import BENCHCTL, Failures, run

VERSIONS = range(26, 38)
NEW, BETA = "K250", "K251"

# The kinds whose fields benchctl reads.
ROOTS = {
    "io.k8s.api.batch.v1.Job": "batch/v1",
    "io.k8s.api.core.v1.ConfigMap": "v1",
    "io.k8s.api.core.v1.Namespace": "v1",
    "io.k8s.api.core.v1.PersistentVolumeClaim": "v1",
    "io.k8s.api.core.v1.Pod": "v1",
    "io.k8s.api.core.v1.Secret": "v1",
    "io.k8s.api.core.v1.Service": "v1",
    "io.k8s.api.core.v1.ServiceAccount": "v1",
    "io.k8s.api.networking.v1.NetworkPolicy": "networking.k8s.io/v1",
    "io.k8s.api.rbac.v1.ClusterRole": "rbac.authorization.k8s.io/v1",
    "io.k8s.api.rbac.v1.ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "io.k8s.api.rbac.v1.Role": "rbac.authorization.k8s.io/v1",
    "io.k8s.api.rbac.v1.RoleBinding": "rbac.authorization.k8s.io/v1",
}

# Descriptions that are behind their feature gates, as the documentation of the gates has it: until which version. Those that are
# never brought up to date have none.
STALE = {
    ("JobSpec", "podFailurePolicy"): 27,
    ("PersistentVolumeClaimSpec", "dataSourceRef"): 36,
    ("PodSecurityContext", "supplementalGroupsPolicy"): None,
    ("PodSpec", "hostUsers"): 35,
    ("PodSpec", "resourceClaims"): 34,
    ("PodSpec", "resources"): None,
    ("Probe", "terminationGracePeriodSeconds"): None,
    ("ResourceRequirements", "claims"): 33,
    ("ServiceSpec", "trafficDistribution"): 32,
    ("TopologySpreadConstraint", "minDomains"): 26,
    ("VolumeProjection", "clusterTrustBundle"): None,
    ("WindowsSecurityContextOptions", "hostProcess"): 27,
}


# Descriptions that name the stage of a value, and not of the field.
OF_VALUES = {("PodFailurePolicyRule", "action"), ("Toleration", "operator")}

# Nobody creates a pod with them.
UNUSED = "ephemeralContainers"


@cache
def definitions(minor: int) -> dict:
    schemas = resources.files("kubernetes_validate") / "kubernetes-json-schema"
    whole = json.loads((schemas / f"v1.{minor}.0-local" / "_definitions.json").read_text(encoding="utf-8"))
    return whole.get("$defs") or whole["definitions"]


def fields(minor: int, definition: str) -> dict:
    return definitions(minor).get(definition, {}).get("properties", {})


def inner(schema: dict) -> tuple[str | None, bool]:
    """The definition that a field is of, and whether it is a list of them."""
    for part in [schema, *schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])]:
        if "$ref" in part:
            return part["$ref"].rsplit("/", 1)[-1], False
        if "items" in part:
            return inner(part["items"])[0], True
    return None, False


def places() -> Iterator[tuple[str, str, list[tuple[str, bool]]]]:
    """Each definition that the newest schemas lead to, with the ways to it from a kind: keys, and whether each is a list's."""
    newest = VERSIONS[-1]
    for kind in ROOTS:
        # A definition stands in several places, and what is new may be new in one of them only.
        todo, seen = [(kind, [])], set()
        while todo:
            definition, way = todo.pop()
            keys = tuple(key for key, _ in way[-2:])
            if (definition, keys) in seen or len(way) > 12:
                continue
            seen.add((definition, keys))
            yield kind, definition, way
            for field, schema in fields(newest, definition).items():
                below, is_list = inner(schema)
                if below and field != UNUSED and not (definition in ROOTS and field == "status"):
                    todo.append((below, [*way, (field, is_list)]))


def at(minor: int, kind: str, way: list[tuple[str, bool]]) -> str | None:
    """The definition at the end of a way, in the schemas of a version; types change their names."""
    definition = kind
    for key, _ in way:
        schema = fields(minor, definition).get(key) if definition else None
        definition = inner(schema)[0] if schema else None
    return definition


def manifest(kind: str, way: list[tuple[str, bool]], field: str) -> dict:
    value = {field: {}}
    for key, is_list in reversed(way):
        value = {key: [value] if is_list else value}
    return {"apiVersion": ROOTS[kind], "kind": kind.rsplit(".", 1)[-1], **value}


def said(minor: int, documents: list[str]) -> list[dict[str, str]]:
    """What benchctl says of each document: codes and paths."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "manifests.yaml"
        path.write_text("\n---\n".join(documents) + "\n", encoding="utf-8")
        done = run(BENCHCTL, "validate", "--kube-version", f"1.{minor}", "--message-format", "json", path)
    found: list[dict[str, str]] = [{} for _ in documents]
    for line in (done.stdout + done.stderr).splitlines():
        message = json.loads(line)
        if message.get("code") in (NEW, BETA):
            found[(message["line"] - 1) // 2][message["code"]] = message["path"]
    return found


def words(minor: int, definition: str, field: str) -> str | None:
    """The code that a description asks for: of a field behind a gate that is off, of one that is beta."""
    name = (definition.rsplit(".", 1)[-1], field)
    if name in OF_VALUES or name in STALE and (STALE[name] is None or minor <= STALE[name]):
        return None
    text = fields(minor, definition)[field].get("description", "")
    if re.search(r"\balpha[- ](level|field)|\(Alpha\) (Using this|This) field|is alpha\b|\balpha field|(disabled|off) by default", text):
        return NEW
    return BETA if re.search(r"\bbeta[- ](level feature|level\.|field)|is a beta|This is an? beta|\(Beta\)", text) else None


def test(failures: Failures) -> str:
    cases = [
        (kind, definition, way, field)
        for kind, definition, way in places()
        for field in fields(VERSIONS[-1], definition)
        if not (definition in ROOTS and field in ("status", "apiVersion", "kind"))
    ]
    documents = [json.dumps(manifest(kind, way, field)) for kind, _, way, field in cases]
    older, gated, checked = set(), set(), set()
    for minor in VERSIONS:
        for (kind, definition, way, field), codes in zip(cases, said(minor, documents)):
            name = ".".join([kind.rsplit(".", 1)[-1], *(key for key, _ in way), field])
            there = at(minor, kind, way)
            if not there or field not in fields(minor, there):
                older.add((definition, field))
                if NEW not in codes:
                    failures.add(f"kube-version 1.{minor} {name}", "its schema has no such field, and nothing was said")
                continue
            # What is said of an object above is about that one.
            own = {code for code, path in codes.items() if re.sub(r"\[\d+\]", "", path) == name.split(".", 1)[1]}
            word = words(minor, there, field)
            if own:
                gated.add((definition, field))
            if word:
                checked.add((definition, field))
                if own and own != {word} or not codes:
                    failures.add(f"kube-version 1.{minor} {name}", f"its description asks for {word}, said was {own or 'nothing'}")
            if own and not word and is_old(kind, way, field):
                failures.add(f"kube-version 1.{minor} {name}", f"every schema has it and names no stage, and {own} was said")
    return (
        f"{len(cases)} places of {len({case[1:4:2] for case in cases})} fields in {len(VERSIONS)} versions; {len(older)} are newer "
        f"than the oldest, {len(checked)} have descriptions that name a stage, {len(gated - checked)} rest on the list of gates alone"
    )


def is_old(kind: str, way: list[tuple[str, bool]], field: str) -> bool:
    """Whether every version has a field, and none of them has a word about its stage."""
    for minor in VERSIONS:
        there = at(minor, kind, way)
        if not there or field not in fields(minor, there):
            return False
        if re.search(r"alpha|beta|feature (gate|toggle|flag)", fields(minor, there)[field].get("description", ""), re.I):
            return False
    return True
