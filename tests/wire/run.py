#!/usr/bin/python3
"""Hostile peers: every message in every state, wrong lengths, cut messages, rubbish, from the client's side (client.py) and from the server's
(server.py). The gate must answer as PostgreSQL does or end that one session with a clear error, and live on unharmed."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'e2e')]
sys.dont_write_bytecode = True

import client  # noqa: E402
import server  # noqa: E402
from lib import stand  # noqa: E402


def body(tap, place, args):
    client.run(tap, place, args)
    server.run(tap, place, args)


if __name__ == '__main__':
    sys.exit(stand.run(__doc__, 'wire', 7900, body))
