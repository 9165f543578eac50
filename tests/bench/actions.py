"""From the POST to the action: how soon an automation acts on what was told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
import itertools
import json
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

# What is in double braces is put in later.
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
          entity_id: {{told}}
    actions:
      - event: {_DONE}
  - alias: Bench state
    mode: queued
    triggers:
      - trigger: state
        entity_id: {{others}}
        from: "off"
        to: "on"
    actions:
      - event: {_DONE}
  - alias: Bench template
    mode: queued
    triggers:
      - trigger: state
        entity_id: {{templates}}
        from: "off"
        to: "on"
    actions:
      - event: {_DONE}
"""
# A chat that changes many times a second is shown less often: so they take turns, and
# rest. Templates are worked off one after the other; these are all over their order.
TURNS: Final = 5
# So many rounds of turns are looked at together; a number of samples is a multiple.
ROUNDS: Final = 10
_REST: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the event goes that an automation waits for, and whom it tells of.

    `beside`: of the chats' neighbours, whom no other automation waits for.
    """

    webhook_id: str
    beside: bool = False


_WAYS: Final = {
    IDEAL: _Way(IDEAL_WEBHOOK),
    CAME_ONLINE: _Way(OUR_WEBHOOK),
    STATE: _Way(OUR_WEBHOOK, beside=True),
    TEMPLATE: _Way(TEMPLATE_WEBHOOK),
}


def action_configuration(chats: list[Chat]) -> str:
    """Return the YAML of the templates and of the automations on either."""
    told = _turns(chats)
    return template_configuration(chats) + _AUTOMATIONS.format(
        told=json.dumps([f"binary_sensor.contact_{number}" for number in told]),
        others=json.dumps([f"binary_sensor.contact_{number - 1}" for number in told]),
        templates=json.dumps(
            [f"binary_sensor.contact_{number}_online" for number in told]
        ),
    )


def _turns(chats: list[Chat]) -> list[int]:
    """Return the numbers of the chats that take turns."""
    return [len(chats) * (2 * turn + 1) // (2 * TURNS) for turn in range(TURNS)]


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
        for _, number in zip(range(samples), itertools.cycle(_turns(chats))):
            await asyncio.sleep(_REST)
            for name, way in _WAYS.items():
                chat = chats[number - way.beside]
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
