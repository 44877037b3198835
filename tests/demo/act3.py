"""The third act: the same people, the same week, now under a policy that says how many customers somebody may see, for what reason, and who is
really asking (demo-act3.gate). Each part measures, tells and checks: clients' own counts against the ledger's entries.

What is refused is read off the clients' errors: SQLSTATE, words, hint. The issuer of tokens is the demo's own key, made by openssl."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import psycopg2
import psycopg2.pool

import people
import staff
import story

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from lib import token  # noqa: E402: the tests' issuer

BUDGET, FIRM_BUDGET, STEP_AFTER = 60, 450, 25  # as demo-act3.gate says
TIGHTER = 45
CELEBRITY = 777          # of whom nobody has a ticket
CONNECTIONS = 10
ASKED = 20               # transactions that each agent makes through the application
REVIEWED = 40            # tickets that the supervisor looks through
FIRM = "Harbour Retail"


class Refused(Exception):
    """A psycopg2 error of one statement, in parts."""

    def __init__(self, e):
        super().__init__(str(e))
        self.code, self.hint = e.pgcode, e.diag.message_hint or ""
        self.words = (e.diag.message_primary or str(e)).strip()


class Act:
    """What the parts share: who is who, where to connect, and the ledger's entries since the act began."""

    def __init__(self, demo):
        self.demo, self.plan = demo, demo.plan
        self.people = people.under_rules(demo.people)
        self.of = {p.role: p for p in self.people}
        self.tickets = defaultdict(list)
        for t in self.plan.tickets:
            self.tickets[t[3]].append(t)

    def connect(self, role):
        db = psycopg2.connect(self.demo.tls, user=role, password=self.of[role].password, application_name="care-desk")
        db.autocommit = True
        return db

    def read(self):
        """What the ledger's last checkpoint covers. Before the act: how much that is; then what came since."""
        lines = self.demo.gatehouse("ledger", "print", "--json").stdout.splitlines()
        if not hasattr(self, "first"):
            self.first, self.before = len(lines), [json.loads(line)["entry"] for line in lines]
        self.since = [json.loads(line)["entry"] for line in lines[self.first:]]

    def settle(self):
        """All entries of what the clients have done, whose sessions have ended: the next checkpoint covers the openings, and each has its close."""
        end = time.monotonic() + 40
        while True:
            time.sleep(1.2)  # longer than ledger_checkpoint
            self.read()
            count = Counter(e["kind"] for e in self.before + self.since)
            if count["open"] == count["close"] or time.monotonic() > end:
                return

    def entries(self, **want):
        """Of the act, as of the last read() or settle()."""
        return [e for e in self.since if all(e.get(k) == v for k, v in want.items())]

    def shown(self, **want):
        """Answers that had rows; who was asked for and not shown is in the ledger too."""
        return [e for e in self.entries(kind="read", **want) if e.get("rows", 0) > 0]

    def reload(self):
        """Returns when the gate says in the ledger which policy it holds now."""
        self.read()
        before = len(self.entries(kind="policy"))
        os.kill(self.demo.gate.pid, signal.SIGHUP)
        end = time.monotonic() + 30
        while len(self.entries(kind="policy")) == before:
            if time.monotonic() > end:
                raise RuntimeError(f"the gate did not read its policy again{self.demo.log_tail()}")
            time.sleep(0.1)
            self.read()

    def sql(self, text):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.demo.admin, "-c", text], capture_output=True, text=True, check=True).stdout.strip()

    def short(self, text):
        return " ".join(text.replace(str(self.demo.place.dir) + "/conf/", "").split())

    def login_words(self, e):
        return self.short(str(e).split("FATAL:")[-1].split("HINT:")[0])


def ask(cur, sql, args=None):
    try:
        cur.execute(sql, args)
    except psycopg2.Error as e:
        raise Refused(e) from e
    return cur.fetchall() if cur.description else []


