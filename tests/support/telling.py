"""Numbers that a person would ask for, printed at the end of the run."""

FACTS: list[tuple[str, str]] = []


def told(what: str, value: str) -> None:
    """Keeps a measured fact for the summary."""
    FACTS.append((what, value))
