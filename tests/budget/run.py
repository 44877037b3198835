#!/usr/bin/python3
"""Budgets are exact: races of 64 sessions, with deaths of gate and keeper in between (race.py), what comes back when an answer was not delivered (returned.py), and
policies that are loaded in the middle of a race (reload.py). --full: 50 races each of a person and of an employer, about ten minutes."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'e2e')]
sys.dont_write_bytecode = True

import race  # noqa: E402
import reload  # noqa: E402
import returned  # noqa: E402
from lib import stand  # noqa: E402


def body(tap, place, args):
    returned.run(tap, place, args)
    reload.run(tap, place, args)
    race.run(tap, place, args)


def arguments(p):
    p.add_argument('--rounds', type=int, default=6, help='races of a person, and of an employer')


if __name__ == '__main__':
    with open(os.path.join(stand.E2E, 'count.sql')) as f:
        sys.exit(stand.run(__doc__, 'budget', 8050, body, sql=f.read(), arguments=arguments))
