"""The others: vendors' clients and real engines, run beside the simulator.

Outside the test suite: `scripts/peers` installs them and runs `python -m tests.peers`.
The programs that run inside a peer's own environment speak JSON on their output and
know nothing of this project; what comes out is compared here.
"""
