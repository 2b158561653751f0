"""What is a secret by its name, and where a URL holds one."""

from __future__ import annotations

import functools
import re

SECRET_NAME = re.compile(
    r"(?:^|[_.\-])(?:pass|passwd|password|passphrase|pwd|secret|token|credentials?|authorization"
    r"|(?:api|access|secret|private|encryption|signing|auth|account|storage)[_\-]?key)$"
)
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # between the words of camelCase
URL_LOGIN = re.compile(  # user and password, or for HTTP whatever stands before the @: tokens do
    r"(?<![a-zA-Z0-9+.\-])[a-zA-Z][a-zA-Z0-9+.\-]*://[^\s/:@'\"<>{}\[\]|\\?#]*:(?P<password>[^\s/'\"<>{}|\\?#]+)@"
    r"|\bhttps?://(?P<token>[^\s/:@'\"<>{}\[\]|\\?#]+)@"
)


@functools.lru_cache(maxsize=4096)
def is_secret_name(key: str) -> bool:
    """Whether what is called so is a secret: `db_password`, `apiKey`, `GITHUB_TOKEN`; no `password_file`."""
    return SECRET_NAME.search(WORDS.sub("_", key).lower()) is not None
