"""How a command says that it cannot do what it was asked."""

FAILED = 2
"""The exit code of wrong usage, unusable settings and connection trouble, as argparse's."""


class CommandFailed(Exception):
    """The command ends with exit code 2; `lines` are for the person at the terminal, one sentence each."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
