"""Where Wawp looks for the credentials of a POST."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from .client import Answer

_CREDENTIALS_REFUSED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
)
_MISSING_WORDS: Final = ("missing", "required")
_CREDENTIAL_WORDS: Final = ("instance_id", "access_token", "credential")


class CredentialsPlace:
    """In the body or, where that fails, in the query; what worked is remembered.

    DOC contradicts itself on which is right.
    """

    def __init__(self) -> None:
        """Begin with the body."""
        self._in_query = False
        self._works = False

    async def send(self, send: Callable[[bool], Awaitable[Answer]]) -> Answer:
        """Send a request; `send` is told whether the credentials go into the query."""
        answer = await send(self._in_query)
        if _accepts(answer):
            self._works = True
            return answer
        if self._works and not _misses(answer):
            return answer
        second = await send(not self._in_query)
        if second.status == HTTPStatus.UNAUTHORIZED or _misses(second):
            return answer
        self._in_query = not self._in_query
        self._works = _accepts(second)
        return second


def _accepts(answer: Answer) -> bool:
    return answer.status not in _CREDENTIALS_REFUSED and not _misses(answer)


def _misses(answer: Answer) -> bool:
    """Whether an answer says that the credentials were not where it looked for them."""
    hint = answer.hint
    if "missing_param" in hint:
        return True
    return (
        answer.status in _CREDENTIALS_REFUSED
        and any(word in hint for word in _MISSING_WORDS)
        and any(word in hint for word in _CREDENTIAL_WORDS)
    )
