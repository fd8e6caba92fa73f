"""A statement in the two forms in which it is run: for one row of values, and, on PostgreSQL, for many at once.

The batch form takes one array for each `?`. `{each}` stands for their rows, in which a `?` is a column and `n` tells
whose row it is: `SELECT state FROM tallies WHERE number_fingerprint = ?` becomes a join with the values.
"""

import msgspec


class Statement(msgspec.Struct, frozen=True, eq=False):
    """SQL in words that SQLite and PostgreSQL share; `?` marks stand for values.

    `batch` is the form for many rows of values, empty for one that is run for each. `writes` tells that it changes
    rows. A read that names what it `owns` is followed by a change of that row, or by its insertion: operations of one
    transaction then pass the row on, one after the other. `locking` is the form that also keeps other transactions
    from it.
    """

    text: str
    batch: str = ""
    writes: bool = False
    owns: str = ""
    locking: "Statement | None" = None


def select(text: str, owns: str = "") -> Statement:
    """Describe a read. `{lock}` in its text is where PostgreSQL locks the rows, for an operation that owns them."""
    plain = text.replace("{lock}", "")
    locking = None if plain == text else _selected(text.replace("{lock}", "FOR UPDATE"), owns)
    return msgspec.structs.replace(_selected(plain, owns), locking=locking)


def insert(table: str, columns: str, values: str = "", conflict: str = "") -> Statement:
    """Describe the insertion of a row; its values are one mark a column, unless they are given.

    `conflict` says which key may be taken, and what then happens (`(name) DO NOTHING`).
    """
    on_conflict = f" ON CONFLICT {conflict}" if conflict else ""
    into = f"INSERT INTO {table} ({columns})"
    values = values or ", ".join("?" * len(columns.split(",")))
    text = f"{into} VALUES ({values}){on_conflict}"
    batch = f"{into} SELECT {values} FROM {{each}}{on_conflict}"  # noqa: S608 - our own statement
    return Statement(text, batch, writes=True)


def update(table: str, changes: str, where: str) -> Statement:
    """Describe a change of rows; its batch form returns the place of each that it changed."""
    text = f"UPDATE {table} SET {changes} WHERE {where}"  # noqa: S608 - our own statement
    batch = f"UPDATE {table} SET {changes} FROM {{each}} WHERE {where} RETURNING q.n"  # noqa: S608 - likewise
    return Statement(text, batch, writes=True)


def delete(table: str, where: str) -> Statement:
    """Describe the removal of rows; its batch form returns the place of each that it removed."""
    text = f"DELETE FROM {table} WHERE {where}"  # noqa: S608 - our own statement
    batch = f"DELETE FROM {table} USING {{each}} WHERE {where} RETURNING q.n"  # noqa: S608 - likewise
    return Statement(text, batch, writes=True)


def marks(count: int) -> str:
    """Return so many marks for a list."""
    return ", ".join("?" * count)


def _selected(text: str, owns: str) -> Statement:
    batch = f"SELECT q.n, r.* FROM {{each}} CROSS JOIN LATERAL ({text}) AS r" if "?" in text else ""  # noqa: S608 - our own statement
    return Statement(text, batch, owns=owns)
