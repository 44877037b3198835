"""The story of the demo's week, told from the ledger: every figure and time below comes from `gatehouse ledger print --json`, `seen`,
`ledger verify`, and, where it says so, from what the clients counted themselves. Each sentence that claims something checks it."""
import base64
import json
import re
import statistics
import subprocess
import time
from collections import defaultdict

import act3
import analyst
import people

KEY = "customer.key"


class Facts:
    """What the steps measured: psql, stopped, week, bench."""


class Teller:
    def __init__(self):
        self.held = True
        self.n = 0

    def say(self, text, claims=()):
        """claims: (holds, what was expected) pairs; a sentence whose claims fail is told with the reason."""
        wrong = [expected for holds, expected in claims if not holds]
        self.n += 1
        print(f"{self.n:3}. {text}", flush=True)
        for w in wrong:
            self.held = False
            print(f"     DOES NOT HOLD: {w}")


def marks(entry, kind):
    """The distinct marks of one kind in an entry: tuples of 8 bytes a kind; zero is absent."""
    kinds = entry.get("kinds", [])
    raw = base64.b64decode(entry.get("marks", ""))
    if kind not in kinds:
        return set()
    width, at = 8 * len(kinds), 8 * kinds.index(kind)
    return {(entry.get("epoch"), raw[i + at:i + at + 8]) for i in range(0, len(raw), width)} - {(entry.get("epoch"), bytes(8))}


def clock(entry):
    return entry["time"][11:23]


def label(entry):
    return entry.get("application", "")


class Ledger:
    def __init__(self, demo):
        text = self.settled(demo)
        lines = [json.loads(line) for line in text]
        self.raw = {entry["index"]: line[line.index(":{") + 1:-1].encode() for entry, line in zip(lines, text)}  # byte for byte
        self.index = [line["index"] for line in lines]
        self.entries = [line["entry"] for line in lines]
        self.reads = [(i, e) for i, e in zip(self.index, self.entries) if e["kind"] == "read" and e.get("rows", 0) > 0]
        self.customers, self.rows, self.answers = defaultdict(set), defaultdict(int), defaultdict(set)
        for _, e in self.reads:
            self.customers[e["actor"]] |= marks(e, KEY)
            self.rows[e["actor"]] += e["rows"]
            self.answers[e["actor"]].add((e["session"], e.get("seq", 0)))

    @staticmethod
    def settled(demo):
        """All entries, once every session is closed and no more arrive (close entries come a moment after the clients leave)."""
        last = None
        for _ in range(30):
            text = demo.gatehouse("ledger", "print", "--json").stdout
            if text == last and text.count('"kind":"open"') == text.count('"kind":"close"'):
                break
            last = text
            time.sleep(1.2)  # longer than ledger_checkpoint
        return [line for line in last.split("\n") if line]

    def of(self, role, test=lambda e: True):
        return [(i, e) for i, e in self.reads if e["actor"] == role and test(e)]


def who(e):
    return f"{e.get('name', '?')} ({e['actor']}, {e.get('employer', '?')}, {e.get('province', '?')})"


def the_people(t, demo, ledger, facts):
    entries, reads = ledger.entries, ledger.reads
    opens = [e for e in entries if e["kind"] == "open"]
    desk = [e for _, e in reads if label(e).startswith("care-desk")]
    monday = [e for e in desk if " Mon 08" in label(e)]
    t.say(f"The ledger has {len(entries):,} entries, from {clock(entries[0])} to {clock(entries[-1])} UTC on {entries[0]['time'][:10]}: "
          f"{len(opens)} log-ins, {len(ledger.reads):,} answers with customers in them, by {len(ledger.customers)} roles.",
          [(len(ledger.customers) == 41, "41 roles: forty staff and one program")])
    t.say(f"The week is compressed: the desk programs called it Mon to Fri in application_name, and its Monday took from {clock(monday[0])} to "
          f"{clock(monday[-1])}; day names here are the programs' claims, times are the gate's.")
    tcp = [e for e in opens if e.get("application", "").startswith("care-desk") or e.get("application") == "psql"]
    ways = {(e.get("auth"), e.get("tls")) for e in tcp}
    t.say(f"The {len(tcp)} log-ins of staff were all {', '.join(f'{a} over {v}' for a, v in sorted(ways, key=str))}; no password crossed the wire, and each "
          "reached the database as the same role.", [(ways == {("scram-sha-256-plus", "TLSv1.3")}, "channel-bound SCRAM over TLS 1.3 for all")])


