"""Each call of the keeper's way to the disk and back fails once: EIO, ENOSPC, EINTR, a short write; or the process dies right before it, or
right after. shim.c does it, from inside the keeper."""
import ctypes
import errno
import glob
import mmap
import os
import re
import subprocess
import threading
import time

from ledger import Client, checkpoint_size, looks_again, unrecorded, verifies
from lib.env import until
from lib.pgwire import Closed, ServerError

HERE = os.path.dirname(os.path.abspath(__file__))
CALLS = ('openat mkdirat write pwrite fsync fdatasync renameat2 unlinkat ftruncate flock close read pread send recv accept').split()
KILL_BEFORE, KILL_AFTER, SHORT = -1, -2, -3
ACTIONS = {'EIO': errno.EIO, 'ENOSPC': errno.ENOSPC, 'EINTR': errno.EINTR, 'EMFILE': errno.EMFILE, 'short': SHORT, 'dies before': KILL_BEFORE, 'dies after': KILL_AFTER}
# What a call can say; the rest of the pairs do not exist on Linux.
SPACE = {'openat', 'mkdirat', 'write', 'pwrite', 'fsync', 'fdatasync', 'renameat2', 'ftruncate'}
INTERRUPTED = {'openat', 'write', 'pwrite', 'fsync', 'fdatasync', 'close', 'read', 'pread', 'send', 'recv', 'accept'}


def applies(action, call):
    if action == 'ENOSPC':
        return call in SPACE
    if action == 'EINTR':
        return call in INTERRUPTED
    if action == 'EMFILE':
        return call in ('openat', 'accept')
    if action == 'short':
        return call in ('write', 'pwrite')
    return True


class Control(ctypes.Structure):
    """struct control of shim.c."""
    _fields_ = [('armed', ctypes.c_uint32), ('count', ctypes.c_uint32), ('of_kind', ctypes.c_uint32), ('kind', ctypes.c_uint32), ('at', ctypes.c_uint32), ('action', ctypes.c_int32),
                ('fired', ctypes.c_uint32), ('trace', ctypes.c_uint8 * 4096)]


