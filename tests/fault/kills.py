"""SIGKILL at random moments, under load: gate and keeper two hundred times, the supervisor now and then."""
import os
import random
import signal
import subprocess
import threading
import time

from ledger import CUSTOMERS, Client, looks_again, unrecorded, verifies
from lib import cluster
from lib.pgwire import Closed, ServerError

CLIENTS = 3
SCRIPT = '\\set id random(1, %d)\nselect id, full_name from customers where id = :id;\n' % CUSTOMERS


class Storm:
    """One gate, its clients, its pgbench, and who kills it."""

    def __init__(self, stand, name, kills, seed):
        self.stand, self.kills, self.rng, self.stop = stand, kills, random.Random(seed), threading.Event()
        self.g, self.target = stand.gate(name, ledger_checkpoint='100ms', shutdown_timeout='2s')
        self.clients = [Client(self.target, 1 + i, CLIENTS) for i in range(CLIENTS)]
        self.faults, self.killed, self.lifetimes, self.benches = [], {'gate': 0, 'keeper': 0, 'supervisor': 0}, 0, 0
        self.path = os.path.join(self.g.folder, 'looks.sql')
        with open(self.path, 'w') as f:
            f.write(SCRIPT)

    def work(self, client, seed):
        rng = random.Random(seed)
        while not self.stop.is_set():
            try:
                client.look(rng.choice((1, 1, 2, 20)), rng.choice(('simple', 'extended', 'array')))
            except (ServerError, Closed, OSError):
                client.drop()
                time.sleep(0.02)
            except Exception as e:
                self.faults.append('client: %s: %s' % (type(e).__name__, e))
                client.drop()
                if len(self.faults) > 20:
                    return

    def pressure(self):
        env = self.target.pgenv('bo', unix=True)
        args = [os.path.join(cluster.bindir(), 'pgbench'), '-n', '-c', '2', '-j', '1', '-T', '600', '-M', 'prepared', '-f', self.path]
        while not self.stop.is_set():
            p = subprocess.Popen(args, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.benches += 1
            while p.poll() is None and not self.stop.is_set():
                time.sleep(0.05)
            if p.poll() is None:
                p.kill()
            p.wait()
            time.sleep(0.05)

    def kill(self, role):
        pid = self.g.role_pid(role)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.killed[role] += 1
        return True

    def new_supervisor(self):
        """The supervisor dies; its roles are told to end by the kernel; a new one takes over."""
        self.g.process.kill()
        self.g.process.wait(10)
        self.killed['supervisor'] += 1
        self.g.start(wait=self.rng.random() < 0.5)
        self.lifetimes += 1

    def storm(self):
        while self.killed['gate'] + self.killed['keeper'] < self.kills:
            # A supervisor waits longer with each death in a row, up to 5 s: a new one every eight kills keeps them coming.
            for _ in range(8):
                time.sleep(self.rng.choice((0.02, 0.1, 0.2, 0.4)) * self.rng.random() * 2)
                role = self.rng.choice(('gate', 'keeper'))
                end = time.monotonic() + 6
                while not self.kill(role) and time.monotonic() < end:
                    time.sleep(0.02)
            self.faults += verifies(self.g)
            self.new_supervisor()

    def run(self):
        threads = [threading.Thread(target=self.work, args=(c, self.rng.random())) for c in self.clients]
        threads.append(threading.Thread(target=self.pressure))
        for t in threads:
            t.start()
        try:
            self.storm()
        except Exception as e:
            self.faults.append('%s: %s; %s' % (type(e).__name__, e, self.g.log_tail(300)))
        self.stop.set()
        for t in threads:
            t.join(60)
        try:
            looks_again(self.clients[0], 30)
        except AssertionError as e:
            self.faults.append(str(e))
        for c in self.clients:
            c.drop()
        self.faults += verifies(self.g) + unrecorded(self.g, self.clients)


def run(tap, stand, args):
    name = 'kills'
    if not tap.wanted(name):
        return
    total = 1000 if args.full else 200
    storms = [Storm(stand, 'k%d' % i, total // 2, args.seed + i) for i in range(2)]
    threads = [threading.Thread(target=s.run) for s in storms]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    count = {role: sum(s.killed[role] for s in storms) for role in ('gate', 'keeper', 'supervisor')}
    rows = sum(len(c.received) for s in storms for c in s.clients)
    faults = [f for s in storms for f in s.faults]
    if rows < count['gate']:
        faults.append('only %d rows came: the load was none' % rows)
    tap.result(name, faults, 'gate %(gate)d, keeper %(keeper)d, supervisor %(supervisor)d times; ' % count + '%d rows came, each is on record' % rows)