def the_slicer(t, demo, ledger, facts):
    truth = facts.week
    staff = [p for p in demo.people if p.role not in (people.PROGRAM, people.ANALYST)]
    count = {p.role: len(ledger.customers[p.role]) for p in staff}
    ranked = sorted(count, key=count.get, reverse=True)
    first = ranked[0]
    person = next(p for p in staff if p.role == first)
    median = statistics.median(count.values())
    colleagues = statistics.median(count[p.role] for p in staff if p.employer == person.employer and p.role != first)
    seen_by_staff = set().union(*(ledger.customers[p.role] for p in staff))
    t.say(f"Forty staff of four partners looked at {len(seen_by_staff):,} distinct customers; the median was {median:.0f} a person, and {ranked[1]}, second "
          f"from the top, had {count[ranked[1]]}.")
    mine = ledger.of(first)
    slices = ledger.of(first, lambda e: "BETWEEN" in e.get("text", "").upper())
    t.say(f"One stands out: {who(mine[0][1])} looked at {count[first]:,} distinct customers, {count[first] / 1000:.1f} % of all, where the median colleague at "
          f"{person.employer} looked at {colleagues:.0f}: {count[first] / colleagues:.0f} times as many.",
          [(first == truth["slicer"], f"the one who copied is {truth['slicer']}"), (mine[0][1].get("employer") == person.employer, "the employer of people.csv"),
           (mine[0][1].get("province") == person.province, "the province of people.csv")])
    if not slices:
        t.say("No answer of theirs names a range.", [(False, "the slices are in the ledger")])
        return first, mine
    sliced = set().union(*(marks(e, KEY) for _, e in slices))
    t.say(f"{len(sliced):,} of them came in {len({(e['session'], e['seq']) for _, e in slices})} answers to `{slices[0][1]['text']}`, the first at "
          f"{clock(slices[0][1])} (entry {slices[0][0]}), the last at {clock(slices[-1][1])} (entry {slices[-1][0]}).")
    hours = sorted({label(e)[10:16] for _, e in slices}, key=lambda h: "MonTueWedThuFri".find(h[:3]))
    t.say(f"All of them came in sessions that the desk program called {', '.join(hours)}: after hours, on {len(hours)} evenings; by day the same person closed "
          f"tickets like the others, {len(set().union(*(marks(e, KEY) for i, e in mine if (i, e) not in slices)))} customers in all.",
          [(all(h[4:6] == "22" for h in hours), "only evening sessions")])
    late = truth["late"]
    evening = ledger.of(late, lambda e: " 21:" in label(e))
    t.say(f"{who(evening[0][1])} was there late too ({label(evening[0][1])[10:]}), for {len(set().union(*(marks(e, KEY) for _, e in evening)))} customers with "
          f"tickets: late is not the sign, the number of persons is; with {count[late]} in the week they are {abs(count[late] - median):.0f} from the median.",
          [(count[late] < 3 * median, "the late worker does not stand out")])
    return first, mine