def build(stand):
    """The shim, or why there is none."""
    path = os.path.join(stand.folder, 'shim.so')
    done = subprocess.run([os.environ.get('CC', 'cc'), '-O1', '-Wall', '-shared', '-fPIC', '-o', path, os.path.join(HERE, 'shim.c'), '-ldl'],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError('shim.c: ' + done.stderr)
    os.chmod(path, 0o755)
    return path


class Faulty:
    """A gate whose keeper can be made to fail, and its one client."""

    def __init__(self, stand, shim, name):
        self.g, target = stand.gate(name, start=False, ledger_checkpoint='50ms', workers='1', shutdown_timeout='2s')
        path = os.path.join(self.g.folder, 'fault')
        with open(path, 'wb') as f:
            f.write(bytes(ctypes.sizeof(Control)))
        os.chmod(path, 0o666)
        self.file = open(path, 'r+b')
        self.control = Control.from_buffer(mmap.mmap(self.file.fileno(), 0))
        self.environ = {'GATEHOUSE_FAULT': path, 'LD_PRELOAD': shim}
        if stand.sanitized:
            self.environ['ASAN_OPTIONS'] = os.environ['ASAN_OPTIONS'] + ':verify_asan_link_order=0'
        self.client, self.deaths, self.faults, self.cases = Client(target), 0, [], 0
        self.start()

    def start(self):
        for name, value in self.environ.items():
            os.environ[name] = value
        self.g.start(wait=False)
        for name in ('GATEHOUSE_FAULT', 'LD_PRELOAD'):
            del os.environ[name]
        self.g.wait_up(30)
        self.deaths = 0

    def restart(self):
        """A new supervisor: it knows nothing of earlier deaths, so that it does not wait before it starts a role again."""
        self.client.drop()
        self.g.stop(limit=30)
        with START:
            self.start()

    def settle(self, size, limit=20):
        """Until the checkpoint covers more than `size` and nothing is written any more."""
        end = time.monotonic() + limit
        while checkpoint_size(self.g) <= size:
            if time.monotonic() > end:
                raise AssertionError('no checkpoint after %d entries within %d s' % (size, limit))
            time.sleep(0.01)
        self.quiet(limit)

    def quiet(self, limit=20):
        """Until the keeper has done nothing for more than twice the time to a checkpoint; counts only while armed. Waiting for a slow disk is
        not doing nothing."""
        seen, since, end = -1, time.monotonic(), time.monotonic() + limit
        while time.monotonic() < end:
            if self.control.count != seen:
                seen, since = self.control.count, time.monotonic()
            elif time.monotonic() - since >= 0.12:
                if not self.at_the_disk():
                    return
                since = time.monotonic()
            time.sleep(0.01)

    def at_the_disk(self):
        """Whether a thread of the keeper runs or waits for a disk."""
        states = []
        for path in glob.glob('/proc/%s/task/*/stat' % self.g.role_pid('keeper')):
            try:
                with open(path) as f:
                    states.append(f.read().rpartition(')')[2].split()[0])
            except OSError:  # the thread has ended
                pass
        return any(s in 'RD' for s in states)

    def arm(self, call, at, action, when=1):
        c = self.control
        c.armed = 0
        c.count = c.of_kind = c.fired = 0
        c.kind, c.at, c.action = (CALLS.index(call) + 1 if call else 0), at, action
        c.armed = when

    def cycle(self, count, started=False):
        """One turn: look-ups, or a new start of the keeper; then what follows on its own. Returns the client's error."""
        wrong = None
        if started:
            os.kill(until(lambda: self.g.role_pid('keeper'), 10, 'a keeper'), 9)
            self.deaths += 1
        else:
            try:
                self.client.look(count)
            except (ServerError, Closed, OSError) as e:
                wrong = e
        return wrong

    def trace(self, count, started=False):
        self.arm(None, 0, 0)
        self.quiet()
        size = checkpoint_size(self.g)
        self.arm(None, 0, 0, 2 if started else 1)
        self.cycle(count, started)
        if started:
            looks_again(self.client)
        self.settle(size)
        self.control.armed = 0
        return [CALLS[c - 1] for c in self.control.trace[:min(self.control.count, 4096)]]

    def case(self, name, call, at, action, count=1, started=False):
        """One failure. Appends to self.faults. False: the call was not reached."""
        size, keeper = checkpoint_size(self.g), self.g.role_pid('keeper')
        self.arm(call, at, ACTIONS[action], 2 if started else 1)
        wrong = self.cycle(count, started)
        end = time.monotonic() + (0.8 if started else 0.5)
        while not self.control.fired and time.monotonic() < end:
            time.sleep(0.005)
        took = looks_again(self.client)
        self.settle(size)
        self.control.armed = 0
        if not self.control.fired:
            return False
        self.cases += 1
        self.g.log_has('keeper is ready', 5, 0)
        new = self.g.role_pid('keeper')
        died = new != keeper and not started
        self.deaths += died
        what = '%s, %s number %d: %s' % (name, call, at, action)
        if action in ('EINTR', 'short') and (wrong or died):
            self.faults.append('%s: should not be noticed: %s' % (what, wrong or 'the keeper died'))
        if wrong is not None and not isinstance(wrong, ServerError):
            self.faults.append('%s: the session ended without a word: %s' % (what, wrong or type(wrong).__name__))
        if wrong is not None and isinstance(wrong, ServerError) and wrong.code[:2] not in ('53', '57', '58', '08'):
            self.faults.append('%s: %s' % (what, wrong))
        if took > 12:
            self.faults.append('%s: look-ups worked again only after %.1f s' % (what, took))
        self.faults += ['%s: %s' % (what, v) for v in verifies(self.g)]
        if self.deaths >= 3:
            self.restart()
        return True


START = threading.Lock()  # the environment of a new process is ours, for a moment


def points(trace, most):
    """Where to fail: (call, its number among its kind); of a kind that comes often, `most` places spread evenly, first and last among them."""
    out = []
    for call in CALLS:
        n = trace.count(call)
        out += [(call, i + 1) for i in (range(n) if n <= most else sorted({j * (n - 1) // (most - 1) for j in range(most)}))]
    return out


def order(trace):
    """Faults in the order of calls: nothing is acknowledged before it is synced, nothing gets its name before it is synced. A sync left out
    cannot be seen by killing a process, because what it wrote survives it."""
    out = []
    calls = [c for c in trace if c in ('pwrite', 'fdatasync', 'send', 'write', 'fsync', 'renameat2')]
    journal = [c for c in calls if c in ('pwrite', 'fdatasync', 'send')]
    if journal[:3] != ['pwrite', 'fdatasync', 'send']:
        out.append('a receipt must follow pwrite and fdatasync: ' + ' '.join(journal))
    # Files are written in groups: all written, all synced, all renamed, then their folders synced.
    files = ''.join({'write': 'w', 'fsync': 's', 'renameat2': 'r'}.get(c, '') for c in calls)
    groups = re.findall('w+(s+)(r+)s+', files)
    if not re.fullmatch('(w+s+r+s+)+', files) or any(len(synced) < len(renamed) for synced, renamed in groups):
        out.append('a file must be synced before its renaming and its folder after: ' + files)
    return out


def run_cases(place, faulties, cases):
    """Deals the cases out to the gates; returns when all are done."""
    lock, queue = threading.Lock(), list(reversed(cases))

    def work(f):
        while True:
            with lock:
                if not queue:
                    return
                c = queue.pop()
            try:
                f.case(*c)
            except Exception as e:
                f.faults.append('%s, %s number %d: %s: %s: %s' % (*c[:4], type(e).__name__, e))
                try:
                    f.restart()
                except Exception as again:
                    f.faults.append('and it does not start again: %s' % again)
                    return
    threads = [threading.Thread(target=work, args=(f,)) for f in faulties]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def run(tap, stand, args):
    if not tap.wanted('syscalls'):
        return
    shim = build(stand)
    faulties = [Faulty(stand, shim, 'f%d' % i) for i in range(4)]
    for f in faulties:
        looks_again(f.client)
    groups = []
    for name, count, started, actions in (('one look-up', 1, False, list(ACTIONS)), ('300 look-ups', 300, False, ['EIO', 'dies before'] if not args.full else list(ACTIONS)),
                                          ('start', 0, True, ['EIO', 'dies before'] if not args.full else list(ACTIONS))):
        trace = faulties[0].trace(count, started)
        if started:
            faulties[0].restart()
        places = points(trace, 400 if args.full else 1000 if count == 1 else 7)
        cases = [(name, call, at, action, count, started) for action in actions for call, at in places if applies(action, call)]
        groups.append((name, trace, cases))
    tap.result('syscalls.order', order(groups[0][1]), 'pwrite, fdatasync, receipt; fsync, renameat2, fsync')
    for name, trace, cases in groups:
        for f in faulties:
            f.faults, f.cases = [], 0
        run_cases(stand, faulties, cases)
        faults = [x for f in faulties for x in f.faults]
        used = {c: trace.count(c) for c in CALLS if c in trace}
        tap.result('syscalls.' + name.replace(' ', '_'), faults, '%d calls (%s), %d failures, %d reached' %
                   (len(trace), ', '.join('%d %s' % (n, c) for c, n in used.items()), len(cases), sum(f.cases for f in faulties)))
    faults = []
    for f in faulties:
        faults += verifies(f.g) + unrecorded(f.g, [f.client])
        if len(f.client.received) < 10:
            faults.append('only %d rows came at all' % len(f.client.received))
    tap.result('syscalls.ledger', faults, '%d rows came, each is on record' % sum(len(f.client.received) for f in faulties))
    for f in faulties:
        f.client.drop()
