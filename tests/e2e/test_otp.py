"""gatehouse otp: enrolment with and without a terminal, what is written where, and that nothing changes without an entry."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import pty
import re
import signal
import stat
import subprocess
import time
import urllib.parse

from lib import gate, owner, ports
from lib.env import equal, test, true, until


def totp(secret, when):
    mac = hmac.new(base64.b32decode(secret), int(when // 30).to_bytes(8, 'big'), hashlib.sha1).digest()
    at = mac[19] & 15
    return '%06d' % ((int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 1000000)


@contextlib.contextmanager
def own_gate(env, name, **settings):
    g = gate.Gate(os.path.join(env.folder, name), env.binary, env.cluster, ports.free_port(), env.authority, {'otp': 'otp.sealed', **settings})
    try:
        yield g
    finally:
        if g.process:
            g.stop()


def read(g, name='otp.sealed'):
    with open(os.path.join(g.folder, name), 'rb') as f:
        return f.read()


def enrolled(text):
    """What `otp enroll` prints: secret, name, recovery codes."""
    uri = urllib.parse.urlsplit(re.search(r'otpauth://\S+', text)[0])
    query = urllib.parse.parse_qs(uri.query, strict_parsing=True)
    equal((uri.netloc, query['algorithm'], query['digits'], query['period'], query['issuer']), ('totp', ['SHA1'], ['6'], ['30'], ['e2e']))
    return query['secret'][0], urllib.parse.unquote(uri.path), re.findall(r'^ *([0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5})\r?$', text, re.M)


def entries(g):
    return [(e['target'], e['why'], e['operator'], e['node']) for e in g.entries(kind='enroll')]


def dialogue(g, *words, answers):
    """The command at a terminal: each answer is given when a code is asked for; a function is given what was printed. (status, output)"""
    master, slave = pty.openpty()
    process = subprocess.Popen([g.binary, *words, '-c', g.conf], stdin=slave, stdout=slave, stderr=slave, cwd=g.folder, **owner.popen_as())
    os.close(slave)
    out, asked = b'', 0
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        out += piece
        while out.count(b'(empty: stop): ') > asked:
            answer = answers[asked]
            os.write(master, (answer(out.decode()) if callable(answer) else answer).encode() + b'\n')
            asked += 1
    os.close(master)
    return process.wait(20), out.decode()


@test(gate=True, direct=False, timeout=120)
def commands(env):
    with own_gate(env, 'otp1') as g:
        equal(g.cli('otp', 'list').stdout, '')
        equal(stat.S_IMODE(os.stat(os.path.join(g.folder, 'otp.key')).st_mode), 0o600)
        done = g.cli('otp', 'enroll', 'anna', check=False)  # no keeper: no entry, no change
        equal((done.returncode, done.stdout), (2, ''))
        true('not running' in done.stderr, done.stderr)
        true(not os.path.exists(os.path.join(g.folder, 'otp.sealed')), 'a file without an entry')
        g.start()
        secret, path, codes = enrolled(g.cli('otp', 'enroll', 'anna').stdout)
        equal((len(secret), path, len(set(codes))), (32, '/e2e:anna', 10))
        sealed = read(g)
        equal(stat.S_IMODE(os.stat(os.path.join(g.folder, 'otp.sealed')).st_mode), 0o600)
        true(re.fullmatch(rb'anna\t\d{4}-\d\d-\d\d\t[A-Za-z0-9+/]{294}==\n', sealed) is not None or len(sealed) == len(b'anna\t2026-11-22\t\n') + 296, sealed)
        true(base64.b32decode(secret) not in base64.b64decode(sealed.split(b'\t')[2]), 'the secret is sealed')
        done = g.cli('otp', 'enroll', 'anna', check=False)
        true(done.returncode == 2 and 'already' in done.stderr and '--replace' in done.stderr, done.stderr)
        equal(read(g), sealed)
        again, _, _ = enrolled(g.cli('otp', 'enroll', 'anna', '--replace').stdout)
        true(again != secret and read(g) != sealed, 'a new secret')
        done = g.cli('otp', 'enroll', 'name with blanks 王')
        true('not in the people file' in done.stderr, done.stderr)
        equal([e['actor'] for e in json.loads(g.cli('otp', 'list', '--json').stdout)], ['anna', 'name with blanks 王'])
        for name in ('', 'a\tb', 'a\nb'):
            equal(g.cli('otp', 'enroll', name, check=False).returncode, 2)
        equal(g.cli('otp', 'remove', 'nobody', check=False).returncode, 2)
        g.cli('otp', 'remove', 'anna')
        equal([e['actor'] for e in json.loads(g.cli('otp', 'list', '--json').stdout)], ['name with blanks 王'])
        who = entries(g)[0][2]
        true(who, 'an operator')
        want = [('actor anna', 'enrolled'), ('actor anna', 'replaced'), ('actor name with blanks 王', 'enrolled'), ('actor anna', 'removed')]
        equal(entries(g), [(target, why, who, 'e2e') for target, why in want])


@test(gate=True, direct=False, timeout=120)
def refused(env):
    """The ledger refuses, or the key is another: nothing changes."""
    with own_gate(env, 'otp2') as g:
        g.start()
        g.cli('otp', 'enroll', 'anna')
        sealed, key = read(g), os.path.join(g.folder, 'otp.key')
        keeper = g.role_pid('keeper')
        os.kill(keeper, signal.SIGSTOP)
        try:
            done = g.cli('otp', 'remove', 'anna', check=False)
            equal(done.returncode, 2)
        finally:
            os.kill(keeper, signal.SIGCONT)
        equal(read(g), sealed)
        own = read(g, 'otp.key')
        with open(key, 'wb') as f:
            f.write(base64.b64encode(bytes(32)) + b'\n')
        for words in (('list',), ('enroll', 'bo'), ('remove', 'anna')):
            done = g.cli('otp', *words, check=False)
            true(done.returncode == 2 and 'does not open' in done.stderr, done.stderr)
        os.unlink(key)
        done = g.cli('otp', 'enroll', 'bo', check=False)
        true(done.returncode == 2 and 'restore it' in done.stderr, done.stderr)
        true(not os.path.exists(key), 'another key was made')
        with open(key, 'wb') as f:
            f.write(own)
        os.chmod(key, 0o644)
        equal(g.cli('otp', 'list', check=False).returncode, 2)
        os.chmod(key, 0o600)
        owner.give(key)
        equal(read(g), sealed)
        equal(len(g.cli('otp', 'list').stdout.splitlines()), 1)


@test(gate=True, direct=False, timeout=120)
def terminal(env):
    with own_gate(env, 'otp3') as g:
        os.unlink(os.path.join(g.folder, 'otp.key'))  # enroll makes it when it is missing
        g.start()
        right = lambda out: totp(re.search(r'secret=(\w+)', out)[1], time.time())  # noqa: E731
        status, out = dialogue(g, 'otp', 'enroll', 'anna', answers=['000000', 'abc', '111111'])
        equal(status, 2)
        true('no right code' in out and not os.path.exists(os.path.join(g.folder, 'otp.sealed')) and not os.path.exists(os.path.join(g.folder, 'otp.key')), out)
        status, out = dialogue(g, 'otp', 'enroll', 'anna', answers=[''])
        equal((status, entries(g)), (2, []))
        status, out = dialogue(g, 'otp', 'enroll', 'anna', answers=['000000', right])
        equal(status, 0)
        secret, _, codes = enrolled(out)
        equal(len(codes), 10)
        true('\x1b[38;5;16;48;5;231m' in out and '▀' in out and 'kill -HUP' in out, 'a QR code and what comes next')
        drawn = [re.sub(r'\x1b\[[0-9;]*m', '', line) for line in out.splitlines() if '48;5;231' in line]
        true(len({len(line) for line in drawn}) == 1 and abs(len(drawn[0]) - 2 * len(drawn)) <= 1, 'a square')
        rows = [[c in shown for c in line] for line in drawn for shown in ('█▀', '█▄')]  # True: dark
        finder = [[x in (0, 6) or y in (0, 6) or (2 <= x <= 4 and 2 <= y <= 4) for x in range(7)] for y in range(7)]
        far = len(drawn[0]) - 4 - 7
        for x, y in ((4, 4), (far, 4), (4, far)):
            equal([row[x:x + 7] for row in rows[y:y + 7]], finder, 'the finder pattern at %d, %d: ' % (x, y))
        true(not any(any(row[:4]) or any(row[-4:]) for row in rows) and not any(map(any, rows[:4])), 'a quiet zone')
        equal(stat.S_IMODE(os.stat(os.path.join(g.folder, 'otp.key')).st_mode), 0o600)
        equal(dialogue(g, 'otp', 'enroll', 'bo', '--no-verify', answers=[])[0], 0)
        equal([e[:2] for e in entries(g)], [('actor anna', 'enrolled'), ('actor bo', 'enrolled')])