def the_record(t, demo, ledger, facts):
    truth = facts.week["actors"]
    extra_rows = defaultdict(int)
    for other in (facts.psql, facts.stopped):
        extra_rows[other["role"]] += other["rows"]
    desk = {r: [e for _, e in ledger.of(r, lambda e: label(e).startswith("care-desk"))] for r in truth}
    customers = {r: len(set().union(*(marks(e, KEY) for e in es))) for r, es in desk.items()}
    wrong = [r for r in truth if customers[r] != truth[r]["customers"] or sum(e["rows"] for e in desk[r]) != truth[r]["rows"]
             or len({(e["session"], e.get("seq", 0)) for e in desk[r]}) != truth[r]["answers"]]
    wrong += [r for r, n in extra_rows.items() if ledger.rows[r] != truth[r]["rows"] + n]
    t.say(f"The clients counted for themselves what they received: {sum(a['rows'] for a in truth.values()):,} rows in {sum(a['answers'] for a in truth.values()):,} "
          "answers; for each of the forty the ledger has the same rows, the same answers and the same number of distinct customers.",
          [(not wrong, f"ledger and clients agree; they differ for {', '.join(wrong[:5])}"), (not facts.week["errors"], "no client met an error")])
    unknown = [e for e in ledger.entries if e["kind"] == "read" and e.get("subjects") == "unknown"]
    t.say(f"Answers whose customers could not be told: {len(unknown)}.", [(not unknown, "none in this week")])
    s = facts.stopped
    record = [(i, e) for i, e in ledger.of(s["role"]) if label(e) == "stopped keeper"]
    t.say(f"Nothing left before its record: while the keeper stood still a look-up by {s['role']} waited {s['waited_ms']:.0f} ms; its rows came only after the keeper "
          f"went on and had entry {record[0][0] if record else '?'} on disk; a question about products was answered meanwhile, in {s['other_ms']:.1f} ms.",
          [("D" not in s["early"], f"no row came while the keeper was stopped; messages {s['early']} did"), (len(record) == 1, "one entry of that look-up"),
           (s["waited_ms"] >= 450, "the look-up waited"), (s["other_ms"] < 5000, "other questions did not wait")])


def the_customer(t, demo, ledger, facts):
    truth = {r: a["famous"] for r, a in facts.week["actors"].items() if a["famous"]}
    answers = {}
    phone = subprocess.run(["psql", "-X", "-At", "-d", demo.admin, "-c", f"SELECT phone FROM customers WHERE id = {facts.week['famous']}"],
                           capture_output=True, text=True, check=True).stdout.strip()
    for ask in (("--subject", str(facts.week["famous"])), ("--phone", phone)):
        p = demo.gatehouse("seen", *ask, "--json", check=False)
        answers[ask[0]] = json.loads(p.stdout) if p.returncode == 0 else {"lookups": []}
    by = defaultdict(int)
    for look in answers["--subject"]["lookups"]:
        by[look["actor"]] += 1
    slicer = [x for x in answers["--subject"]["lookups"] if x["actor"] == facts.week["slicer"]]
    t.say(f"Who saw customer {facts.week['famous']}? `gatehouse seen --subject {facts.week['famous']}`: {answers['--subject'].get('summary', 'nobody')}; one of them is "
          f"{facts.week['slicer']}, at {slicer[0]['time'][11:23] if slicer else '?'}, with the statement of sentence 6.",
          [(dict(by) == truth, f"exactly the clients that received this customer: {truth}, not {dict(by)}"), (len(slicer) == 1 and "BETWEEN" in slicer[0]["text"].upper(), "the copying is among them")])
    same = [x["index"] for x in answers["--subject"]["lookups"]] == [x["index"] for x in answers["--phone"]["lookups"]]
    t.say("Asked by the customer's telephone number in place of the customer number, the answer is the same: answers that showed both tie the two marks together.",
          [(same, "both questions find the same entries")])


def the_silence(t, demo, ledger):
    """Personal data must not be in the ledger's files: every number and address that the slices held is looked for."""
    rows = subprocess.run(["psql", "-X", "-At", "-d", demo.admin, "-c", "SELECT phone, apple_id FROM customers WHERE id BETWEEN 3001 AND 12600"],
                          capture_output=True, text=True, check=True).stdout.split()
    values = {v.encode() for row in rows for v in row.split("|")}
    files = [f for f in (demo.place.dir / "ledger").rglob("*") if f.is_file()]
    data = b"\n".join(f.read_bytes() for f in files)
    words = re.sub(rb"\0{64,}", b"\0", data)  # the journal's unused part
    there = set(re.findall(rb"(?=(1[0-9]{10}))", words)) | set(re.findall(rb"[a-z.]+[0-9]*@example\.[a-z]+", words))
    hits = len(values & there)
    t.say(f"The ledger names staff, never customers: {len(values):,} telephone numbers and addresses were looked for in its {len(files)} files "
          f"({len(data) / 1e6:.1f} MB), and {hits} found.", [(hits == 0, "none"), (len(values) > 10000, "something to look for")])


