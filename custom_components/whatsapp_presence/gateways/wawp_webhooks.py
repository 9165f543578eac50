"""The list of the user's webhooks at Wawp, in which ours stands among others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from .base import InvalidResponseError, Webhook
from .presences import EVENTS
from .values import boolean, has_events, mapping, webhook_address

_ATTEMPTS: Final = 3


class WawpWebhooks:
    """Reads and writes the list; what is not ours is written back as it was read.

    DOC: writing replaces the whole list. The system's own configuration beside it is
    left alone. The entries have no ids; the URL serves as one. UNKNOWN: whether two who
    write at once are told; so what was written is read back, and written again into
    what another has made of the list meanwhile.
    """

    def __init__(
        self,
        get: Callable[[], Awaitable[Any]],
        post: Callable[[list[Any]], Awaitable[None]],
    ) -> None:
        """Take the two calls."""
        self._get = get
        self._post = post
        self._lock = asyncio.Lock()

    async def all(self) -> list[Webhook]:
        """List each URL once; one that is there twice would bring each event twice."""
        found: dict[str, Webhook] = {}
        for entry in await self._read():
            if (url := _url(entry)) is not None:
                working = url not in found and _works(entry)
                found[url] = Webhook(webhook_id=url, url=url, working=working)
        return list(found.values())

    async def add(self, url: str) -> None:
        """Add a URL, in the place of all that are there for it."""
        ours = {"url": url, "events": list(EVENTS), "is_active": True}
        async with self._lock:
            for _ in range(_ATTEMPTS):
                before = await self._read()
                await self._post([*_without(before, url), ours])
                after = await self._read()
                there = [entry for entry in after if _url(entry) == url]
                if (len(there) == 1 and _works(there[0])) or after == before:
                    return

    async def remove(self, url: str) -> None:
        """Remove a URL; writes nothing if it is not there."""
        async with self._lock:
            for _ in range(_ATTEMPTS):
                webhooks = await self._read()
                kept = _without(webhooks, url)
                if len(kept) == len(webhooks):
                    return
                await self._post(kept)

    async def _read(self) -> list[Any]:
        """Read the list as it is; raises rather than take an unknown form for empty."""
        body = mapping(await self._get())
        if "webhooks" not in body:
            body = mapping(body.get("data"))
        webhooks = body.get("webhooks", False)
        if webhooks is None:
            return []
        if isinstance(webhooks, dict) and all(map(str.isdecimal, webhooks)):
            return list(webhooks.values())
        if not isinstance(webhooks, list):
            raise InvalidResponseError("Wawp's list of webhooks can't be read.")
        return webhooks


def _without(webhooks: list[Any], url: str) -> list[Any]:
    return [entry for entry in webhooks if _url(entry) != url]


def _url(entry: Any) -> str | None:
    return webhook_address(entry.get("url") if isinstance(entry, dict) else entry)


def _works(entry: Any) -> bool:
    webhook = mapping(entry)
    return boolean(webhook.get("is_active")) is not False and has_events(
        webhook, EVENTS
    )
