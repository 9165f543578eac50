"""One account at a gateway, and what is done for it; a room for each job.

A room knows the rooms below it, and tells those above by a callback that it was
given. From the top: the hub, which holds the rooms together; the coordinator, who
knows how the account stands; webhook and stream, where events come in; rounds, which
ask; the timetable, which says when; delivery, which watches whether events come;
people, who know whose an event is; the chats.
"""
