"""What ends a benchmark: a tool that failed, or one that says it did what the hosts know nothing of."""


class BenchError(Exception):
    """A figure that may not be written down."""


class NotReachedError(BenchError):
    """A tool ended well, and a host is not where it should be."""

    def __init__(self, host: str, expected: str, found: str) -> None:
        super().__init__(f"{host}: expected {expected!r}, found {found!r}")
