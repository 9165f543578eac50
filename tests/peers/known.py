"""Differences that are known, each with its reason; any other one is a failure."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Known:
    """What is said here instead, and why."""

    ours: Any
    reason: str


_WORDS: Final = (
    "The client's models are made from WAHA's published description, which calls a word "
    "that comes from a list an object. Servers send the word [DOC]."
)
_NO_BROWSER: Final = (
    "The description wants texts. What an engine without a browser has there, and a "
    "server whose worker has no name, nobody showed; the simulator says null, which is "
    "the harder to read."
)

KNOWN: Final[dict[tuple[str, str], Known]] = {
    ("waha-py", "session: read by SessionInfo"): Known(
        ["presence: dict_type"], f"{_WORDS} What it holds here is UNKNOWN."
    ),
    ("waha-py", "sessions: read by ['SessionInfo']"): Known(
        ["presence: dict_type"], f"{_WORDS} What it holds here is UNKNOWN."
    ),
    ("waha-py", "event's envelope"): Known(
        [
            "environment.browser: string_type",
            "environment.worker.id: string_type",
            "event: dict_type",
        ],
        f"{_WORDS} {_NO_BROWSER}",
    ),
    ("waha-py", "event's environment"): Known(
        ["browser: string_type", "worker.id: string_type"], _NO_BROWSER
    ),
    ("waha-py", "version: read by WAHAEnvironment"): Known(
        ["browser: string_type", "worker.id: string_type"], _NO_BROWSER
    ),
    ("waha-py", "members: read by ['GroupParticipant']"): Known(
        ["role: missing"],
        "NOWEB hands out what its engine has: `phoneNumber` or `lid`, and `admin` [RUN].",
    ),
    ("waha-py", "overview: read by ['ChatSummary']"): Known(
        ["_chat: missing", "lastMessage: dict_type"],
        "The integration never asks for the overview, since that asks WhatsApp for each "
        "chat's picture; the simulator answers no more than WAHA documents.",
    ),
}
