"""Runs inside neonize: which fields and words whatsmeow's presence has, and its ids."""

import json
import sys

from neonize.proto import Neonize_pb2 as messages
from neonize.utils.jid import Jid2String, JIDToNonAD, build_jid


def fields(name: str) -> dict:
    """The fields of a message; of an enumeration its words."""
    return {
        field.name: [value.name for value in field.enum_type.values]
        if field.enum_type
        else field.cpp_type
        for field in getattr(messages, name).DESCRIPTOR.fields
    }


def main() -> None:
    """Tell all."""
    device = build_jid("15555550101")
    device.Device = 12
    agent = build_jid("15555550101")
    agent.RawAgent = 1
    agent.Device = 12
    json.dump(
        {
            "Presence": fields("Presence"),
            "ChatPresence": fields("ChatPresence"),
            "MessageSource": fields("MessageSource"),
            "GroupParticipant": fields("GroupParticipant"),
            "ids": [
                [Jid2String(jid), Jid2String(JIDToNonAD(jid))]
                for jid in (
                    device,
                    agent,
                    build_jid("20100000000001", "lid"),
                    build_jid("120363000000000001", "g.us"),
                )
            ],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
