"""From the POST to the action: how soon an automation acts on what was told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
import itertools
import time
from typing import Any, Final

from .events import (
    IDEAL_WEBHOOK,
    OUR_WEBHOOK,
    TEMPLATE_WEBHOOK,
    Chat,
    template_configuration,
)
from .host import Host

IDEAL, CAME_ONLINE, STATE, TEMPLATE = (
    "webhook trigger",
    "came_online",
    "state of the entity",
    "state of the template",
)
_DONE: Final = "bench_done"

_AUTOMATIONS: Final = f"""\
automation bench:
  - alias: Bench ideal
    mode: queued
    triggers:
      - trigger: webhook
        webhook_id: {IDEAL_WEBHOOK}
        allowed_methods: [POST]
        local_only: false
    actions:
      - event: {_DONE}
  - alias: Bench came online
    mode: queued
    triggers:
      - trigger: whatsapp_presence.came_online
        target:
          entity_id: binary_sensor.contact_0
    actions:
      - event: {_DONE}
  - alias: Bench state
    mode: queued
    triggers:
      - trigger: state
        entity_id: binary_sensor.contact_1
        from: "off"
        to: "on"
    actions:
      - event: {_DONE}
  - alias: Bench template
    mode: queued
    triggers:
      - trigger: state
        entity_id: binary_sensor.contact_0_online
        from: "off"
        to: "on"
    actions:
      - event: {_DONE}
"""


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the event goes that an automation waits for, and whom it tells of."""

    webhook_id: str
    chat: int


_WAYS: Final = {
    IDEAL: _Way(IDEAL_WEBHOOK, 0),
    CAME_ONLINE: _Way(OUR_WEBHOOK, 0),
    STATE: _Way(OUR_WEBHOOK, 1),
    TEMPLATE: _Way(TEMPLATE_WEBHOOK, 0),
}


def action_configuration(chats: list[Chat]) -> str:
    """Return the YAML of the templates and of the automations on either."""
    return template_configuration(chats) + _AUTOMATIONS


async def measure_actions(
    host: Host, chats: list[Chat], samples: int
) -> dict[str, list[float]]:
    """Return the seconds from a POST to the action, of each way, taken in turns.

    Both ends are told by the system's clock, which all processes share.
    """
    times: dict[str, list[float]] = {way: [] for way in _WAYS}
    async with host.home_assistant.session.ws_connect("/api/websocket") as connection:
        numbers = itertools.count(1)

        async def send(**message: Any) -> None:
            await connection.send_json(message)

        await connection.receive_json()
        await send(type="auth", access_token=host.home_assistant.token)
        await connection.receive_json()
        await send(id=next(numbers), type="subscribe_events", event_type=_DONE)
        await connection.receive_json()
        for _ in range(samples):
            for name, way in _WAYS.items():
                chat = chats[way.chat]
                await host.post(way.webhook_id, chat.leave())
                if name == IDEAL:
                    # Any event sets it off.
                    await connection.receive_json(timeout=10)
                times[name].append(
                    await _sample(
                        host, way.webhook_id, chat.change(), connection.receive_json
                    )
                )
    return times


async def _sample(
    host: Host, webhook_id: str, body: bytes, receive: Callable[..., Any]
) -> float:
    begin = time.time()
    post = asyncio.create_task(host.post(webhook_id, body))
    message = await receive(timeout=10)
    await post
    fired = datetime.fromisoformat(message["event"]["time_fired"])
    return fired.timestamp() - begin
