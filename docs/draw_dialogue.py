"""Prints the table of docs/call-dialogue.md, drawn from the dialogue's own table."""

from gateway.domain.ivr.flow import FLOW, Row


def draw() -> str:
    """Draw the table as Markdown: one line for each state and input."""
    lines = [
        f"| {state.name.lower()} | {dtmf_input.value} | {_action(row)} | {_next(row)} | {_entry(row)} |"
        for (state, dtmf_input), row in FLOW.items()
    ]
    return "\n".join(["| state | input | action | next state | journal |", "|---|---|---|---|---|", *lines])


def _action(row: Row) -> str:
    """Return the action's name, which is its description in `gateway.domain.ivr.flow`."""
    extra = [str(extra.value) for extra in (row.assurance, row.flaw) if extra is not None]
    return row.action.__name__.replace("_", " ") + (f" ({', '.join(extra)})" if extra else "")


def _next(row: Row) -> str:
    return "" if row.state is None else row.state.name.lower()


def _entry(row: Row) -> str:
    return f"`{row.entry}`" if row.entry else ""


if __name__ == "__main__":
    print(draw())
