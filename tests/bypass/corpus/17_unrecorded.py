"""4.13: rows and look-ups that would leave no trace."""
from harness.corpus import attack
from lib import pgwire


@attack('4.13', 'more keys of one row than are marked', ledger='read')
def _(s):
    out = s.q('SELECT %s, d.id, d.phone FROM customers c JOIN customers d ON d.id = c.id + 1 WHERE c.id IN (3, 4)' % ', '.join(['c.id'] * 16))
    if any(kind == b'D' for kind, _ in out):
        s.delivered.update((3, 4, 5))


@attack('4.13', 'more keys of different rows than are marked', ledger='read')
def _(s):
    names = ['c%d' % i for i in range(18)]
    out = s.q('SELECT %s, c17.phone FROM %s WHERE c0.id = 1' % (', '.join(n + '.id' for n in names), 'customers c0 ' + ' '.join(
        'JOIN customers %s ON %s.id = c0.id + %s' % (n, n, n[1:]) for n in names[1:])))
    if any(kind == b'D' for kind, _ in out):
        s.delivered.update(range(1, 19))


@attack('4.13', 'a look-up whose hit is silence', user='sam', ledger=('customer.phone', '16050107'), given=True)
def _(s):
    s.main.put(pgwire.query("SELECT count(*) FROM customers c, generate_series(1, 40000000) g WHERE c.phone = '+1-605-0107'"))
    s.main.quiet(0.5)
    s.main.sock.close()
    s.main.over = True
    s.delivered.add(7)
