"""Prints the picture of a verification's life that docs/architecture.md shows, drawn from the table itself."""

from gateway.domain.verification import TRANSITIONS


def draw() -> str:
    """Draw the transitions as a Mermaid state diagram."""
    lines = [f"    {before} --> {after}: {_words(ending.name)}" for (before, ending), after in TRANSITIONS.items()]
    ends = [f"    {after} --> [*]" for after in dict.fromkeys(TRANSITIONS.values())]
    return "\n".join(["stateDiagram-v2", "    [*] --> pending", *lines, *ends])


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


if __name__ == "__main__":
    print(draw())
