"""What WaAPI's answers mean: refusals, and what is inside of the envelopes."""

from http import HTTPStatus
from typing import Any, Final

from .base import (
    GatewayError,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
)
from .refusals import Refusals, Rule
from .values import mapping, text

_FORBIDDEN: Final = frozenset({HTTPStatus.FORBIDDEN})
_NOT_READY_WORDS: Final = (
    "not ready",
    "not connected",
    "disconnected",
    "not authenticated",
    "initializ",
    "qr code",
)
_BAD_CHAT_WORDS: Final = (
    "chatid",
    "chat id",
    "contactid",
    "contact id",
    "wid",
    "no lid",
    "not found",
)

# DOC; what is told in words alone: OBS. Refusals have no codes.
REFUSALS: Final = Refusals(
    "WaAPI",
    credential="API token",
    first=(
        Rule(
            NotAllowedError,
            "The instance is on trial, and may reach only the chats of its trial.",
            words=("trial",),
        ),
        # INF: what a blocked account and a missing scope are called.
        Rule(
            NotAllowedError,
            "The account is blocked by WaAPI, and not allowed to do this.",
            statuses=_FORBIDDEN,
            words=("blocked", "banned", "suspended"),
        ),
        Rule(
            NotAllowedError,
            "The API token lacks a scope, and is not allowed to do this.",
            statuses=_FORBIDDEN,
            words=("scope", "abilit", "permission"),
        ),
        Rule(
            NotFoundError,
            "WaAPI knows no such instance of yours.",
            statuses={HTTPStatus.NOT_FOUND},
        ),
    ),
    not_ready_words=_NOT_READY_WORDS,
    chat_words=_BAD_CHAT_WORDS,
)


def check_envelope(content: dict[str, Any]) -> None:
    """Raise the error of an answer that looks like a success.

    OBS: it is the form in which the SDKs know an instance that is not connected.
    """
    if text(content.get("status")) == "error":
        hint = _words(content) + _words(mapping(content.get("data")))
        raise _refusal(hint, NotReadyError)


def read_payload(content: dict[str, Any]) -> Any:
    """Return what is inside of the envelopes of an action's answer [DOC]."""
    data = content.get("data")
    if isinstance(data, dict):
        if text(data.get("status")) == "error":
            raise _refusal(_words(data), InvalidResponseError)
        if data.get("data") is not None:
            return data["data"]
    return data


def _refusal(hint: str, otherwise: type[GatewayError]) -> GatewayError:
    return REFUSALS.find(HTTPStatus.OK, hint, otherwise=otherwise)


def _words(refusal: dict[str, Any]) -> str:
    return " ".join(
        (text(refusal.get(key)) or "").lower() for key in ("message", "explanation")
    )
