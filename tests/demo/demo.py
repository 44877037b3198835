#!/usr/bin/python3
"""make demo: a private PostgreSQL, the gate in front of it, real clients, and the story that the ledger tells afterwards.

Needs no network and no root; started by root it runs the servers as an unprivileged user (initdb refuses root). Everything is under
./demo/, unless that user cannot reach it (a checkout in a closed home): then the servers' files are in a temporary folder that
./demo/where names. The exit status says whether the story held. `demo.py stop` ends what a run on a terminal left running."""
import argparse
import grp
import json
import os
import pwd
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2

import people
import staff
import story

TOP = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
DEMO = TOP / "demo"
DATABASE = "shop"
BENCH_SECONDS = 2
SOCKET_PATH_MAX = 100    # a Unix socket's path ends at 107 bytes


class Failed(Exception):
    pass


class Steps:
    """One line a step, with a tick and its time; plain text when nobody watches."""

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.began = time.monotonic()

    def __call__(self, text):
        self.text, self.at = text, time.monotonic()
        if self.tty:
            print(f"   {text} ...", end="", flush=True)
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        took = time.monotonic() - self.at
        mark = ("\x1b[32m✓\x1b[0m" if kind is None else "\x1b[31m✗\x1b[0m") if self.tty else ("ok" if kind is None else "FAILED")
        print(f"{chr(13) + chr(27) + '[K' if self.tty else ''} {mark} {self.text} ({took:.1f} s)", flush=True)


class Place:
    """The run folder, and the user whom the servers run as."""

    def __init__(self):
        self.root = os.geteuid() == 0
        self.user = pwd.getpwuid(os.geteuid())
        if self.root:
            name = os.environ.get("SUDO_USER", "nobody")
            self.user = pwd.getpwnam(name if name != "root" else "nobody")
        self.dir = DEMO

    def as_user(self, cmd):
        if not self.root:
            return [str(c) for c in cmd]
        return ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups", "--"] + [str(c) for c in cmd]

    def own(self, path, mode):
        os.chmod(path, mode)
        if self.root:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def make(self):
        DEMO.mkdir(exist_ok=True)
        (DEMO / "marker").write_text("made by make demo; removed by the next one\n")
        self.own(DEMO, 0o755)
        if subprocess.run(self.as_user(["test", "-x", DEMO, "-a", "-w", DEMO]), stderr=subprocess.DEVNULL).returncode != 0:
            self.dir = Path(tempfile.mkdtemp(prefix="gatehouse-demo-"))
            self.own(self.dir, 0o755)
        self.sock = self.dir / "sock"
        if len(str(self.sock / ".s.PGSQL.65535")) > SOCKET_PATH_MAX:
            self.sock = Path(tempfile.mkdtemp(prefix="gatehouse-demo-"))
        self.sock.mkdir(exist_ok=True)
        self.own(self.sock, 0o700)
        for name in ("bin", "conf", "tls", "run", "data"):
            (self.dir / name).mkdir(exist_ok=True)
            self.own(self.dir / name, 0o755 if name == "bin" else 0o700)
        (DEMO / "where").write_text(json.dumps({"dir": str(self.dir), "sock": str(self.sock)}))

    def write(self, name, text, mode=0o600):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        self.own(path, mode)
        return path

    @staticmethod
    def there():
        try:
            where = json.loads((DEMO / "where").read_text())
            return Path(where["dir"]), Path(where["sock"])
        except (OSError, ValueError):
            return DEMO, DEMO / "sock"


