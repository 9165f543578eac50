"""What a gateway's refusals mean: its own words, and what all mean by a status."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from .base import (
    AuthenticationError,
    GatewayError,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
    UnreachableError,
)
from .client import Answer

_FORBIDDEN: Final = frozenset({HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})
_NO_CHAT: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Rule:
    """A refusal that can be recognised, and the error that it tells of.

    All that is given must be so: one of the statuses, one of the words (in lower case),
    and that what was asked for was a chat. The message is our own; the gateway's words
    may hold a number.
    """

    error: type[GatewayError]
    message: str
    statuses: Collection[int] = ()
    words: Sequence[str] = ()
    of_chat: bool = False

    def fits(self, status: int, hint: str, *, chat: bool) -> bool:
        """Whether a refusal is of this kind."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.words or any(word in hint for word in self.words))
            and (chat or not self.of_chat)
        )


class Refusals:
    """Finds the error that a refusal tells of: the first rule that fits.

    `first` goes before what a status says; words count where that does not tell.
    `codes` are words that tell even in a web page.
    """

    def __init__(
        self,
        name: str,
        *,
        credential: str,
        instance: str = "instance",
        first: Sequence[Rule] = (),
        not_ready: Collection[int] = frozenset({HTTPStatus.CONFLICT}),
        not_ready_words: Sequence[str] = (),
        chat_words: Sequence[str] = (),
        codes: Sequence[str] = (),
    ) -> None:
        """Begin with the rules that all gateways share."""
        self._name = name
        self._codes = codes
        wrong = f"The {credential} is wrong or was revoked."
        forbidden = f"The {credential} or the account is not allowed to do this."
        disconnected = f"The {instance} is not connected to WhatsApp."
        no_chat = f"{name} does not accept this chat."
        no_instance = f"{name} knows no such {instance} of yours."
        self._rules = (
            *first,
            Rule(AuthenticationError, wrong, {HTTPStatus.UNAUTHORIZED}),
            Rule(NotAllowedError, forbidden, _FORBIDDEN),
            Rule(UnreachableError, f"{name} is out of order.", range(500, 600)),
            Rule(NotReadyError, disconnected, not_ready),
            *(Rule(NotReadyError, disconnected, words=(w,)) for w in not_ready_words),
            *(Rule(NotFoundError, no_chat, words=(w,)) for w in chat_words),
            Rule(NotFoundError, no_chat, _NO_CHAT, of_chat=True),
            Rule(NotFoundError, no_instance, {HTTPStatus.NOT_FOUND}),
            Rule(
                RateLimitedError,
                "The gateway wants fewer requests.",
                {HTTPStatus.TOO_MANY_REQUESTS},
            ),
        )

    def error(self, answer: Answer, *, chat: bool = False) -> GatewayError:
        """Return the error that an answer tells of; `chat`: what is refused is a chat.

        Raises UnreachableError if it was not the gateway that refuses a chat.
        """
        if chat and not any(code in answer.hint for code in self._codes):
            answer.check_refusal()
        return self.find(answer.status, answer.hint, chat=chat)

    def find(
        self,
        status: int,
        hint: str,
        *,
        chat: bool = False,
        otherwise: type[GatewayError] = InvalidResponseError,
    ) -> GatewayError:
        """Return the error that a status and the words beside it tell of."""
        for rule in self._rules:
            if rule.fits(status, hint, chat=chat):
                return rule.error(rule.message)
        return otherwise(f"{self._name} refused the request.")
