"""An instance's webhook subscriptions at WaAPI."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from .base import NotAllowedError, Webhook
from .client import Answer, segment
from .values import address, boolean, has_events, items, mapping, text
from .waapi_events import EVENTS, NEEDED_EVENTS


class WaApiWebhooks:
    """Lists, adds and removes them [DOC]."""

    def __init__(
        self,
        request: Callable[..., Awaitable[Answer]],
        read: Callable[[Answer], dict[str, Any]],
        check: Callable[[Answer], None],
    ) -> None:
        """Take how the instance is asked, how an answer is read, and how it is checked.

        The latter two raise the error of an answer that says that it was not done.
        """
        self._request = request
        self._read = read
        self._check = check

    async def all(self) -> list[Webhook]:
        """List those that have an id and an address."""
        answer = self._read(await self._request("GET", "/webhooks"))
        return [
            Webhook(webhook_id=webhook_id, url=url, working=_works(subscription))
            for subscription in map(mapping, items(answer, "data"))
            if (webhook_id := _number(subscription.get("id")))
            and (url := address(subscription.get("url")))
        ]

    async def add(self, url: str) -> None:
        """Add one.

        DOC: a URL that is registered already is answered with what there is, maybe
        with other events [INF], so that is replaced. At most 25 for an instance.
        """
        subscription = await self._create(url)
        webhook_id = _number(subscription.get("id"))
        if webhook_id and not _works(subscription):
            await self.remove(webhook_id)
            await self._create(url)

    async def remove(self, webhook_id: str) -> None:
        """Remove one; that it is gone already is no error."""
        answer = await self._request("DELETE", f"/webhooks/{segment(webhook_id)}")
        if answer.status != HTTPStatus.NOT_FOUND:
            self._check(answer)

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


def _number(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)
