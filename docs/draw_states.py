"""Prints the state diagram of a verification for docs/architecture.md, generated from `TRANSITIONS`."""

from gateway.domain.verification import TRANSITIONS


def draw() -> str:
    """Return the transitions as a Mermaid state diagram."""
    lines = [f"    {before} --> {after}: {_label(ending.name)}" for (before, ending), after in TRANSITIONS.items()]
    ends = [f"    {after} --> [*]" for after in dict.fromkeys(TRANSITIONS.values())]
    return "\n".join(["stateDiagram-v2", "    [*] --> pending", *lines, *ends])


def _label(name: str) -> str:
    return name.lower().replace("_", " ")


if __name__ == "__main__":
    print(draw())
