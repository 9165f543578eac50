"""What every gateway owes the integration: the protocol, its words, its errors."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol, Self, runtime_checkable

from aiohttp import ClientSession

from ..presence.model import PresenceUpdate, Source


class GatewayError(Exception):
    """A gateway did not do what it was asked; the message is fit for a user.

    No message carries a token, a phone number or a name.
    """


class AuthenticationError(GatewayError):
    """The credentials are wrong or were revoked."""


class NotAllowedError(GatewayError):
    """The credentials are good, but the plan, trial or scope does not allow this."""


class NotFoundError(GatewayError):
    """There is no such instance, chat or webhook, or it is somebody else's."""


class NotReadyError(GatewayError):
    """The instance is not connected to WhatsApp."""


class NotWantedError(NotReadyError):
    """A request was not sent: when its turn came, nobody wanted it any more."""


class RateLimitedError(GatewayError):
    """Too many requests."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Keep how many seconds the gateway wants to be left alone, if it said so."""
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(GatewayError):
    """The gateway did not answer, or answered that it is out of order."""


class InvalidResponseError(GatewayError):
    """The gateway answered something that makes no sense."""


class InvalidEventError(GatewayError):
    """What arrived at the webhook is no event of this gateway."""


class Transport(StrEnum):
    """How a gateway's events arrive."""

    WEBHOOK = "webhook"
    WEBSOCKET = "websocket"


class InstanceStatus(StrEnum):
    """How an instance stands; only READY can subscribe."""

    READY = "ready"
    STARTING = "starting"
    LOGIN_REQUIRED = "login_required"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    UNKNOWN = "other"

    @property
    def passing(self) -> bool:
        """Whether an instance that stands like this may well come back by itself.

        Not where somebody has to log in, nor where it failed for good.
        """
        return self in _PASSING


_PASSING: Final = frozenset(
    {InstanceStatus.STARTING, InstanceStatus.DISCONNECTED, InstanceStatus.UNKNOWN}
)


class CannotTell(StrEnum):
    """Why an instance tells no presence, or not all, until its user changes something."""

    TAGS_OFF = "tags_off"
    """The engine tells presences only with a switch on, which is off."""
    VERSION_TOO_OLD = "version_too_old"
    """The engine's presence calls fail in this version."""
    STORE_OFF = "store_off"
    """Ids can't be looked up without the store: some contacts may stay unknown."""

    @property
    def is_silent(self) -> bool:
        """Whether nothing at all is told."""
        return self is not CannotTell.STORE_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a gateway can do.

    `answers` is what an answer of `subscribe` or `snapshot` is. `announce_seconds` is how
    long the account is shown online after a call that asks WhatsApp for something: each
    `subscribe`, `snapshot`, `resolve` and `picture_url`; all others are free.
    `repeats_bodies`: its events carry no id and no time of their own, so that who says
    the same again at the webhook sends the very same bytes.
    `lookup_batch` is how many ids one call of `aliases` may take.
    `overwrites_webhooks`: writing one writes all of them, so that two who write at the
    same moment may undo each other.
    `self_hosted` gateways may be spoken to in plain http, wherever they are;
    cloud gateways only on loopback and private addresses (a proxy, a simulator).
    """

    transport: Transport
    manages_webhooks: bool
    signs_webhooks: bool
    sets_available: bool
    has_pictures: bool
    answers: Source
    self_hosted: bool = False
    repeats_bodies: bool = False
    announce_seconds: float = 0.0
    lookup_batch: int = 1
    overwrites_webhooks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInfo:
    """What a gateway tells of the instance.

    `account_id` is the account's own chat id; `account_name` its display name.
    `engine` and `version` are the server's words for what runs there, `cannot_tell` why
    that tells no presence, or not all, and `remedy` the line to add there, or the version
    that is needed; `trial` whether the plan is one. None: unknown.
    """

    status: InstanceStatus
    account_id: str | None = None
    account_name: str | None = None
    engine: str | None = None
    version: str | None = None
    cannot_tell: CannotTell | None = None
    remedy: str | None = None
    trial: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatInfo:
    """A chat or contact of the account, to choose from, or a member of a group.

    `alias` is the other id (number or lid) of the same person, where the list tells it.
    """

    chat_id: str
    name: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook registered at the gateway.

    `working` is False when it is switched off there, or lacks an event that the
    integration needs.
    """

    webhook_id: str
    url: str
    working: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceEvent:
    """The gateway says that the instance's status is now this."""

    status: InstanceStatus
    event_id: str | None = None
    time: float | None = None


type GatewayEvent = PresenceUpdate | InstanceEvent

type JsonLoads = Callable[[bytes], Any]


