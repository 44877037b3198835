"""4.12 under load: sessions run prepared and new statements while the administrator changes what they mean. Our gate only: rows are searched for
protected values, and the gate must serve again afterwards."""
import threading
import time

from harness import judge
from harness.legit import told
from harness.scene import Scene
from lib.pgwire import bind, execute, parse

LIST = 'CREATE OR REPLACE VIEW order_list AS SELECT o.id, o.item, o.amount, %s AS province FROM orders o JOIN customers c ON c.id = o.customer_id'
BODY = "CREATE OR REPLACE FUNCTION customer_province(bigint) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS 'SELECT %s FROM public.customers WHERE id = $1'"
SWAP = 'ALTER TABLE customers RENAME province TO x; ALTER TABLE customers RENAME full_name TO province; ALTER TABLE customers RENAME x TO full_name'
VALUES = 'SELECT full_name FROM customers UNION SELECT phone FROM customers WHERE phone IS NOT NULL'


def storm(sql, there, back, rounds=10, readers=3):
    def run(s):
        values = {v for v, in s.admin(VALUES)}
        stop, scenes, faults = threading.Event(), [Scene(s.side) for _ in range(readers)], []

        def reader(scene):
            try:
                n = 0
                while not stop.is_set():
                    scene.ask(parse(sql, 'p'))
                    for _ in range(4):
                        scene.ask(bind(name='p'), execute())
                    scene.q(sql + ' -- %d' % n)
                    scene.main.ask(b'C\0\0\0\7Sp\0')
                    n += 1
                    if scene.main.over:
                        scene.main.bye()
                        scene.sessions.clear()
            except Exception as e:
                faults.append('%s: %s' % (type(e).__name__, e))
        threads = [threading.Thread(target=reader, args=(scene,)) for scene in scenes]
        for t in threads:
            t.start()
        time.sleep(0.4)
        s.undone.append(back)
        for n in range(rounds):
            s.admin(there)
            time.sleep(0.08)
            if n + 1 < rounds:  # the last way back is that of undoing
                s.admin(back)
                time.sleep(0.08)
        stop.set()
        for t in threads:
            t.join()
        served = 0
        for scene in scenes:
            shown = judge.clear(scene.tokens, values)
            if shown:
                faults.append('protected values in rows: %s' % shown[:4])
            faults += judge.broken(scene.tokens, False)
            served += sum(t.startswith('main D') for t in scene.tokens)
            scene.done(False)
        if not served:
            faults.append('nothing was served')
        return faults
    return run


told('4.12 under load', 'a view replaced')(storm('SELECT province FROM order_list ORDER BY id LIMIT 5', LIST % 'c.full_name', LIST % 'c.province'))
told('4.12 under load', 'a reviewed function replaced')(storm('SELECT customer_province(id) FROM orders ORDER BY id LIMIT 5', BODY % 'phone::text', BODY % 'province'))
told('4.12 under load', 'columns renamed crosswise')(storm('SELECT id, province FROM customers ORDER BY id LIMIT 5', SWAP, SWAP))
