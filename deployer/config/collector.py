"""Reading on after something is wrong, so that one error does not hide the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from deployer.errors import ConfigError, ConfigGroupError, TooManyHostsError, VaultError

MOST_ERRORS = 1000  # nobody reads on after so many


class Collector:
    """What was found wrong so far, each thing once."""

    def __init__(self) -> None:
        self._errors: dict[object, ConfigError] = {}

    def __len__(self) -> int:
        return len(self._errors)

    @property
    def found(self) -> tuple[ConfigError, ...]:
        """The errors so far."""
        return tuple(self._errors.values())

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep a ConfigError that is raised inside, and go on behind the block.

        What ends the reading is raised on: too many hosts, too many errors.
        """
        try:
            yield
        except TooManyHostsError:
            raise
        except ConfigError as error:
            self.add(error)

    def add(self, error: ConfigError) -> None:
        """Keep an error, or all of several; raises what there is if it is too much."""
        for one in error.errors if isinstance(error, ConfigGroupError) else (error,):
            self._errors.setdefault(_cause(one), one)
        if len(self) > MOST_ERRORS:
            self.settle()

    def extend(self, errors: Iterable[ConfigError]) -> None:
        """Keep several errors."""
        for error in errors:
            self.add(error)

    def settle(self) -> None:
        """Raise what was found: an error by itself, several as ConfigGroupError."""
        errors = self.found
        if len(errors) > 1:
            raise ConfigGroupError(errors)
        if errors:
            raise errors[0]


def _cause(error: ConfigError) -> object:
    """Errors with the same one are one: a vault password that is missing is missing for every file."""
    return (error.message, error.hint) if isinstance(error, VaultError) else (error.message, error.place)