def call(cmd, what, **kw):
    p = subprocess.run([str(c) for c in cmd], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if p.returncode != 0:
        raise Failed(f"{what} failed (status {p.returncode}): {' '.join(str(c) for c in cmd)}\n{p.stdout[-3000:]}")
    return p.stdout


def bindir():
    """The newest server's programs: Debian keeps them outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]) if p.parts[4].isdigit() else 0)
    if found:
        return found[-1].parent
    if shutil.which("initdb"):
        return Path(shutil.which("initdb")).parent
    raise Failed("PostgreSQL's server programs (initdb) were not found: make deps, or apt install postgresql-15")


def alive(pid, name):
    try:
        return name in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False


def wait_gone(pid, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def stop():
    """Ends the servers of the last run; true when there were any. Only processes that the run's own files name, and only if they still
    are what they were."""
    run, sock = Place.there()
    did = False
    try:
        pid = int((run / "gatehouse.pid").read_text())
    except (OSError, ValueError):
        pid = 0
    if pid and alive(pid, "gatehouse"):
        os.kill(pid, signal.SIGTERM)
        if not wait_gone(pid, 40):
            os.kill(pid, signal.SIGKILL)
        did = True
    try:
        pid = int((run / "data" / "postmaster.pid").read_text().split("\n")[0])
    except (OSError, ValueError, IndexError):
        pid = 0
    if pid and alive(pid, str(run / "data")):
        os.kill(pid, signal.SIGINT)  # fast shutdown
        wait_gone(pid, 30)
        did = True
    if sock.exists() and sock.parent != run and sock.name.startswith("gatehouse-demo-"):
        shutil.rmtree(sock)  # sockets only, in a short path of their own
    return did


def clear():
    stop()
    run, sock = Place.there()
    if DEMO.exists():
        if not (DEMO / "marker").exists() and any(DEMO.iterdir()):
            raise Failed(f"{DEMO} is there and was not made by make demo: move it away")
        shutil.rmtree(DEMO)
    for extra in (run, sock):
        if extra.exists() and extra.name.startswith("gatehouse-demo-"):
            shutil.rmtree(extra)


def free_port():
    """Below the ports that the kernel gives to clients: one of those could be gone again before the gate listens."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free TCP port between 20000 and 32000")


