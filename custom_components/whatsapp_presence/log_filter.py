"""Keep what lets somebody in out of the log, whoever writes there.

Home Assistant's webhooks name themselves by their id, and a library may quote an
address with a token in it. No log call of this integration is involved in that, so the
records are rewritten on their way out.
"""

from collections.abc import Iterable
import logging
import re
from typing import Final, override
from urllib.parse import quote

from yarl import URL

from homeassistant.core import callback

REDACTED: Final = "**REDACTED**"

# Shorter ones would black out half of the log, and protect nothing.
_SHORTEST: Final = 4

_FORMATTER: Final = logging.Formatter()


class _RedactingFilter(logging.Filter):
    """Blacks out secrets, also where they stand in an address or a traceback."""

    def __init__(self) -> None:
        """Begin without secrets."""
        super().__init__()
        self._secrets: dict[str, frozenset[str]] = {}
        # Replaced as a whole: records are filtered in any thread.
        self._pattern: re.Pattern[str] | None = None

    def keep(self, owner: str, secrets: frozenset[str]) -> None:
        """Set an owner's secrets; what others have in common with it stays secret."""
        self._secrets[owner] = secrets
        self._compile()

    def drop(self, owner: str) -> None:
        """Forget an owner's secrets."""
        self._secrets.pop(owner, None)
        self._compile()

    def _compile(self) -> None:
        words = {
            word
            for secret in frozenset[str]().union(*self._secrets.values())
            if len(secret) >= _SHORTEST
            for word in _spellings(secret)
        }
        # Of two of which one begins like the other, the longer one has to go first.
        self._pattern = (
            re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
            if words
            else None
        )

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look for."""
        return self._pattern is None

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record that holds a secret; lets all of them pass."""
        if (pattern := self._pattern) is None:
            return True
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001
            # The arguments do not fit the message: it will not get into the log.
            return True
        if pattern.search(message):
            record.msg, record.args = pattern.sub(REDACTED, message), None
        if record.exc_info and not record.exc_text:
            text = _FORMATTER.formatException(record.exc_info)
            if pattern.search(text):
                record.exc_text = text
        if record.exc_text and pattern.search(record.exc_text):
            # Without the exception itself nobody can write it out once more.
            record.exc_text = pattern.sub(REDACTED, record.exc_text)
            record.exc_info = None
        if record.stack_info:
            record.stack_info = pattern.sub(REDACTED, record.stack_info)
        return True


def _spellings(secret: str) -> tuple[str, ...]:
    """Return a secret as it is, and as it is written in addresses."""
    query = URL.build(query={"": secret}).raw_query_string.removeprefix("=")
    return secret, query, quote(secret), quote(secret, safe="")


_FILTER: Final = _RedactingFilter()


@callback
def async_redact(owner: str, secrets: Iterable[object]) -> None:
    """Keep an owner's secrets out of the log from now on, in place of earlier ones.

    What is no text, or empty, is none.
    """
    _FILTER.keep(
        owner,
        frozenset(secret for secret in secrets if isinstance(secret, str) and secret),
    )
    # Not at a logger: its filters see nothing of what its children write.
    for handler in logging.getLogger().handlers:
        handler.addFilter(_FILTER)


@callback
def async_stop_redacting(owner: str) -> None:
    """Let an owner's secrets be, for they are worth nothing any more."""
    _FILTER.drop(owner)
    if _FILTER.idle:
        for handler in logging.getLogger().handlers:
            handler.removeFilter(_FILTER)