class Gateway(Protocol):
    """A WhatsApp gateway, seen from one instance.

    Every coroutine may raise any GatewayError; what each gateway's documentation
    says, and how sure that is, stands at the gateway's own methods. What one need not
    have does nothing here, or says that it can't be had.
    """

    # The key in config entries and texts, and the product's name.
    key: ClassVar[str]
    name: ClassVar[str]
    default_url: ClassVar[str | None]
    # The config flow's fields for the instance's name and for the credentials.
    instance_field: ClassVar[str]
    token_field: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    # Where its users enter a webhook by hand, as the menus there are called, and what
    # the events are called there that the integration needs.
    webhook_page: ClassVar[str] = ""
    webhook_events: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_config(
        cls,
        session: ClientSession,
        config: Mapping[str, Any],
        *,
        json_loads: JsonLoads = ...,
    ) -> Self:
        """Create from the fields that the config flow collected.

        Raises ValueError if `url` is no http URL.
        """

    @property
    def url(self) -> str:
        """The gateway's base URL."""

    @property
    def unique_id(self) -> str:
        """What tells this instance from all others of the same gateway."""

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be logged."""

    @property
    def odd_shapes(self) -> list[dict[str, Any]]:
        """The shapes of what came in a form that nobody showed, fit for a report."""
        return []

    async def validate(self) -> InstanceInfo:
        """Check credentials and instance; an instance that is not ready is no error."""
        return await self.status()

    async def status(self) -> InstanceInfo:
        """Ask how the instance stands."""

    async def subscribe(self, chat_id: str, wait: bool = True) -> PresenceUpdate | None:
        """Ask for a chat's events, or ask again; returns its state if that is told.

        It is not where `presences` answers for all chats at once. `wait`: for what
        WhatsApp says first, some seconds; a gateway that does not wait ignores it.
        """

    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for a chat's state without renewing anything, where that is possible.

        Gateways that remember by id may know another id of the chat better.
        """
        return None

    async def presences(self) -> list[PresenceUpdate] | None:
        """Ask for all that is known of all chats at once, which costs the account nothing.

        None: the gateway can't, or not now; then each chat has to be asked. An empty
        list: it can, and has heard of nobody yet.
        """
        return None

    def parse_event(self, raw: bytes, headers: Mapping[str, str]) -> list[GatewayEvent]:
        """Read what arrived at the webhook; empty if it is nothing of interest.

        Raises InvalidEventError if it is no event of this gateway.
        """

    def verify_signature(
        self, raw: bytes, headers: Mapping[str, str], secret: str
    ) -> bool:
        """Whether the body was signed with the secret; in constant time."""

    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats and contacts, last written with first where known.

        It costs the account nothing, and asks for no picture.
        """

    async def resolve(self, number: str) -> str | None:
        """Find the chat id of a phone number (digits alone); None: not on WhatsApp.

        Where the gateway can't tell, the plain id of the number.
        """

    async def aliases(self, chat_ids: Sequence[str]) -> dict[str, str]:
        """Find the other id (number or lid) of each of the given ids, where known.

        They are at most `lookup_batch`. An id that the gateway can't tell of is missing
        from the answer; the gateway may learn of it later.
        """
        return {}

    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members, with names where the gateway tells them."""
        return []

    async def picture_url(self, chat_id: str) -> str | None:
        """Find the address of a chat's picture."""
        return None

    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer."""
        raise NotAllowedError(f"{self.name} does not announce anybody.")

    async def may_register(self) -> bool:
        """Whether webhooks may be registered with these credentials; registers none."""
        try:
            await self.list_webhooks()
        except NotAllowedError:
            return False
        return True

    async def list_webhooks(self) -> list[Webhook]:
        """List the webhooks that are registered for the instance.

        A gateway that does not manage webhooks raises NotAllowedError for all three.
        """
        raise NotAllowedError(f"{self.name}'s webhooks are set in its configuration.")

    async def create_webhook(self, url: str) -> None:
        """Register a webhook for the events that the integration needs."""
        await self.list_webhooks()

    async def delete_webhook(self, webhook_id: str) -> None:
        """Remove a webhook; one that is gone already is no error."""
        await self.list_webhooks()

    def events(self) -> AsyncGenerator[list[GatewayEvent]]:
        """Connect and yield events until the connection ends (websocket gateways).

        An empty list comes first, once the connection has held for a moment; to connect
        again is the caller's business. Raises any GatewayError; other gateways NotAllowedError.
        """
        raise NotAllowedError(f"The events of {self.name} arrive at a webhook.")


@runtime_checkable
class InstanceLister(Protocol):
    """A gateway whose credentials open several instances, for the user to choose."""

    async def list_instances(self) -> list[str]:
        """List the names of the instances; the client needs none for this."""
