"""The measurements. Each returns a dictionary of figures of one run; run.py takes medians over the rounds."""
import glob
import os
import re
import subprocess
import time

from servers import IDLE, USER, VISITOR, cluster, status_kib

PGBENCH = os.path.join(cluster.bindir(), 'pgbench')
SAMPLED = 0.25  # share of transactions whose latency is logged: the log's own cost is the same for all


def cpu_between(endpoint, before):
    endpoint.settle()
    after = endpoint.cpu()
    return {role: after[role] - before[role] for role in after}


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else None


def latencies(folder):
    """Microseconds, sorted, from pgbench's logs; removes them."""
    out = []
    for path in glob.glob(os.path.join(folder, 'latency.*')):
        with open(path) as f:
            out += [int(line.split(' ', 3)[2]) for line in f]
        os.unlink(path)
    out.sort()
    return out


def pgbench(endpoint, folder, options, tls=False, user=USER, script=None):
    """(transactions, tps, CPU of the proxy by role); script: its text, None = pgbench -S"""
    what = ['-S']
    if script:
        what = ['-f', os.path.join(folder, 'script.sql')]
        with open(what[1], 'w') as f:
            f.write(script)
    before = endpoint.cpu()
    done = subprocess.run([PGBENCH, '-n', *what, *options], env=endpoint.environ(tls, user), cwd=folder, capture_output=True, text=True, timeout=300)
    count = re.search(r'transactions actually processed: (\d+)', done.stdout)
    tps = re.search(r'tps = ([\d.]+)', done.stdout)
    failed = re.search(r'failed transactions: (\d+)', done.stdout)
    if done.returncode or not count or not tps or (failed and failed[1] != '0'):
        raise RuntimeError('%s: pgbench %s: %s' % (endpoint.name, ' '.join(options), (done.stderr + done.stdout).strip()[-600:]))
    return int(count[1]), float(tps[1]), cpu_between(endpoint, before)


def queries(endpoint, folder, mode, clients, seconds, tls=False, script=None):
    options = ['-M', mode, '-c', str(clients), '-j', '1' if clients == 1 else '2', '-T', str(seconds), '-l', '--log-prefix=latency',
               '--sampling-rate=%g' % SAMPLED]
    count, tps, cpu = pgbench(endpoint, folder, options, tls, script=script)
    times = latencies(folder)
    out = {'tps': tps, 'p50': percentile(times, 0.5), 'p99': percentile(times, 0.99), 'count': count}
    if cpu:
        out['cpu'] = sum(cpu.values()) / count
        for role, us in cpu.items():
            out['cpu_' + role] = us / count
    if getattr(endpoint, 'records', False):
        endpoint.expected += count
    return out


def logins(endpoint, folder, seconds, tls=False):
    """A connection and one transaction, over and over, as a role whose SCRAM costs the client next to nothing."""
    count, tps, cpu = pgbench(endpoint, folder, ['-C', '-c', '8', '-j', '2', '-T', str(seconds)], tls, VISITOR)
    out = {'rate': tps}
    if cpu:
        out['cpu'] = sum(cpu.values()) / count
    return out


def stream(endpoint, tools, rows, times):
    """MB/s and CPU seconds per GB of an answer that is read and thrown away."""
    before = endpoint.cpu()
    pid = endpoint.main_pid()
    if pid:
        with open('/proc/%d/clear_refs' % pid, 'w') as f:
            f.write('5')  # VmHWM starts over
        resident = status_kib(pid, 'VmRSS')
    sql = 'SELECT id, full_name, phone, email, province, note FROM people LIMIT %d' % rows
    done = subprocess.run([os.path.join(tools, 'pgclient'), 'drain', endpoint.conninfo(), sql, str(times)], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError('%s: stream: %s' % (endpoint.name, done.stderr.strip()))
    got, size, seconds = done.stdout.split()
    if int(got) != rows * times:
        raise RuntimeError('%s: stream: %s rows, wanted %d' % (endpoint.name, got, rows * times))
    cpu = cpu_between(endpoint, before)
    out = {'rate': int(size) / 1e6 / float(seconds)}
    if pid:
        out['cpu'] = sum(cpu.values()) / 1e6 / (int(size) / 1e9)
        for role, us in cpu.items():
            out['cpu_' + role] = us / 1e6 / (int(size) / 1e9)
        out['grown'] = (status_kib(pid, 'VmHWM') - resident) / 1024
    return out


def idle(endpoint, tools, sql, sessions=IDLE):
    """KiB of the proxy's main process for each idle session."""
    before = status_kib(endpoint.main_pid(), 'VmRSS')
    with subprocess.Popen([os.path.join(tools, 'pgclient'), 'idle', endpoint.conninfo(VISITOR), str(sessions), sql], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as client:
        if client.stdout.readline() != 'ready\n':
            raise RuntimeError('%s: %d idle sessions could not be opened' % (endpoint.name, sessions))
        time.sleep(1)
        after = status_kib(endpoint.main_pid(), 'VmRSS')
        client.stdin.close()
        client.wait(120)
    return {'kib': (after - before) / sessions}


def ledger(tools, folder, durability, entries=300000, size=300, batch=256):
    done = subprocess.run([os.path.join(tools, 'ledger_bench'), folder, durability, str(entries), str(size), str(batch)],
                          capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError('ledger_bench: ' + done.stderr.strip())
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def budgets(tools, threads, marks=1000000):
    done = subprocess.run([os.path.join(tools, 'budget_bench'), str(threads), str(marks)], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError('budget_bench: ' + done.stderr.strip())
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}
