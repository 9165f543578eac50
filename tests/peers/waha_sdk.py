"""Runs inside waha-py: calls what it is told to, and reads it with its own models.

python waha_sdk.py URL KEY CALLS EVENTS, as JSON. A call is [label, api, method,
arguments, model or null]; a model in a list, `[model]`, reads each of a list. An event
is [label, model, body].
"""

import inspect
import json
import sys

import httpx
from pydantic import ValidationError
from waha import WahaClient
from waha.generated import api as generated_api, models
from waha.http import WahaHttpClient


def read(model, value):
    """Tell whether a model takes a value, else what it is that it does not take."""
    many = isinstance(model, list)
    if many and not isinstance(value, list):
        return "no list"
    wanted = getattr(models, model[0] if many else model)
    for one in value if many else [value]:
        try:
            wanted.model_validate(one)
        except ValidationError as err:
            return sorted(
                {
                    f"{'.'.join(map(str, error['loc']))}: {error['type']}"
                    for error in err.errors()
                }
            )
    return "taken"


def calls_known() -> list[str]:
    """All that the client can call, as `METHOD path` with {} for what varies."""
    found = set()

    class Recorder(WahaHttpClient):
        def request(self, method, path, **_):
            found.add(f"{method} {path}")
            return httpx.Response(204)

    recorder = Recorder("http://127.0.0.1")
    for _, kind in inspect.getmembers(generated_api, inspect.isclass):
        if not kind.__name__.endswith("Api"):
            continue
        for name, method in inspect.getmembers(kind(recorder), inspect.ismethod):
            if name.startswith(("_", "a_")):
                continue
            needed = [
                parameter
                for parameter in inspect.signature(method).parameters.values()
                if parameter.default is parameter.empty
                and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            ]
            method(*("{}" for _ in needed))
    return sorted(found)


def main() -> None:
    """Make the calls, read the answers and the events."""
    url, key = sys.argv[1], sys.argv[2]
    client = WahaClient(url, api_key=key, timeout=20)
    answers = {}
    for label, api, method, arguments, model in json.loads(sys.argv[3]):
        try:
            answer = getattr(getattr(client, api), method)(**arguments)
        except httpx.HTTPStatusError as err:
            response = err.response
            answers[label] = {"status": response.status_code, "body": response.text}
            continue
        answers[label] = {"answer": answer, "read": model and read(model, answer)}
    events = {
        label: read(model, body) for label, model, body in json.loads(sys.argv[4])
    }
    json.dump(
        {"calls": calls_known(), "answers": answers, "events": events}, sys.stdout
    )


if __name__ == "__main__":
    main()
