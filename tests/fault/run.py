#!/usr/bin/python3
"""Faults: each call of the keeper's write path failing once (syscalls.py), and processes killed at random under load (kills.py). After each, the
ledger verifies and every row that a client got is in it; gate and keeper come back by themselves."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'e2e')]
sys.dont_write_bytecode = True

import kills  # noqa: E402
import ledger  # noqa: E402
import syscalls  # noqa: E402
from lib import stand  # noqa: E402


def body(tap, place, args):
    syscalls.run(tap, place, args)
    kills.run(tap, place, args)


if __name__ == '__main__':
    sys.exit(stand.run(__doc__, 'fault', 7950, body, sql=ledger.MORE_CUSTOMERS))
