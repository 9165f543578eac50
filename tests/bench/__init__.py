"""The benchmark: what an event costs, and what a thousand chats do.

Home Assistant runs in processes of its own, with its recorder on; the gateway's side
is this process. What is compared is measured in turns within one run.
"""
