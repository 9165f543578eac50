"""A simulator of the WhatsApp gateways, for tests, the demo and the benchmark.

It speaks WaAPI's, Wawp's and WAHA's dialects on one loopback port, as odd and as
strict as they are reported to be. It knows nothing of the integration: it is an
independent reading of the vendors' contracts.
"""

from .announcing import Announcer, Span
from .clock import Clock, HurriedClock, LoopClock, SkippingClock, VirtualClock
from .delivery import Delivery, Faults, Outcome
from .kindness import STRICT, Kindness
from .scenario import Scenario
from .server import RecordedRequest, Simulator
from .waapi import WaapiAccount
from .waha import WahaAccount
from .wawp import WawpAccount
from .world import Account, Group, Person, State

__all__ = [
    "STRICT",
    "Account",
    "Announcer",
    "Clock",
    "Delivery",
    "Faults",
    "Group",
    "HurriedClock",
    "Kindness",
    "LoopClock",
    "Outcome",
    "Person",
    "RecordedRequest",
    "Scenario",
    "Simulator",
    "SkippingClock",
    "Span",
    "State",
    "VirtualClock",
    "WaapiAccount",
    "WahaAccount",
    "WawpAccount",
]
