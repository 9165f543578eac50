"""WaAPI's actions: presence, ids, lists.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

from collections.abc import Awaitable, Callable, Mapping
import re
from typing import TYPE_CHECKING, Any, Final

from .world import Chat, Group, Person

if TYPE_CHECKING:
    from .server import Simulator
    from .waapi import WaapiAccount

# What the gateway takes for a chat id (INF): digits, a server, nothing else. A
# wrong server is accepted and does nothing (OBS).
CHAT_ID: Final = re.compile(r"\d{5,20}(-\d{5,20})?@[a-z.]+", re.ASCII)

type Action = Callable[
    [Actions, WaapiAccount, dict[str, Any]],
    Awaitable[dict[str, Any] | list[Any] | bool | None],
]


class ActionError(Exception):
    """An action that failed: HTTP 200 with an inner error (DOC)."""

    def __init__(self, message: str, explanation: str = "") -> None:
        """Keep what is told."""
        super().__init__(message)
        self.message = message
        self.explanation = explanation


class InvalidError(Exception):
    """A body that does not fit: 422 (DOC)."""

    def __init__(self, **errors: str) -> None:
        """Keep what is wrong with which field."""
        super().__init__("invalid")
        self.errors = {name: [text] for name, text in errors.items()}


def _chat_id(body: Mapping[str, Any], name: str = "chatId") -> str:
    """The chat id of a body: required, a string, in the gateway's form."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidError(**{name: f"The {name} field is required."})
    if not CHAT_ID.fullmatch(value):
        raise ActionError("incorrect chatId format.", "digits@c.us or digits@g.us")
    return value


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidError(**{name: f"The {name} field must be an integer."})
    return value


class Actions:
    """What an instance can be made to do."""

    def __init__(self, simulator: Simulator) -> None:
        """Act for a simulator's accounts."""
        self.simulator = simulator

    async def get_chat_presence(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Subscribe or renew, and wait for the first push (DOC).

        Null when the chat is unknown or nothing came within `timeoutMs`.
        """
        asked = _chat_id(body)
        wait = body.get("waitForData", True)
        if not isinstance(wait, bool):
            raise InvalidError(waitForData="The waitForData field must be a boolean.")
        timeout = _number(body, "timeoutMs", 1500) / 1000
        if asked.partition("@")[2] not in {"c.us", "g.us", "lid"}:
            return {"presence": None}
        account.subscribe(asked)
        chat = account.find(asked)
        if chat is None:
            # INF: nothing is ever pushed of a number that nobody has.
            if wait:
                await self.simulator.clock.delay(timeout)
            return {"presence": None}
        if wait:
            await account.wait_for_data(chat.chat_id, timeout)
        return {"presence": self._presence(account, chat, asked)}

    async def get_chat_presence_snapshot(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The cached state, no subscription (DOC)."""
        asked = _chat_id(body)
        chat = account.find(asked)
        if chat is None:
            return {"presence": None}
        return {"presence": self._presence(account, chat, asked)}

    def _presence(
        self, account: WaapiAccount, chat: Chat, asked: str
    ) -> dict[str, Any] | None:
        if chat.chat_id not in account.known and account.quirks.no_data_as == "null":
            return None
        presence = account.presence_object(chat)
        presence["id"] = asked
        if isinstance(chat, Person) and account.quirks.answers_under_lid:
            presence["id"] = chat.lid or asked
        return presence

    async def get_lid(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Lids of numbers and numbers of lids (DOC)."""
        ids = body.get("contactIds")
        if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
            raise InvalidError(contactIds="The contactIds field is required.")
        found = [account.find(contact) for contact in ids]
        return {
            "contacts": [
                {"lid": person.lid, "pn": person.chat_id}
                for person in found
                if isinstance(person, Person) and person.lid is not None
            ]
        }

    async def get_number_id(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The right id of a number (DOC); null: not on WhatsApp."""
        number = body.get("number")
        if not isinstance(number, str) or not number:
            raise InvalidError(number="The number field is required.")
        person = account.look_up(number)
        return {"numberId": None if person is None else _id_object(person.chat_id)}

    async def is_registered_user(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any] | bool:
        """A boolean or an object (DOC)."""
        chat = account.find(_chat_id(body, "contactId"))
        registered = isinstance(chat, Person) and chat.on_whatsapp
        if account.quirks.registered_as == "bool":
            return registered
        return {"isRegisteredUser": registered}

    async def get_chats(self, account: WaapiAccount, body: dict[str, Any]) -> list[Any]:
        """The account's chats (DOC): a list."""
        offset, limit = _number(body, "offset", 0), _number(body, "limit", 1000)
        chats: list[Chat] = [*account.people.values(), *account.groups.values()]
        return [
            {
                "id": _id_object(chat.chat_id),
                "name": chat.name,
                "isGroup": isinstance(chat, Group),
                "timestamp": 0,
                "unreadCount": 0,
            }
            for chat in chats[offset : offset + limit]
        ]

    async def get_contacts(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> list[Any]:
        """The account's contacts (DOC): a list; some under their lid as well (INF)."""
        rows = [
            (contact_id, person)
            for person in account.people.values()
            for contact_id in (person.chat_id, person.lid)
            if contact_id is not None
        ]
        return [
            {
                "id": _id_object(contact_id),
                "name": person.name,
                "pushname": person.name,
                "isMyContact": contact_id == person.chat_id,
                "isGroup": False,
            }
            for contact_id, person in rows
        ]

    async def get_profile_pic_url(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """A picture's address or null (DOC)."""
        chat = account.find(_chat_id(body, "contactId"))
        picture = None if chat is None else chat.picture
        return {
            "profilePicUrl": None
            if picture is None
            else f"{self.simulator.url}{picture}"
        }

    async def get_group_info(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """A group's participants (DOC)."""
        chat = account.find(_chat_id(body))
        if not isinstance(chat, Group):
            raise ActionError("chat is not a group.")
        return {
            "owner": account.me.chat_id,
            "subject": chat.name,
            "participants": [
                {
                    "id": _id_object(
                        member.lid
                        if account.quirks.participants_as_lids and member.lid
                        else member.chat_id
                    ),
                    "isAdmin": False,
                }
                for member in chat.members
            ],
        }

    async def send_presence_available(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Announce the account as online (DOC)."""
        account.own_presence = "available"
        account.own_presence_calls += 1
        return {"available": True}

    async def send_presence_unavailable(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Take that back (DOC)."""
        account.own_presence = "unavailable"
        account.own_presence_calls += 1
        return {"available": False}


def _id_object(chat_id: str) -> dict[str, str]:
    user, _, server = chat_id.partition("@")
    return {"server": server, "user": user, "_serialized": chat_id}


ACTIONS: Final[Mapping[str, Action]] = {
    "get-chat-presence": Actions.get_chat_presence,
    "get-chat-presence-snapshot": Actions.get_chat_presence_snapshot,
    "get-lid": Actions.get_lid,
    "get-number-id": Actions.get_number_id,
    "is-registered-user": Actions.is_registered_user,
    "get-chats": Actions.get_chats,
    "get-contacts": Actions.get_contacts,
    "get-profile-pic-url": Actions.get_profile_pic_url,
    "get-group-info": Actions.get_group_info,
    "send-presence-available": Actions.send_presence_available,
    "send-presence-unavailable": Actions.send_presence_unavailable,
}
