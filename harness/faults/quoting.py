"""Names and texts inside the SQL of faults, which cannot be arguments there."""


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def qualified(schema: str, name: str) -> str:
    """A table or function of a schema."""
    return f"{quoted(schema)}.{quoted(name)}"
