#!/usr/bin/python3
"""Forty people at work for a compressed week, through psycopg2: each opens tickets and looks up the ticket's customer, by number or by
telephone. One of them comes back after hours and copies the customer list in slices. Fixed seed: the same week every time.

The desk program's clock is compressed, so it says the week's day and hour in application_name; nothing else here tells time. What the
clients received is counted here, by themselves, for the comparison with the ledger (--out): rows and distinct customer numbers.

--phones: the second time round the staff is under rules and sees masked numbers; who calls back is then found by the number on the
telephone's display, which this file has. What is refused is counted, and the person goes on with the next ticket."""
import argparse
import json
import random
import sys
import threading
from collections import Counter, defaultdict

import psycopg2

import people

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri"]
TICKETS_A_DAY = (6, 10)
FAMOUS = 4242            # the customer whom `seen` asks about
FAMOUS_VISITS = 5
SLICE = 200
SLICES_AN_EVENING = 12
SLICES_FROM = 3001
EVENINGS = 4
SUBJECTS = ["battery", "screen", "address change", "refund", "locked account", "delivery", "trade-in", "invoice"]


class Plan:
    """Who gets which tickets on which day; made from the seed alone, so that the database can be filled with the same tickets."""

    def __init__(self):
        rng = random.Random(people.SEED + 1)
        self.staff = [p for p in people.make() if p.role not in (people.PROGRAM, people.ANALYST)]
        self.slicer = rng.choice(self.staff)
        self.late = rng.choice([p for p in self.staff if p is not self.slicer])  # works late one evening, honestly
        self.tickets = []    # (id, customer_id, subject, role, day)
        visitors = rng.sample([p for p in self.staff if p is not self.slicer], FAMOUS_VISITS)
        for day in range(len(DAYS)):
            for person in self.staff:
                for _ in range(rng.randint(*TICKETS_A_DAY)):
                    self.add(rng.randint(1, 100000), rng, person, day)
            self.add(FAMOUS, rng, visitors[day], day)
        for _ in range(7):
            self.add(rng.randint(1, 100000), rng, self.late, 2.5)  # Wednesday evening

    def add(self, customer, rng, person, day):
        self.tickets.append((len(self.tickets) + 1, customer, rng.choice(SUBJECTS), person.role, day))

    def copy_rows(self):
        return "".join(f"{t[0]}\t{t[1]}\t{t[2]}\t{t[3]}\n" for t in self.tickets)


class Worker:
    """One person's program. Counts what it receives."""

    def __init__(self, person, dsn, phones):
        self.person, self.dsn, self.phones = person, dsn, phones
        self.rng = random.Random(f"{people.SEED} {person.role} desk")
        self.refused = Counter()  # by SQLSTATE
        self.customers = set()
        self.rows = 0
        self.answers = 0          # answers with at least one row
        self.famous = 0           # answers that spoke of the famous customer

    def sign_in(self, label):
        self.db = psycopg2.connect(self.dsn, user=self.person.role, password=self.person.password, application_name=label)
        self.db.autocommit = True
        self.cur = self.db.cursor()

    def sign_out(self):
        self.db.close()

    def ask(self, sql, args, key):
        """key: the column with the customer's number, or the number itself when the answer does not show it. None: it was refused."""
        try:
            self.cur.execute(sql, args)
        except psycopg2.Error as e:
            if self.phones is None or self.db.closed:
                raise
            self.refused[e.pgcode] += 1
            return None
        rows = self.cur.fetchall()
        seen = {r[key[0]] for r in rows} if isinstance(key, tuple) else ({key} if rows else set())
        self.rows += len(rows)
        self.answers += bool(rows)
        self.famous += FAMOUS in seen
        self.customers |= seen
        return rows

    def ticket(self, ticket):
        mine = self.ask("SELECT id, customer_id, subject FROM tickets WHERE id = %s", (ticket[0],), (1,))
        if mine is None:
            return
        (_, customer, _), = mine
        how = self.rng.random()
        if how < 0.5:
            row, = self.ask("SELECT id, full_name, phone, province FROM customers WHERE id = %s", (customer,), (0,))
        else:
            row, = self.ask("SELECT * FROM customer_card WHERE id = %s", (customer,), (0,))
        if how > 0.8:  # the customer calls back: the desk finds them by the number on the display
            self.ask("SELECT id, full_name, phone FROM customers WHERE phone = %s", (self.phones[str(customer)] if self.phones else row[2],), (0,))
        if self.rng.random() < 0.3:
            self.ask("SELECT product, amount, ordered_at FROM orders WHERE customer_id = %s ORDER BY ordered_at", (customer,), customer)
        if self.rng.random() < 0.2:
            self.ask("SELECT serial, model FROM devices WHERE customer_id = %s", (customer,), customer)
        if self.rng.random() < 0.2:  # nobody's data: needs no record
            self.cur.execute("SELECT name, price FROM products ORDER BY name")
            self.cur.fetchall()
        self.cur.execute("UPDATE tickets SET status = 'closed', closed_at = now() WHERE id = %s", (ticket[0],))

    def slices(self, evening):
        for i in range(SLICES_AN_EVENING):
            first = SLICES_FROM + (evening * SLICES_AN_EVENING + i) * SLICE
            self.ask("SELECT id, full_name, phone, apple_id FROM customers WHERE id BETWEEN %s AND %s", (first, first + SLICE - 1), (0,))


def shift(jobs, errors):
    def guarded(job):
        try:
            job()
        except Exception as e:  # told by the main thread: a thread's exception must not pass in silence
            errors.append(f"{type(e).__name__}: {e}")
    threads = [threading.Thread(target=guarded, args=(j,)) for j in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def week(dsn, plan, phones):
    by_role_day = defaultdict(list)
    for t in plan.tickets:
        by_role_day[t[3], t[4]].append(t)
    workers = {p.role: Worker(p, dsn, phones) for p in plan.staff}
    errors = []

    def day_job(worker, day):
        def run():
            worker.sign_in(f"care-desk {DAYS[int(day)]} {'21' if day != int(day) else '08'}:{worker.rng.randint(30, 59)}")
            for t in by_role_day[worker.person.role, day]:
                worker.ticket(t)
            worker.sign_out()
        return run

    def evening_job(worker, evening):
        def run():
            worker.sign_in(f"care-desk {DAYS[evening]} 22:{worker.rng.randint(10, 50)}")
            worker.slices(evening)
            worker.sign_out()
        return run

    for day in range(len(DAYS)):
        shift([day_job(w, day) for w in workers.values()], errors)
        evening = [evening_job(workers[plan.slicer.role], day)] if day < EVENINGS else []
        if by_role_day[plan.late.role, day + 0.5]:
            evening.append(day_job(workers[plan.late.role], day + 0.5))
        shift(evening, errors)
    return workers, errors


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--dsn", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--phones")
    args = ap.parse_args()
    plan = Plan()
    phones = None
    if args.phones:
        with open(args.phones, encoding="utf-8") as f:
            phones = json.load(f)
    workers, errors = week(args.dsn, plan, phones)
    with open(args.out, "w", encoding="utf-8") as f:
        json.dump({
            "slicer": plan.slicer.role, "late": plan.late.role, "famous": FAMOUS, "errors": errors,
            "actors": {r: {"customers": len(w.customers), "rows": w.rows, "answers": w.answers, "famous": w.famous, "refused": w.refused}
                       for r, w in workers.items()}}, f, indent=1)
    for e in errors[:5]:
        print(e, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
