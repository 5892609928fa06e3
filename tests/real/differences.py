"""Where benchctl deliberately does not do what Helm does: every reason, once. A case names the one that it shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    reason: str
    # The code of benchctl's error where Helm says nothing.
    code: str | None = None
    # What Helm says where benchctl says nothing. Neither: the value is another one.
    helm: str | None = None


DIFFERENCES = {
    "ambiguous": Difference("YAML 1.1 and 1.2 read it differently, so the user is asked to quote it", code="B106"),
    "duplicate": Difference("Helm takes the last of two keys and says nothing", code="B105"),
    "dropped": Difference("Helm sets nothing and says nothing", code="B115"),
    "null parent": Difference(
        "a null parent counts as absent, since it mostly is a section whose lines are commented out",
        helm="interface conversion: interface {} is nil",
    ),
    "default list": Difference("a list index edits the list of the defaults, whose other items and fields Helm would lose"),
    "yaml 1.2": Difference("valid YAML 1.2, and JSON, that the reader of Helm does not know"),
    "integers": Difference("integers stay integers; Helm goes through a 64-bit float"),
}
