"""A project's own `.env` file, as far as names of images, volumes and folders depend on it.

Compose on the host reads the file itself; what a release adds to it is `releases`' business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)")
COMMENT = re.compile(r"(?:^|\s)#")


def read_dotenv(file: Path) -> Mapping[str, str]:
    """The variables that a file sets; none if there is no file."""
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else ()
    found = (LINE.match(line) for line in lines)
    return {one[1]: _unquoted(one[2].strip()) for one in found if one}


def _unquoted(value: str) -> str:
    """What stands between the quotes, or in front of a comment."""
    quote = value[:1]
    if quote in ("'", '"') and quote in value[1:]:
        return value[1 : value.index(quote, 1)]
    return COMMENT.split(value, maxsplit=1)[0].rstrip()