def bundle_of(ledger_dir, index):
    n = index // 256
    parts = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03}")
    path = ledger_dir / "tile" / "entries" / "/".join(parts)
    if path.exists():
        return path
    partial = path.with_name(path.name + ".p")
    return max(partial.iterdir(), key=lambda p: int(p.name))


def the_proof(t, demo, ledger, mine):
    before = demo.gatehouse("ledger", "verify", check=False)
    t.say(f"`gatehouse ledger verify`: {before.stdout.strip().splitlines()[-1] if before.stdout.strip() else before.stderr.strip()}", [(before.returncode == 0, "the ledger verifies")])
    index, entry = mine[len(mine) // 2]
    path = bundle_of(demo.place.dir / "ledger", index)
    good = path.read_bytes()
    name = entry["actor"].encode()
    start = good.index(ledger.raw[index])
    at = good.index(b'"actor":"' + name, start) + len(b'"actor":"')
    bad = bytearray(good)
    bad[at] ^= 1
    try:
        overwrite(path, bytes(bad))
        caught = demo.gatehouse("ledger", "verify", check=False)
    finally:
        overwrite(path, good)
    words = " ".join((caught.stdout + caught.stderr).split())
    where = str(path.relative_to(demo.place.dir / "ledger"))
    t.say(f"One bit of the role's name in entry {index} was flipped on disk ({where}, byte {at}): {words.replace(str(demo.place.dir) + '/', '')}",
          [(caught.returncode == 1, f"verify fails with status 1, not {caught.returncode}"), (where in words, "it names the file"), (str(index) in words, "it names the entry")])
    again = demo.gatehouse("ledger", "verify", check=False)
    t.say("The byte was put back, and the ledger verifies again.", [(again.returncode == 0, "it verifies")])


def overwrite(path, data):
    with open(path, "r+b") as f:
        f.write(data)


def the_cost(t, demo, ledger, facts):
    b = facts.bench
    direct, gate = b["direct"], b["gate"]
    rows = ledger.rows[people.PROGRAM]
    counts = demo.metrics()
    held = counts.get("held_microseconds_total", 0) / max(1, counts.get("entries_total", 1)) / 1000
    t.say(f"What it costs: pgbench's look-up by number, one after the other, took {direct['p50_us'] / 1000:.2f} ms directly and {gate['p50_us'] / 1000:.2f} ms through the "
          f"gate (p50; on average {direct['mean_us'] / 1000:.2f} and {gate['mean_us'] / 1000:.2f}); {held:.2f} ms is what an answer waited on average for the disk to have "
          "its record.",
          [(rows == gate["n"], f"all {gate['n']} rows that pgbench received through the gate are recorded, not {rows}"),
           (gate["p50_us"] < 1000000, "under a second, whatever the disk")])


def tell(demo, facts):
    t = Teller()
    ledger = Ledger(demo)
    the_people(t, demo, ledger, facts)
    _, mine = the_slicer(t, demo, ledger, facts)
    the_record(t, demo, ledger, facts)
    the_customer(t, demo, ledger, facts)
    the_silence(t, demo, ledger)
    the_proof(t, demo, ledger, mine)
    the_cost(t, demo, ledger, facts)
    print(f"\n   Second act: an analyst who may type any SQL, under `treat enforce` (conf/demo.gate).\n", flush=True)
    analyst.tell(t, demo)
    act3.tell(t, demo, facts)
    return t.held