def refusal(cur, sql, args=None):
    """How it was refused; None when it was not."""
    try:
        ask(cur, sql, args)
        return None
    except Refused as e:
        return e


def person(p):
    return f"{p.name} ({p.role}, {p.employer})"


def marks_of(entries, letter=""):
    """The customers of these answers; letter: only those of this class (e explained, u unexplained)."""
    found = set()
    for e in entries:
        width, raw = 8 * len(e.get("kinds", [])), base64.b64decode(e.get("marks", ""))
        for i in range(len(raw) // width if width else 0):
            if letter in e.get("classes", "")[i:i + 1].lower():
                found |= story.marks({**e, "marks": base64.b64encode(raw[i * width:(i + 1) * width])}, story.KEY)
    return found


# ---- the parts ----

def set_up(act):
    """The tickets are open again, as at the beginning of the week; the policy, the people file and the application's keys are there."""
    demo, place = act.demo, act.demo.place
    act.read()
    act.sql("UPDATE tickets SET status = 'open', closed_at = NULL, opened_at = now()")
    text = (HERE / "demo-act3.gate").read_text(encoding="utf-8")
    place.write("conf/act3.gate", text)
    place.write("conf/tighter.gate", text.replace(f"budget {BUDGET} customers", f"budget {TIGHTER} customers"))
    people.write_csv(act.people, place.dir / "conf/people.csv")
    act.issuer = token.Issuer(str(place.dir / "run"))
    act.issuer.write_keys(place.dir / "conf/crm.jwks")
    place.own(place.dir / "conf/crm.jwks", 0o600)
    conf = (place.dir / "conf/gatehouse.conf").read_text(encoding="utf-8")
    place.write("conf/gatehouse.conf", conf.replace("policy = demo.gate", "policy = act3.gate"))
    act.reload()
    phones = dict(line.split("|") for line in act.sql("SELECT DISTINCT c.id, c.phone FROM customers c JOIN tickets t ON t.customer_id = c.id").split("\n"))
    act.phones = place.write("run/phones.json", json.dumps(phones), 0o644)


def the_leaver(t, act):
    leader, lapsed = act.of[people.LEADER], act.of[people.LAPSED]
    direct = psycopg2.connect(f"host={act.demo.place.sock} port=5432 dbname=shop", user=leader.role, password=leader.password)
    direct.close()
    words = {}
    for p in (leader, lapsed):
        try:
            act.connect(p.role).close()
        except psycopg2.OperationalError as e:
            words[p.role] = act.login_words(e)
    act.settle()
    alarms = act.entries(kind="alarm")
    t.say(f"{person(leader)} led the hotline and was dismissed on {leader.left_on}. Nobody told the database, where role and password still work. At the gate the people "
          f"file "
          f"counts: \"{words.get(leader.role, 'no refusal')}\"; the ledger has an alarm: \"{alarms[0]['why'] if alarms else 'none'}\".",
          [(leader.role in words, "refused"), ([a["actor"] for a in alarms] == [leader.role] and leader.left_on in alarms[0]["why"], "one alarm, with the date")])
    denied = act.entries(kind="deny", actor=lapsed.role)
    t.say(f"{person(lapsed)} still works there, but nobody renewed the vetting: \"{words.get(lapsed.role, 'no refusal')}\".",
          [(lapsed.role in words and lapsed.vetted_until in words[lapsed.role], "refused, with the date"), (len(denied) == 1, "one entry of it")])


def the_week(t, act, first_act):
    """The staff's week, with the same seed as in the first act."""
    began = time.monotonic()
    truth = act.demo.week("--phones", str(act.phones))
    took = time.monotonic() - began
    slicer = act.of[truth["slicer"]]
    act.settle()
    entries = act.shown()
    by = defaultdict(list)
    for e in entries:
        by[e["actor"]].append(e)
    figures = ("customers", "rows", "answers")
    same = [r for r, a in truth["actors"].items() if r != slicer.role and all(a[k] == first_act["actors"][r][k] for k in figures)]
    stopped = [r for r, a in truth["actors"].items() if r != slicer.role and a["refused"]]
    wrong = [r for r, a in truth["actors"].items() if r != slicer.role and len(marks_of(by[r])) != a["customers"]]
    classes = Counter(c.lower() for r in same for e in by[r] for c in e.get("classes", ""))
    t.say(f"The staff works the same week again ({took:.1f} s). For {len(same)} of the forty nothing changes: the same {sum(truth['actors'][r]['rows'] for r in same):,} "
          f"rows in the same answers as in the "
          f"first act, only that telephone numbers are masked. Their desk program is the same too; the gate itself finds the ticket behind each look-up: {classes['e']:,} "
          f"records explained, {classes['u'] + classes['w']} not.",
          [(len(same) == 39 and not stopped and not truth["errors"], f"only the slicer is stopped, not {stopped[:5]} {truth['errors'][:2]}"),
           (not wrong, f"the ledger agrees with the clients, not for {wrong[:5]}"),
           (classes["u"] + classes["w"] == 0 and classes["e"] > 1000, f"all are explained: {dict(classes)}")])
    seen = marks_of(by[slicer.role])
    refused = act.entries(kind="refuse", actor=slicer.role)
    told = [e for e in refused if e.get("budget")]
    loose = marks_of(by[slicer.role], "u")
    db = act.connect(slicer.role)
    again = refusal(db.cursor(), "SELECT id, full_name FROM customers WHERE id = %s", (act.tickets[slicer.role][0][1],))
    db.close()
    t.say(f"{person(slicer)} comes back after hours with the same slices. In the first act they gave {first_act['actors'][slicer.role]['customers']:,} customers; this "
          f"time {len(seen)}: the first slice breaks "
          f"off at the {BUDGET}th customer of his day, and {truth['actors'][slicer.role]['refused'].get('53Z01', 0)} statements are refused: "
          f"\"{told[0]['budget'] if told else 'none'}\" (rule {act.short(told[0].get('rule', '')) if told else '?'}).",
          [(len(seen) == BUDGET, f"exactly {BUDGET} customers"),
           (len(told) >= 40 and set(truth["actors"][slicer.role]["refused"]) == {"53Z01"}, "refused by the budget each time")])
    t.say(f"{len(loose)} of those {len(seen)} had no ticket, and the ledger says so of each. (The week is pressed into seconds, so that the budget of a day has to last "
          f"him for all of it.) Whom he has seen he may look at again.",
          [(0 < len(loose) < len(seen), "the ones without a ticket are marked"), (again is None, f"not refused: {again}")])
    act.slicer, act.truth = slicer, truth


def the_firm(t, act):
    """Each below his own budget, together above the employer's: they ask one customer at a time, all at once."""
    team = [p for p in act.people if p.employer == FIRM and p.team == "counter" and p.role != people.LAPSED]
    before = len(marks_of(act.shown(employer=FIRM)))
    taken = {ticket[1] for ticket in act.plan.tickets}
    fresh = [n for n in range(50001, 51000) if n not in taken]
    got, words, lock = Counter(), [], threading.Lock()

    def work(n, p):
        db = act.connect(p.role)
        for i in range(15):
            said = refusal(db.cursor(), "SELECT id, full_name, phone FROM customers WHERE id = %s", (fresh[15 * n + i],))
            with lock:
                got[said.code if said else "shown"] += 1
                words.extend([said] if said else [])
        db.close()

    run([lambda n=n, p=p: work(n, p) for n, p in enumerate(team)])
    act.settle()
    after = len(marks_of(act.shown(employer=FIRM)))
    t.say(f"{len(team)} colleagues at {FIRM} share out a list, {15 * len(team)} customers, 15 each, each within a budget of their own. All ask at once; the "
          f"company, which had seen {before}, is stopped at exactly {after}: "
          f"\"{act.short(words[0].words) if words else 'never'}\".",
          [(after == FIRM_BUDGET, f"exactly {FIRM_BUDGET}"),
           (got["shown"] == FIRM_BUDGET - before and set(got) == {"shown", "53Z01"}, f"each beyond is refused: {dict(got)}")])


def run(jobs):
    """All at once; the first exception is raised."""
    wrong = []

    def guarded(job):
        try:
            job()
        except Exception as e:  # raised below: a thread's exception must not pass in silence
            wrong.append(e)
    threads = [threading.Thread(target=guarded, args=(j,)) for j in jobs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if wrong:
        raise wrong[0]


def the_celebrity(t, act):
    agent = next(p for p in act.people if p.team == "hotline" and p.employer == "Lakeside Phones")
    ticket = act.tickets[agent.role][0]
    db = act.connect(agent.role)
    cur = db.cursor()
    look = "SELECT id, full_name, phone FROM customers WHERE id = %s"
    plain = refusal(cur, look, (CELEBRITY,))
    ask(cur, "SET gatehouse.case = %s", (str(ticket[0]),))
    own, borrowed = ask(cur, look, (ticket[1],)), refusal(cur, look, (CELEBRITY,))
    ask(cur, "RESET gatehouse.case")
    t.say(f"A singer is in the news, and {person(agent)} looks up customer {CELEBRITY}, of whom nobody has a ticket: \"{act.short(plain.words) if plain else 'shown'}\". "
          f"With the number of another call the gate is not "
          f"fooled: case {ticket[0]} shows its own customer, and the singer still not.",
          [(plain is not None and plain.code == "42501", "refused"), (len(own) == 1, "its own customer is shown"),
           (borrowed is not None and borrowed.code == "42501", "refused under another's case")])
    act.sql(f"INSERT INTO tickets (id, customer_id, subject, assigned_to) VALUES (900001, {CELEBRITY}, 'locked account', '{agent.role}')")
    end, shown = time.monotonic() + 20, []
    while not shown and time.monotonic() < end:  # what was fetched of a customer's tickets serves for a few seconds
        shown = [] if refusal(cur, look, (CELEBRITY,)) else ask(cur, look, (CELEBRITY,))
        time.sleep(0.2)
    db.close()
    act.settle()
    entries = act.entries(actor=agent.role)
    refused = [e for e in entries if e["kind"] == "refuse"]
    mark = story.marks(refused[0], story.KEY) if refused else set()
    t.say(f"When the singer really calls, the switchboard opens ticket 900001, and the same look-up is answered. The ledger has the refused ones too, with whose record "
          f"was asked for.",
          [(len(shown) == 1, "it is shown with a ticket"),
           (len(refused) >= 2 and len(mark) == 1 and mark == marks_of([e for e in entries if e["kind"] == "read"][-1:]), "the refusals have the customer's mark")])


class Desk:
    """An application with one login, ten connections and forty users: each transaction says with a signed token whom it serves. What the users
    got is counted here."""

    LOOK = "SELECT id, full_name, phone, apple_id FROM customers WHERE id = %s"

    def __init__(self, act, agents):
        self.act, self.agents = act, agents
        self.tokens = {p.role: self.sign(p) for p in agents}
        self.lock = threading.Lock()
        self.shown, self.refused, self.wrong, self.served = Counter(), Counter(), [], defaultdict(set)
        self.pool = psycopg2.pool.ThreadedConnectionPool(CONNECTIONS, CONNECTIONS, act.demo.tls, user=people.APPLICATION,
                                                         password=act.of[people.APPLICATION].password, application_name="customer desk")

    def sign(self, p, **more):
        return self.act.issuer.token(p.role, org=p.employer, team=p.team, roles=["desk", p.team], name=p.name, **more)

    def serve(self, p, ticket):
        """One transaction of one user, on whichever connection is free."""
        db = self.pool.getconn()
        try:
            cur = db.cursor()
            ask(cur, "SET LOCAL gatehouse.token = %s", (self.tokens[p.role],))
            ask(cur, "SET LOCAL gatehouse.case = %s", (str(ticket[0]),))
            who = ask(cur, "SHOW gatehouse.actor")[0][0]
            try:
                rows, code = ask(cur, self.LOOK, (ticket[1],)), None
            except Refused as e:
                rows, code = [], e.code
            (db.rollback if code else db.commit)()
            after = ask(cur, "SHOW gatehouse.actor")[0][0]
            db.rollback()
            self.note(db, p, ticket, (who, rows, code, after))
        finally:
            self.pool.putconn(db)

    def work(self):
        """Everybody's last tickets, in turn: what one connection is asked next is another one's."""
        jobs = [(p, self.act.tickets[p.role][-i]) for i in range(1, ASKED + 1) for p in self.agents]
        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as workers:
            for done in [workers.submit(self.serve, *job) for job in jobs]:
                done.result()

    def note(self, db, p, ticket, answer):
        who, rows, code, after = answer
        good = who == p.role and after == ""
        if code is None:
            row = rows[0] if len(rows) == 1 else (None, "", "", "")
            masked = row[3] is None if p.team == "counter" else bool(re.fullmatch(r".{2}\*+", row[3] or ""))
            good = good and row[0] == ticket[1] and bool(re.fullmatch(r"\*{7}[0-9]{4}", row[2] or "")) and masked
        with self.lock:
            self.served[id(db)].add(p.role)
            (self.refused if code else self.shown)[p.role] += 1
            if not good or code not in (None, "53Z01"):
                self.wrong.append(f"{p.role}: {answer}")

    def as_token(self, text):
        """How a token is refused, and for whom the connection speaks then."""
        db = self.pool.getconn()
        try:
            cur = db.cursor()
            said = refusal(cur, "SET gatehouse.token = %s", (text,)) if text else None
            db.rollback()
            row = ask(cur, self.LOOK, (17,))[0]
            db.rollback()
            return said, row
        finally:
            self.pool.putconn(db)


def the_application(t, act):
    agents = [p for p in act.people if p.groups in ("desk;counter", "desk;hotline") and not p.left_on and p.role != people.LAPSED]
    desk = Desk(act, agents)
    began = time.monotonic()
    desk.work()
    took = time.monotonic() - began
    _, nobody = desk.as_token(None)
    someone = desk.tokens[agents[0].role]
    forged = someone[:-6] + ("AAAAAA" if someone[-6:] != "AAAAAA" else "BBBBBB")
    bad = [desk.as_token(text)[0] for text in (forged, desk.sign(agents[0], life=-60), desk.sign(agents[0], aud="another program"))]
    gone = desk.as_token(desk.sign(act.of[people.LEADER]))[0]
    desk.pool.closeall()
    act.settle()
    entries = act.entries(login=people.APPLICATION)
    reads = [e for e in entries if e["kind"] == "read" and e["actor"] in act.tickets and e["rows"] > 0]
    owner = {str(ticket[0]): ticket[3] for ticket in act.plan.tickets}
    crossed = [e for e in reads if owner.get(e.get("case")) != e["actor"] or (e.get("employer"), e.get("name")) != (act.of[e["actor"]].employer, act.of[e["actor"]].name)]
    spoke = [len(s) for s in desk.served.values()]
    t.say(f"The forty also work through an application with a login of its own and {len(spoke)} pooled connections. Each transaction says with a signed token whom it "
          f"serves: {sum(desk.shown.values())} answers in {took:.1f} s, "
          f"and a connection spoke for {min(spoke)} to {max(spoke)} people in turn. Each answer was the asker's own: his ticket's customer, masked as for him (at a "
          f"counter the account is hidden, the hotline sees two letters), "
          "and behind each transaction the connection was nobody's again.",
          [(not desk.wrong, f"{len(desk.wrong)} answers were another's: {desk.wrong[:2]}"),
           (len(spoke) == CONNECTIONS and min(spoke) >= 2, f"ten connections, several people each: {spoke}"),
           (len(desk.shown) == 39, "39 get answers")])
    t.say(f"In the ledger stand {len({e['actor'] for e in reads})} names, not the application's: each of the {len(reads)} entries has the person, the employer and the "
          f"case, and each case is a ticket of that person.",
          [(not crossed, f"{len(crossed)} entries are another's"), (len(reads) == sum(desk.shown.values()), "an entry for each answer")])
    t.say(f"A budget is a person's, whichever way he comes: {act.slicer.name} is refused here too, {desk.refused[act.slicer.role]} times of {ASKED}. Nobody else is.",
          [(set(desk.refused) == {act.slicer.role} and desk.refused[act.slicer.role] == ASKED, f"only {act.slicer.role}: {dict(desk.refused)}")])
    t.say(f"Without a token the application sees what is for nobody: {nobody[0]}, {nobody[1]}, no number. A token with another signature, an expired one and one for "
          f"another program are refused; so is a good one of the dismissed "
          f"{act.of[people.LEADER].name}: \"{act.short(gone.words) if gone else 'accepted'}\".",
          [(nobody[1].endswith("*") and nobody[2:] == (None, None), f"masked: {nobody}"),
           (all(e is not None and e.code == "28000" for e in bad), f"refused: {[e and e.words for e in bad]}"), (gone is not None and gone.code == "28000", "refused"),
           (len(act.entries(kind="alarm", actor=people.LEADER)) == 2, "and alarmed")])


def totp(secret):
    """RFC 6238: six digits, thirty seconds, SHA-1."""
    digest = hmac.new(base64.b32decode(secret + "=" * (-len(secret) % 8)), struct.pack(">Q", int(time.time() // 30)), hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place:place + 4])[0] & 0x7fffffff) % 1000000:06}"


def the_supervisor(t, act):
    boss, late = act.of[people.SUPERVISOR], act.plan.late
    secret = re.search(r"secret=([A-Z2-7]+)", act.demo.gatehouse("otp", "enroll", boss.role, "--no-verify").stdout)[1]
    act.reload()
    db = act.connect(boss.role)
    db.autocommit = False
    cur = db.cursor()
    sql = "SELECT c.id, c.full_name, t.subject, t.status FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.assigned_to = %s ORDER BY t.id LIMIT %s"
    begun = ask(cur, "SELECT now()")
    first = refusal(cur, sql, (late.role, REVIEWED))
    wrong = refusal(cur, "SET gatehouse.otp = '000000'")
    code = totp(secret)
    right = refusal(cur, "SET gatehouse.otp = %s", (code,))
    rows = [] if right else ask(cur, sql, (late.role, REVIEWED))
    same = ask(cur, "SELECT now()") == begun
    db.commit()
    again = refusal(cur, "SET gatehouse.otp = %s", (code,))
    db.close()
    act.settle()
    steps = [e for e in act.entries(kind="step", actor=boss.role) if e.get("until")]
    t.say(f"{person(boss)} reviews {REVIEWED} tickets of {late.name}. After {STEP_AFTER} customers the gate wants to know that it is really she: "
          f"\"{act.short(first.words) if first else 'shown'}\"; hint: {act.short(first.hint) if first else ''}",
          [(first is not None and first.code == "28Z01", "asked for a one-time password")])
    t.say(f"She types the six digits of her telephone as SQL, and in the same transaction the {len(rows)} tickets come. A wrong code was refused, the right one is "
          f"refused the second time; the ledger has the step, good until "
          f"{steps[0]['until'][11:19] if steps else '?'} UTC.",
          [(right is None and len(rows) == REVIEWED and same, f"{REVIEWED} rows in one transaction: {right}"),
           (wrong is not None and again is not None, "wrong and used codes are refused"), (len(steps) == 1, "one entry of the step")])


def the_suspension(t, act):
    p = act.slicer
    db = act.connect(p.role)
    act.demo.gatehouse("suspend", p.role, "--why", "stopped at the budget on four evenings")
    began = time.monotonic()
    ended = False
    while not ended and time.monotonic() - began < 20:
        said = refusal(db.cursor(), "SELECT name FROM products") if not db.closed else None
        ended = bool(db.closed)
        time.sleep(0.02)
    took = time.monotonic() - began
    try:
        act.connect(p.role).close()
        words = "let in"
    except psycopg2.OperationalError as e:
        words = act.login_words(e)
    act.settle()
    done = act.entries(kind="suspend")
    t.say(f"The data-protection lead has seen enough: `gatehouse suspend {p.role} --why ...` ends his open session {took * 1000:.0f} ms after the command, and the next "
          f"log-in is refused: \"{words}\".",
          [(ended and said is not None, "the session ends"), (words != "let in", "refused"), (len(done) == 1 and done[0].get("operator"), "an entry with the operator")])


def the_replay(t, act):
    """What a budget of 45 would have done with this act, before anybody has to live with it."""
    since = act.since[0]["time"]
    args = ("policy", "replay", "--since", since, "--policy", str(act.demo.place.dir / "conf/tighter.gate"))
    report = json.loads(act.demo.gatehouse(*args, "--json").stdout)
    began = time.monotonic()
    table = act.demo.gatehouse(*args).stdout
    took = time.monotonic() - began
    seen, now = defaultdict(set), {e["actor"] for e in act.shown()}
    for e in act.before + act.since:  # the first act counts: a day's window is longer than the demo
        if e["kind"] == "read" and e["rows"] > 0:
            seen[e["actor"]] |= story.marks(e, story.KEY)
    over = {r for r in now if r in act.tickets and len(seen[r]) > TIGHTER}
    cut = {a["actor"]: a for a in report["actors"] if any(f"budget of {TIGHTER} " in c["why"] for c in a["causes"])}
    honest = sorted(r for r in cut if r != act.slicer.role and act.of[r].employer != FIRM)
    t.say(f"Would {TIGHTER} a day be better than {BUDGET}? `gatehouse policy replay --since ... --policy tighter.gate` decides in {took:.1f} s once more what the ledger "
          f"has of this act, {report['lookups']:,} look-ups:",
          [(set(cut) == over, f"those who saw more than {TIGHTER}: {sorted(over)}, not {sorted(cut)}")])
    rows = [line for line in table.split("not known from a ledger")[0].replace(str(act.demo.place.dir) + "/conf/", "").split("\n")]
    print("\n" + "\n".join(f"       {line}".rstrip() for line in rows).strip("\n") + "\n")
    slicer = cut.get(act.slicer.role, {"fewer": 0})
    t.say(f"{act.slicer.name} would have seen {slicer['fewer']} fewer; but {', '.join(act.of[r].name for r in honest)}, who looked at nobody without a ticket, would have "
          f"been stopped at their work too. {BUDGET} stays.",
          [(slicer["fewer"] == BUDGET - TIGHTER, f"{BUDGET - TIGHTER} fewer"), (len(honest) == 3, "three honest people"),
           (not any(a["allowed_now"] for a in report["actors"]), "a tighter budget allows nothing more")])


def tell(t, demo, facts):
    act = Act(demo)
    print("\n   Third act: the staff's week again, under a policy of budgets, reasons and tokens (conf/act3.gate).\n", flush=True)
    set_up(act)
    the_leaver(t, act)
    the_week(t, act, facts.week)
    the_celebrity(t, act)
    the_firm(t, act)
    the_application(t, act)
    the_supervisor(t, act)
    the_suspension(t, act)
    the_replay(t, act)
