"""Who is who at WAHA and Wawp: lists from the store, ids, pictures, members."""

from typing import TYPE_CHECKING, Any

from .world import Chat, Group, Person

if TYPE_CHECKING:
    from .engine import EngineAccount


class Directory:
    """What one session knows of its chats besides their presence."""

    def __init__(self, account: EngineAccount) -> None:
        """Have asked WhatsApp for nothing."""
        self.account = account
        self.picture_requests = 0

    def check_exists(self, phone: str) -> dict[str, Any]:
        """Tell whether a number is on WhatsApp, which asks WhatsApp (DOC)."""
        self.account.activity("check-exists")
        person = self.account.look_up(phone)
        if person is None:
            return {"numberExists": False}
        return {"numberExists": True, "chatId": person.chat_id}

    def picture_of(self, chat_id: str) -> str | None:
        """Ask WhatsApp for a picture's address."""
        self.account.activity("picture")
        return self._ask_picture(self.account.find(chat_id))

    def _ask_picture(self, chat: Chat | None) -> str | None:
        self.picture_requests += 1
        if chat is not None and chat.picture is not None:
            return f"{self.account.simulator.url}{chat.picture}"
        return None

    def chats(self) -> list[Chat]:
        """All chats, from the store."""
        return [*self.account.people.values(), *self.account.groups.values()]

    def overview(self, listed: list[Chat]) -> list[dict[str, Any]]:
        """Tell of chats; of each, WhatsApp is asked for the picture (SRC)."""
        self.account.activity("overview")
        return [
            {
                "id": chat.chat_id,
                "name": chat.name,
                "picture": self._ask_picture(chat),
                "lastMessage": None,
            }
            for chat in listed
        ]

    def contacts(self) -> list[dict[str, Any]]:
        """All contacts, under number and lid, from the store."""
        return [
            {
                "id": contact_id,
                "name": person.name,
                "pushname": person.name,
                "isWAContact": person.on_whatsapp,
            }
            for person in self.account.people.values()
            for contact_id in (person.chat_id, person.lid)
            if contact_id is not None
        ]

    def pair_of(self, chat_id: str) -> tuple[str | None, str | None]:
        """Number and lid of one person as far as they are learnt (RUN)."""
        person = self.account.find(chat_id)
        if not isinstance(person, Person):
            return None, None
        if person.known_lid is None:
            return (person.chat_id, None) if chat_id == person.chat_id else (None, None)
        return person.chat_id, person.lid

    def members(self, group: Group) -> list[dict[str, Any]]:
        """List a group's members; pairs for free, with the store off too (RUN).

        By lid with a `phoneNumber`, or by number with a `lid`.
        """
        rows: list[dict[str, Any]] = []
        for member in group.members:
            number = f"{member.number}@s.whatsapp.net"
            if member.lid is None:
                rows.append({"id": number, "admin": None})
            elif self.account.quirks.participants_as_lids:
                rows.append({"id": member.lid, "phoneNumber": number, "admin": None})
            else:
                rows.append({"id": number, "lid": member.lid, "admin": None})
        return rows
