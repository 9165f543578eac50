"""Runs inside WaAPI's own SDK: calls what it is told to, and tells what came out.

python waapi_sdk.py URL TOKEN CALLS, the calls as JSON: [label, instance, token or
null, method, arguments].
"""

from contextlib import ExitStack
import inspect
import json
import sys

from waapi import WaAPI, WaAPIError
from waapi._generated import GeneratedActions


def actions() -> list[str]:
    """The names of all actions that the SDK can run."""
    found: list[str] = []

    class Recorder(GeneratedActions):
        def action(self, name, payload=None, *, instance_id=None):
            found.append(name)

    recorder = Recorder()
    for name, method in inspect.getmembers(recorder, inspect.ismethod):
        if name == "action" or name.startswith("_"):
            continue
        needed = [
            parameter
            for parameter in inspect.signature(method).parameters.values()
            if parameter.default is parameter.empty
        ]
        method(*(None for _ in needed))
    return sorted(found)


def main() -> None:
    """Make the calls, one after the other."""
    url, token, calls = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    answers = {}
    with ExitStack() as stack:
        for label, instance, other_token, method, arguments in calls:
            client = stack.enter_context(
                WaAPI(other_token or token, instance_id=instance, base_url=url)
            )
            try:
                answer = getattr(client, method)(**arguments)
            except WaAPIError as err:
                answer = {"raised": type(err).__name__}
                if hasattr(err, "retry_after"):
                    answer["retry_after"] = err.retry_after
            answers[label] = answer
    json.dump({"actions": actions(), "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
