"""What operators do: suspend and resume, with the operator's name in the ledger, told again after restarts and after the keeper was killed; who may do it and who may not."""
import contextlib
import glob
import json
import os
import pwd
import signal
import socket
import struct
import subprocess

from lib import gate, owner, ports
from lib.env import equal, test, true, until


@contextlib.contextmanager
def own_gate(env, name, **settings):
    g = gate.Gate(os.path.join(env.folder, name), env.binary, env.cluster, ports.free_port(), env.authority, settings)
    try:
        g.start()
        yield g
    finally:
        g.stop()


def frame(kind, body):
    return struct.pack('>IB', 1 + len(body), kind) + body


def recall(g, since=0):
    """The keeper's answer to a recall, as a starting gate gets it: entries."""
    entries, data = [], b''
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(os.path.join(g.folder, 'run', 'keeper.sock'))
        s.sendall(frame(5, struct.pack('>Q', since)))
        while True:
            while len(data) >= 5 and len(data) >= 4 + struct.unpack('>I', data[:4])[0]:
                end = 4 + struct.unpack('>I', data[:4])[0]
                kind, body, data = data[4], data[5:end], data[end:]
                if kind == 6:
                    entries.append(json.loads(body))
                elif kind == 7:
                    equal(struct.unpack('>Q', body)[0], len(entries), 'number of recalled entries')
                    return entries
                else:
                    true(kind in (2, 8), 'message of type %d in a recall' % kind)
            more = s.recv(65536)
            true(more, 'the keeper closed before the end of a recall')
            data += more


def who():
    """Who the commands of these tests run as."""
    o = owner.owner()
    return pwd.getpwuid(o[0] if o else os.geteuid()).pw_name


FAR = 4102444800000000  # 2100: only what stands


def standing(g):
    return [(e['kind'], e['target']) for e in recall(g, FAR)]


@test(gate=True)
def suspend_and_resume(env):
    with own_gate(env, 'admin') as g:
        done = g.cli('suspend', 'anna', '--why', 'left the company')
        true('anna is suspended' in done.stdout and who() in done.stdout, done.stdout)
        equal(done.stderr, '')
        done = g.cli('suspend', '--employer', 'Partner Nowhere', '-w', 'contract ended', '--json')
        equal(json.loads(done.stdout), {'done': 'suspend', 'target': 'employer Partner Nowhere', 'why': 'contract ended', 'operator': who(), 'known': False})
        true('warning' in done.stderr and 'Partner Nowhere' in done.stderr, done.stderr)
        got = [(e['target'], e['why'], e['operator'], e['node']) for e in g.entries(kind='suspend')]
        equal(got, [('actor anna', 'left the company', who(), 'e2e'), ('employer Partner Nowhere', 'contract ended', who(), 'e2e')])
        tail = g.cli('ledger', 'tail').stdout
        true('suspended actor anna: left the company (by %s)' % who() in tail, tail)
        stands = [('suspend', 'actor anna'), ('suspend', 'employer Partner Nowhere')]
        equal(standing(g), stands)
        everything = recall(g)
        equal([e for e in everything], [{k: v for k, v in e.items() if k != 'index'} for e in g.entries()])
        g.stop()
        g.start()
        equal(standing(g), stands, 'after a restart')
        true('may log in again' in g.cli('resume', 'anna', '--why', 'a mistake').stdout, 'resume')
        equal(standing(g), [('suspend', 'employer Partner Nowhere'), ('resume', 'actor anna')])
        equal([(e['target'], e['operator']) for e in g.entries(kind='resume')], [('actor anna', who())])
        equal(g.verify()[0], 0)


@test(gate=True)
def wrong_words(env):
    with own_gate(env, 'admin-words') as g:
        for words, text in (((), 'ACTOR or --employer NAME is missing'), (('anna',), '--why TEXT is missing'), (('anna', '--employer', 'x', '--why', 'y'), 'one at a time'),
                            (('', '--why', 'y'), "actor's name is empty"), (('anna', '--why', ''), 'reason is empty'), (('anna', '--why', 'a\nb'), 'control character'),
                            (('a' * 201, '--why', 'y'), 'longer than 200 bytes'), (('anna', '--why', 'y' * 401), 'longer than 400 bytes')):
            done = g.cli('suspend', *words, check=False)
            equal(done.returncode, 2, words)
            true(text in done.stderr, (words, done.stderr))
        equal(g.entries(kind='suspend'), [])
        g.stop()
        done = g.cli('suspend', 'anna', '--why', 'y', check=False)
        equal(done.returncode, 2)
        true('the gate is not running' in done.stderr and 'hint: start it' in done.stderr, done.stderr)
        g.start()
        equal(g.entries(kind='suspend'), [])


@test(gate=True)
def who_may(env):
    """Root with the name of who called sudo; nobody else."""
    if owner.owner() is None:
        return  # not root: there is nobody else to be
    with own_gate(env, 'admin-who') as g:
        command = [g.binary, 'suspend', 'bo', '--why', 'y', '-c', g.conf]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, SUDO_USER='daemon'), timeout=60)
        equal(done.returncode, 0, done.stderr)
        stranger = pwd.getpwnam('daemon')
        for path in (g.folder, g.conf):
            os.chmod(path, 0o755)
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, SUDO_USER='root'), timeout=60,
                              user=stranger.pw_uid, group=stranger.pw_gid, extra_groups=[])
        equal(done.returncode, 2, done.stdout)
        true('only the user that runs the gate (%s) and root may do this' % who() in done.stderr and 'hint: sudo -u %s' % who() in done.stderr, done.stderr)
        equal([(e['target'], e['operator']) for e in g.entries(kind='suspend')], [('actor bo', 'daemon')])


@test(gate=True)
def keeper_killed(env):
    """SIGKILL between the entry and the file of standing entries, and a file that is damaged or gone."""
    with own_gate(env, 'admin-kill') as g:
        g.cli('suspend', 'anna', '--why', 'y')
        path, = glob.glob(os.path.join(g.folder, 'run', 'ledger-*.standing'))
        with open(path, 'rb') as f:
            old = f.read()
        g.cli('suspend', 'bo', '--why', 'y')
        want = [('suspend', 'actor anna'), ('suspend', 'actor bo')]
        for file in (old, old[:-1], old[:9] + b'\xff' + old[10:], b'', None):
            pid = g.role_pid('keeper')
            os.kill(pid, signal.SIGSTOP)  # the supervisor starts another only when this one is dead
            if file is None:
                os.unlink(path)
            else:
                with open(path, 'wb') as f:
                    f.write(file)
            os.kill(pid, signal.SIGKILL)
            until(lambda: g.role_pid('keeper') not in (None, pid), 30, 'another keeper')
            until(lambda: answers(g), 30, 'a keeper that answers')
            equal(standing(g), want, 'file of %s bytes' % (file and len(file)))
        equal(g.verify()[0], 0)


def answers(g):
    try:
        recall(g, FAR)
        return True
    except OSError:
        return False
