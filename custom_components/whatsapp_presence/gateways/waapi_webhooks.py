"""The webhook subscriptions of an instance at WaAPI."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from .base import NotAllowedError, Webhook
from .client import Answer, segment
from .values import boolean, has_events, items, mapping, text, webhook_address
from .waapi_events import EVENTS, NEEDED_EVENTS


class WaApiWebhooks:
    """Lists, creates and deletes them."""

    def __init__(
        self,
        request: Callable[..., Awaitable[Answer]],
        read: Callable[[Answer], dict[str, Any]],
        check: Callable[[Answer], None],
    ) -> None:
        """Speak through the gateway; `read` and `check` raise an answer's error."""
        self._request = request
        self._read = read
        self._check = check

    async def all(self) -> list[Webhook]:
        """List them [DOC]."""
        answer = self._read(await self._request("GET", "/webhooks"))
        return [
            Webhook(webhook_id=webhook_id, url=url, working=_works(subscription))
            for subscription in map(mapping, items(answer, "data"))
            if (webhook_id := as_number(subscription.get("id")))
            and (url := webhook_address(subscription.get("url")))
        ]

    async def create(self, url: str) -> None:
        """Create one.

        DOC: a URL that is registered already is answered with what there is, maybe
        with other events [INF], so that is replaced. At most 25 for an instance.
        """
        subscription = await self._create(url)
        webhook_id = as_number(subscription.get("id"))
        if webhook_id and not _works(subscription):
            await self.delete(webhook_id)
            await self._create(url)

    async def delete(self, webhook_id: str) -> None:
        """Delete one [DOC]; one that is gone already is no error."""
        answer = await self._request("DELETE", f"/webhooks/{segment(webhook_id)}")
        if answer.status != HTTPStatus.NOT_FOUND:
            self._check(answer)

    async def may_change(self) -> bool:
        """Whether the token may: what is not there is deleted, which changes nothing."""
        try:
            await self.delete("0")
        except NotAllowedError:
            return False
        return True

    async def _create(self, url: str) -> dict[str, Any]:
        body = {"url": url, "events": list(EVENTS), "source": "api"}
        answer = await self._request("POST", "/webhooks", body=body)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise NotAllowedError("WaAPI accepts no further webhook.")
        return mapping(self._read(answer).get("data"))


def _works(subscription: dict[str, Any]) -> bool:
    return has_events(subscription, NEEDED_EVENTS) and (
        boolean(subscription.get("isActive")) is not False
    )


def as_number(value: Any) -> str | None:
    """Read an id, which is a number or its digits [DOC]."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)
