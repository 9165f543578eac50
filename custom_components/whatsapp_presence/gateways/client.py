"""A small HTTP client: paced, limited in time and size, silent about what it sends.

No message of its errors holds anything of a request or an answer, for tokens, phone
numbers and names are in both.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
import time
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientResponseError, ClientSession
from aiohttp.hdrs import RETRY_AFTER
from yarl import URL

from .base import InvalidResponseError, JsonLoads, RateLimitedError, UnreachableError
from .pacing import Pacer, Priority

TIME_LIMIT: Final = 15.0
MAX_BODY: Final = 4 * 1024 * 1024
_HINT_LENGTH: Final = 4096
_REFUSALS: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
)


class Options(TypedDict, total=False):
    """What a request may have beside its method and path.

    Without a priority it is urgent.
    """

    query: Mapping[str, str] | None
    body: Mapping[str, Any] | None
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a gateway answered, with a status that is neither a redirect nor an outage.

    `asked_at` is when the request went out, its turn having come.
    """

    status: int
    body: bytes
    json_loads: JsonLoads
    asked_at: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def hint(self) -> str:
        """The body's beginning in lower case, to look for known words; never shown."""
        return self.body[:_HINT_LENGTH].decode(errors="replace").lower()

    @property
    def is_page(self) -> bool:
        """Whether the body is a web page, which comes of what stands before a gateway."""
        start = self._start
        return start.startswith("<") and ("<html" in start or "<!doctype html" in start)

    @property
    def _start(self) -> str:
        return self.hint.lstrip("\ufeff \t\r\n")

    def check_refusal(self) -> None:
        """Raise UnreachableError if it was not the gateway that refuses.

        Gateways say in words that they refuse a chat. A page or nothing comes of what
        stands before them, passes by, and says nothing of the chat.
        """
        if self.status in _REFUSALS and (self.is_page or not self._start):
            raise UnreachableError("The gateway can't be reached through its proxy.")

    def json(self) -> Any:
        """Read the body; raises InvalidResponseError if it is not JSON."""
        try:
            return self.json_loads(self.body)
        except ValueError, RecursionError:
            raise InvalidResponseError(
                "The gateway answered something that is not JSON."
            ) from None

    def json_or_none(self) -> Any:
        """Read the body; None if it is not JSON."""
        try:
            return self.json()
        except InvalidResponseError:
            return None


class Client:
    """Speaks JSON over HTTP to one gateway on behalf of one instance."""

    def __init__(
        self,
        session: ClientSession,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_loads: JsonLoads = json.loads,
        pacer: Pacer | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """Create a client; `time_limit` in seconds, without the wait for a turn."""
        self.session = session
        self.url = url
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._json_loads = json_loads
        self._pacer = pacer or Pacer()
        self._time_limit = time_limit

    async def request(
        self,
        method: str,
        path: str,
        **options: Unpack[Options],
    ) -> Answer:
        """Send a request to a path (quoted already) below the gateway's URL.

        Raises UnreachableError, RateLimitedError (then all requests of the instance
        pause) and InvalidResponseError (a redirect, a body without end).
        """
        async with self._pacer.turn(options.get("priority", Priority.URGENT)):
            asked_at = time.time()
            try:
                # Redirects are refused: the credentials are for this host alone.
                async with (
                    asyncio.timeout(self._time_limit),
                    self.session.request(
                        method,
                        URL(self.url + path, encoded=True).update_query(
                            options.get("query")
                        ),
                        json=options.get("body"),
                        headers=self._headers,
                        allow_redirects=False,
                    ) as response,
                ):
                    return await self._read(response, asked_at)
            except TimeoutError:
                raise UnreachableError("The gateway did not answer in time.") from None
            except ClientResponseError:
                raise InvalidResponseError(
                    "The gateway answered something that is not HTTP."
                ) from None
            except ClientError, OSError, RuntimeError, ValueError:
                # A RuntimeError is a session that was closed, a ValueError a host
                # that can be none.
                raise UnreachableError("The gateway can't be reached.") from None

    async def _read(self, response: ClientResponse, asked_at: float) -> Answer:
        status = response.status
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            response.close()
            raise InvalidResponseError("The gateway answered with a redirect.")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            response.close()
            retry_after = _retry_after(response.headers.get(RETRY_AFTER, ""))
            self._pacer.pause(retry_after)
            raise RateLimitedError("The gateway wants fewer requests.", retry_after)
        if (
            status >= HTTPStatus.INTERNAL_SERVER_ERROR
            and status != HTTPStatus.NOT_IMPLEMENTED
        ):
            response.close()
            raise UnreachableError("The gateway is out of order.")
        chunks: list[bytes] = []
        size = 0
        # Chunks are counted as they come out of the decompression, which is itself
        # limited to a chunk at a time.
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY:
                response.close()
                raise InvalidResponseError("The gateway's answer is too large.")
            chunks.append(chunk)
        self._pacer.relax()
        return Answer(
            status=status,
            body=b"".join(chunks),
            json_loads=self._json_loads,
            asked_at=asked_at,
        )


def segment(text: str) -> str:
    """Quote a text so that it is one segment of a path, whatever is in it."""
    return quote(text, safe="@")


def base_url(text: str | None, default: str | None = None, path: str = "") -> str:
    """Bring a gateway's URL into one form, without credentials, query and last slash.

    `path` is added to a URL that has none. Raises ValueError if it is no http URL.
    """
    url = URL((text or default or "").strip())
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("The gateway's URL is not an http URL")
    url = url.with_user(None).with_query(None).with_fragment(None)
    return str(url).rstrip("/") + ("" if url.path.strip("/") else path)


def _retry_after(value: str) -> float | None:
    """Read a Retry-After: seconds, or a date by this machine's clock."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError, OverflowError:
        return None
