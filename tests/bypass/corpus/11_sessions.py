"""4.4 and 4.6 with more than one session: what another person sees."""
import time

from harness.corpus import attack

ACTIVITY = "SELECT usename, application_name, query FROM pg_stat_activity WHERE usename = 'mira' ORDER BY 1, 2, 3"


@attack('4.4', 'notification reaches another person')
def _(s):
    other = s.open('noor')
    other.q('LISTEN ch')
    s.q("SELECT pg_notify('ch', full_name) FROM customers WHERE id = 7")
    other.quiet(0.2)
    other.q('SELECT 1')


@attack('4.4', 'notification of an unrestricted session', around=True)
def _(s):
    s.q('LISTEN ch')
    value = s.secret('phone', 7)
    s.admin("SELECT pg_notify('ch', '%s')" % value)
    s.main.quiet(0.2)
    s.q('SELECT 1')


@attack('4.4', 'advisory lock seen by another person')
def _(s):
    other = s.open('noor')
    s.q("SELECT pg_advisory_lock(right(phone, 4)::bigint) FROM customers WHERE id = 7")
    other.q("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory'")
    other.q('SELECT pg_try_advisory_lock(107)')


@attack('4.4', 'row lock as a bit')
def _(s):
    other = s.open('noor')
    s.q('BEGIN')
    s.q("UPDATE tickets SET note = note WHERE id = 7 AND EXISTS (SELECT 1 FROM customers WHERE phone = '+1-605-0107')")
    other.q("SELECT id FROM tickets WHERE id = 7 FOR UPDATE SKIP LOCKED")
    other.q("SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock' AND relation = 'tickets'::regclass")


@attack('4.4', 'for update on customers, seen by another person')
def _(s):
    other = s.open('noor')
    s.q('BEGIN')
    s.q("SELECT pg_advisory_xact_lock(id) FROM customers WHERE address = '5 Bay'")
    other.q("SELECT objid FROM pg_locks WHERE locktype = 'advisory' ORDER BY 1")


@attack('4.4', 'large object left for another person')
def _(s):
    s.q("SELECT lo_from_bytea(777, convert_to((SELECT phone FROM customers WHERE id = 7), 'UTF8'))")
    s.q('GRANT SELECT ON LARGE OBJECT 777 TO PUBLIC')
    other = s.open('noor')
    other.q("SELECT convert_from(lo_get(777), 'UTF8')")


@attack('4.4', 'sequence left for another person')
def _(s):
    s.q("SELECT setval('counter', right(phone, 4)::bigint + 1) FROM customers WHERE id = 7")
    other = s.open('noor')
    other.q("SELECT last_value FROM counter")


@attack('4.4', 'ticket left for another person')
def _(s):
    s.q("UPDATE tickets SET note = (SELECT full_name FROM customers WHERE id = 7) WHERE id = 7")
    other = s.open('noor')
    other.q('SELECT note FROM tickets WHERE id = 7')


@attack('4.4', 'what the session before left', direct='sessions share nothing in PostgreSQL; behind a pool they would')
def _(s):
    s.q("CREATE TEMP TABLE left_over AS SELECT phone FROM customers WHERE id = 7")
    s.q("SELECT set_config('x.left', phone, false) IS NULL FROM customers WHERE id = 7")
    s.q("DECLARE held CURSOR WITH HOLD FOR SELECT phone || '' FROM customers")
    s.q("PREPARE kept AS SELECT upper(full_name) FROM customers WHERE id = 7")
    s.main.bye()
    for other in (s.open('noor'), s.open('mira')):
        for sql in ('SELECT * FROM left_over', 'FETCH 3 FROM held', 'EXECUTE kept', "SELECT current_setting('x.left', true)", 'SHOW search_path'):
            other.q(sql)


@attack('4.6', 'application_name of the administrator', around=True)
def _(s):
    s.admin("SELECT set_config('application_name', phone, false) FROM public.customers WHERE id = 7")
    s.q("SELECT application_name FROM pg_stat_activity WHERE usename = 'admin' ORDER BY 1")
    s.q("SELECT (pg_stat_get_activity(NULL)).application_name")


@attack('4.6', "another session's text on the same role", around=True)
def _(s):
    value = s.secret('phone', 7)
    other = s.open('mira', label='hidden', direct=True)
    del s.tokens[:]
    other.q("SELECT /* %s */ id FROM customers WHERE phone = '%s'" % (value, value))
    s.tokens[:] = []  # what that session saw is its own
    s.q(ACTIVITY)
    s.q("SELECT pg_stat_get_backend_activity(i) FROM pg_stat_get_backend_idset() i ORDER BY 1")


@attack('4.6', "own text left in pg_stat_activity, read by a colleague through the gateway")
def _(s):
    s.q("SELECT set_config('application_name', 'app ' || full_name, false) IS NULL FROM customers WHERE id = 7")
    other = s.open('noor')
    other.q("SELECT application_name FROM pg_stat_activity WHERE usename = 'mira' ORDER BY 1")


@attack('4.6', 'pg_stat_statements keeps literals of the same role', around=True)
def _(s):
    s.admin('CREATE EXTENSION pg_stat_statements', undo='DROP EXTENSION pg_stat_statements')
    s.admin('GRANT SELECT ON pg_stat_statements TO PUBLIC')
    value = s.secret('phone', 42)
    other = s.open('mira', label='hidden', direct=True)
    other.q("SET application_name = '%s'" % value)
    other.q("DO $$ BEGIN PERFORM '%s'; END $$" % value)
    s.tokens[:] = []
    s.q("SELECT query FROM pg_stat_statements WHERE query LIKE 'DO%' OR query LIKE 'SET application_name%' ORDER BY 1")


@attack('4.6', 'comment on an object made by the administrator', around=True,
        direct='what an administrator writes into the catalogue is outside of what a gateway can keep; recorded as open')
def _(s):
    s.q("SELECT obj_description('products'::regclass)")


@attack('4.6', 'progress and wait events as a bit')
def _(s):
    other = s.open('noor')
    s.put(__import__('lib.pgwire', fromlist=['query']).query("SELECT CASE WHEN phone LIKE '+1-605%' THEN pg_sleep(1.2) END FROM customers WHERE id = 7"))
    time.sleep(0.4)
    other.q("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    s.main.read_on()