class Demo:
    def __init__(self, binary, steps):
        self.binary, self.step = binary, steps
        self.place = Place()
        self.people = people.make()
        self.plan = staff.Plan()

    def gatehouse(self, *args, check=True):
        cmd = self.place.as_user([self.bin, *args, "-c", self.conf])
        p = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and p.returncode != 0:
            raise Failed(f"gatehouse {' '.join(args)} failed (status {p.returncode}):\n{p.stdout[-2000:]}{p.stderr[-2000:]}")
        return p

    def folders(self):
        self.pg = bindir()
        for tool in ("psql", "pgbench", "openssl", "setpriv"):
            if not shutil.which(tool):
                raise Failed(f"{tool} was not found: make deps")
        clear()
        self.place.make()
        self.bin = self.place.dir / "bin" / "gatehouse"
        shutil.copy(self.binary, self.bin)
        os.chmod(self.bin, 0o755)

    def database(self):
        d = self.place.dir / "data"
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        call(self.place.as_user([self.pg / "initdb", "-D", d, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]),
             "initdb", env=env, cwd="/")
        self.place.write("data/pg_hba.conf", "local all postgres trust\nlocal all all scram-sha-256\n")
        with open(d / "postgresql.conf", "a", encoding="utf-8") as f:
            f.write(f"listen_addresses = ''\nunix_socket_directories = '{self.place.sock}'\nport = 5432\nfsync = off\n"
                    "full_page_writes = off\nsynchronous_commit = off\nmax_connections = 100\nshared_buffers = 64MB\n"
                    "password_encryption = 'scram-sha-256'\nlogging_collector = off\n")
        call(self.place.as_user([self.pg / "pg_ctl", "-D", d, "-l", self.place.dir / "run" / "postgresql.log", "-w", "-s", "start"]),
             "the start of PostgreSQL", env=env, cwd="/", stdin=subprocess.DEVNULL)
        self.admin = f"host={self.place.sock} port=5432 user=postgres dbname={DATABASE}"
        call(["psql", "-X", "-q", "-d", self.admin.replace(f"dbname={DATABASE}", "dbname=postgres"), "-c", f"CREATE DATABASE {DATABASE}"], "CREATE DATABASE")

    def fill(self):
        psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.admin]
        call(psql + ["-1", "-f", HERE / "schema.sql"], "schema.sql")
        call(psql + ["-f", TOP / "etc" / "gatehouse-auth.sql"], "gatehouse-auth.sql")
        self.control_password = people.password_of("gatehouse_control")
        call(psql, "the roles", input=people.roles_sql(self.people + people.more())
             + f"ALTER ROLE gatehouse_control PASSWORD '{self.control_password}';\nGRANT SELECT ON tickets TO gatehouse_control;\n"
             + "COPY tickets (id, customer_id, subject, assigned_to) FROM stdin;\n" + self.plan.copy_rows() + "\\.\nANALYZE;\n")

    def configure(self):
        p = self.place
        self.port = free_port()
        call(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=localhost",
              "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", p.dir / "tls/key.pem", "-out", p.dir / "tls/cert.pem"], "openssl")
        p.own(p.dir / "tls/key.pem", 0o600)
        p.own(p.dir / "tls/cert.pem", 0o644)
        people.write_csv(self.people, p.dir / "conf/people.csv")
        p.own(p.dir / "conf/people.csv", 0o600)
        p.write("conf/demo.gate", (HERE / "demo.gate").read_text(encoding="utf-8"))
        p.write("conf/control.pass", f"*:*:*:gatehouse_control:{self.control_password}\n")
        metrics = p.sock / "metrics"
        self.conf = p.write("conf/gatehouse.conf", f"""node = demo
listen = 127.0.0.1:{self.port}
listen_socket = "{p.sock}/.s.PGSQL.{self.port}"
tls = require
tls_cert = ../tls/cert.pem
tls_key = ../tls/key.pem
server_host = "{p.sock}"
server_port = 5432
database = {DATABASE}
control = "host={p.sock} port=5432 dbname={DATABASE} user=gatehouse_control passfile={p.dir}/conf/control.pass"
policy = demo.gate
people = people.csv
otp = otp.secrets
case_cache = 1s
mark_keys = mark.keys
ledger = ../ledger
ledger_origin = demo.example/gatehouse/ledger
ledger_key = ledger.key
run_dir = "{p.sock}"
metrics = "{metrics}"
""")
        out = self.gatehouse("init", "--keys").stdout
        self.place.write("conf/init.out", out)

    def start_gate(self):
        log = open(self.place.dir / "run" / "gatehouse.log", "wb")
        self.gate = subprocess.Popen(self.place.as_user([self.bin, "run", "-c", self.conf]), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True, cwd="/")
        (self.place.dir / "gatehouse.pid").write_text(f"{self.gate.pid}\n")
        self.tls = f"host=localhost hostaddr=127.0.0.1 port={self.port} dbname={DATABASE} sslmode=verify-full sslrootcert={self.place.dir}/tls/cert.pem"
        self.local = f"host={self.place.sock} port={self.port} dbname={DATABASE}"
        end = time.monotonic() + 30
        who = self.plan.staff[0]
        while True:
            try:
                psycopg2.connect(self.tls, user=who.role, password=who.password, application_name="first contact").close()
                return
            except psycopg2.OperationalError as e:
                if self.gate.poll() is not None or time.monotonic() > end:
                    raise Failed(f"the gate does not serve: {e}{self.log_tail()}") from e
                time.sleep(0.05)

    def log_tail(self):
        try:
            return "\nlast lines of its log:\n" + "\n".join((self.place.dir / "run" / "gatehouse.log").read_text(errors="replace").split("\n")[-15:])
        except OSError:
            return ""

    def psql(self):
        """One look-up with psql, over TLS with channel binding; gives psql's own view of the connection."""
        who = next(p for p in self.plan.staff if p not in (self.plan.slicer, self.plan.late))
        env = {**os.environ, "PGPASSWORD": who.password, "PGAPPNAME": "psql"}
        out = call(["psql", "-X", "-d", f"{self.tls} user={who.role} channel_binding=require", "-At", "-v", "ON_ERROR_STOP=1",
                    "-c", "\\conninfo", "-c", "SELECT id, full_name, phone FROM customers WHERE id = 17", "-c", "SELECT count(*) FROM products"],
                   "psql through the gate", env=env)
        lines = out.strip().split("\n")
        if len(lines) < 3 or not lines[-2].startswith("17|") or lines[-1] != "5":
            raise Failed(f"psql answered: {out}")
        return {"role": who.role, "rows": 1}

    def keeper_pid(self):
        """The keeper: the supervisor's child of that name (its open files are nobody's business: /proc does not show them)."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = stat.read_text().rsplit(")", 1)
            except OSError:
                continue  # it ended meanwhile
            if name.endswith("(gh-keeper") and int(rest.split()[1]) == self.gate.pid:
                return int(stat.parent.name)
        raise Failed("the gate has no process called gh-keeper")

    def stopped_keeper(self):
        """With the keeper stopped, a look-up's rows must wait for their record, and what needs no record must not. Over the Unix socket,
        where the protocol's bytes can be looked at before the client reads them."""
        who = self.plan.late
        keeper = self.keeper_pid()
        dbs = [psycopg2.connect(self.local, user=who.role, password=who.password, application_name="stopped keeper", async_=True) for _ in range(2)]
        for db in dbs:
            wait_ready(db)
        try:
            os.kill(keeper, signal.SIGSTOP)
            cur = [db.cursor() for db in dbs]
            cur[0].execute("SELECT id, full_name FROM customers WHERE id = 99")
            at = time.monotonic()
            cur[1].execute("SELECT name FROM products")
            wait_ready(dbs[1])
            other = time.monotonic() - at
            time.sleep(0.5)
            early = messages_there(dbs[0])
        finally:
            os.kill(keeper, signal.SIGCONT)
        wait_ready(dbs[0])
        waited = time.monotonic() - at
        rows = cur[0].fetchall()
        for db in dbs:
            db.close()
        return {"role": who.role, "rows": len(rows), "early": early, "other_ms": other * 1000, "waited_ms": waited * 1000}

    def week(self, *more):
        out = self.place.dir / "run" / "staff.json"
        call(["/usr/bin/python3", HERE / "staff.py", "--dsn", f"{self.tls} channel_binding=require", "--out", out, *more], "the staff's week")
        return json.loads(out.read_text())

    def pgbench(self):
        """The same look-up by number, directly and through the gate, in turns; p50 from pgbench's own log of each transaction."""
        script = self.place.write("run/lookup.sql", "\\set id random(50001, 51000)\nSELECT id, full_name, phone FROM customers WHERE id = :id;\n", 0o644)
        env = {**os.environ, "PGPASSWORD": people.password_of(people.PROGRAM), "PGAPPNAME": "pgbench"}
        times = {"direct": [], "gate": []}
        for _ in range(2):
            for way, host, port in (("direct", self.place.sock, 5432), ("gate", self.place.sock, self.port)):
                with tempfile.TemporaryDirectory(dir=self.place.dir / "run") as d:
                    call(["pgbench", "-h", host, "-p", port, "-U", people.PROGRAM, "-n", "-c", "1", "-M", "prepared", "-T", BENCH_SECONDS,
                          "--random-seed", people.SEED, "-f", script, "-l", "--log-prefix", f"{d}/log", DATABASE], f"pgbench ({way})", env=env)
                    for log in Path(d).glob("log*"):
                        times[way] += [int(line.split()[2]) for line in log.read_text().split("\n") if line]
        return {way: {"n": len(t), "p50_us": sorted(t)[len(t) // 2], "mean_us": sum(t) / len(t)} for way, t in times.items()}

    def metrics(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.place.sock / "metrics"))
            s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b""
            while chunk := s.recv(65536):
                text += chunk
        return {m[1]: int(m[2]) for m in re.finditer(r"^gatehouse_(\w+)(?:\{[^}]*\})? (\d+)$", text.decode(), re.M)}


def wait_ready(db):
    while True:
        state = db.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        ready = select.select([db] if state == psycopg2.extensions.POLL_READ else [], [db] if state == psycopg2.extensions.POLL_WRITE else [], [], 20)
        if not any(ready):
            raise Failed("an answer did not come within 20 s")


def messages_there(db):
    """Types of the protocol messages that have come and were not read yet: 'T' a row's description, 'D' a row."""
    with socket.socket(fileno=os.dup(db.fileno())) as s:
        try:
            data = s.recv(65536, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return ""
    types = ""
    while data:
        types += chr(data[0])
        data = data[1 + int.from_bytes(data[1:5], "big"):]
    return types


def run(binary, keep):
    step = Steps()
    demo = Demo(binary, step)
    with step("a private folder"):
        demo.folders()
    if demo.place.dir != DEMO:
        print(f"    the user {demo.place.user.pw_name} cannot reach {DEMO}: the files are in {demo.place.dir} until the next run")
    with step("a private PostgreSQL on a Unix socket"):
        demo.database()
    with step("100,000 made-up customers with orders, devices and tickets; 40 staff of 4 partners"):
        demo.fill()
    with step("keys, certificate, policy; the gate in front of the database"):
        demo.configure()
        demo.start_gate()
    facts = story.Facts()
    with step("psql looks up one customer, over TLS with channel binding"):
        facts.psql = demo.psql()
    with step("the keeper is stopped for half a second while somebody looks"):
        facts.stopped = demo.stopped_keeper()
    with step("forty staff work for a compressed week"):
        facts.week = demo.week()
    with step("pgbench looks up by number, directly and through the gate"):
        facts.bench = demo.pgbench()
    print()
    held = story.tell(demo, facts)
    took = time.monotonic() - step.began
    print(f"\nThe story {'held' if held else 'DID NOT HOLD'}; {took:.0f} s.")
    if not held:
        print(f"Logs: {demo.place.dir}/run/")
    who = next(p for p in demo.plan.staff if p.employer == "Northgate Digital")  # whose company has places left
    direct = f"psql -h {demo.place.sock} -p {demo.port} {DATABASE} -U"
    look = f"  PGPASSWORD={who.password} {direct} {who.role} -c 'SELECT * FROM customers WHERE id = 42'"
    if keep and held:
        print(f"\nThe servers are still running. Look people up as {who.name} of {who.employer}, until the budget ends, then ask who saw them:\n\n{look}\n"
              f"  PGPASSWORD={people.password_of(people.ANALYST)} {direct} {people.ANALYST}     # try to get a telephone number out\n"
              f"  {' '.join(demo.place.as_user([demo.bin]))} seen --subject 42 -c {demo.conf}\n\nmake demo-stop ends them.")
    elif held:
        print(f"\nThe servers are stopped again. On a terminal they go on running, with a line to try:\n\n{look}\n\n"
              f"(or as the analyst: PGPASSWORD={people.password_of(people.ANALYST)} and -U {people.ANALYST}), and make demo-stop ends them.")
    return 0 if held else 1


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("action", nargs="?", choices=("run", "stop"), default="run")
    ap.add_argument("--gatehouse", default=TOP / "build" / "src" / "gatehouse", type=Path)
    ap.add_argument("--keep", action="store_true", help="leave the servers running, as on a terminal")
    args = ap.parse_args()
    if args.action == "stop":
        print("the demo's servers are stopped" if stop() else "the demo is not running")
        return 0
    os.umask(0o022)
    keep = args.keep or sys.stdout.isatty()
    status = 1
    try:
        status = run(args.gatehouse.resolve(), keep)
    except Failed as e:
        print(f"demo: {e}", file=sys.stderr)
    finally:
        if not keep or status != 0:
            stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
