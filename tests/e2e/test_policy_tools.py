"""The commands for those who own a policy: policy diff, who-can, review, replay; over a ledger that a gate of their own has filled."""
import contextlib
import datetime
import json
import os

from lib import gate, ports
from lib.env import Target, equal, test, true
from lib.pgwire import Conn

OLD = """policy "tools" version 1 {
  purpose "tests"   owner "Maria Klein"   review by 2020-12-31
  treat observe
  subject customer {
    table    public.customers
    key      id
    phone    phone, mobile country 86
    email    email
    linked   public.orders.customer_id
    harmless province
  }
  group partner {
    treat observe
    on table public.customers {
      allow  read
      show   id, province, full_name, phone
      mask   email as first 1
      hide   address
    }
    on table public.orders { allow read, update of item  show id, customer_id, item, amount }
  }
  group staff {
    treat observe
    on table public.customers { allow read  show id, full_name, phone, email, address, province }
  }
}
"""
TIGHTER = (OLD.replace('version 1', 'version 2').replace('treat observe', 'treat enforce').replace('full_name, phone\n      mask   email', 'full_name\n      mask   phone as last 4\n      mask   email')
           .replace('      hide   address', '      hide   address\n      look up by phone').replace(', update of item', '')
           .replace('  group staff {', '  group staff {\n    budget 5 customers per day for each employer')
           .replace('  group partner {', '  group partner {\n    budget 10 customers per hour for each actor'))
DAY = datetime.timedelta(days=1)
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
PEOPLE = """role,name,employer,province,team,groups,vetted_until,left_on
anna,Anna Berg,Own Company,Zhejiang,Support,staff,2099-01-31,
bo,"Bo, Li",Partner North,Jiangsu,Shop 7,partner,%s,
chen,陈静,Partner South,Guangdong,Shop 9,partner;nowhere,2020-01-31,
zhao,Zhao Min,Partner West,Sichuan,Shop 2,partner;staff,,%s
""" % (TODAY + 7 * DAY, TODAY - 2 * DAY)
LOOK, BY_PHONE, ORDERS = 'select id, full_name, phone from customers where id = %d', "select id, phone from customers where phone like '%d%%'", 'select customer_id, item from orders where id = %d'


class Place:
    def __init__(self, env):
        self.gate = gate.Gate(os.path.join(env.folder, 'own-tools'), env.binary, env.cluster, ports.free_port(), env.authority,
                              {'server_host': env.cluster.sockdir, 'server_tls': 'off', 'workers': '1'})
        for name, text in (('policy.gate', OLD), ('people.csv', PEOPLE.replace(str(TODAY - 2 * DAY), '')), ('tighter.gate', TIGHTER)):
            with open(os.path.join(self.gate.folder, name), 'w') as f:
                f.write(text)
        self.target = Target(self.gate.port, self.gate.sockdir, env.authority.cert, gate=self.gate)

    def ask(self, user, *statements):
        c = Conn.open(self.target, user=user, unix=True)
        for sql in statements:
            c.rows(sql)
        c.close()

    def run(self, *words, status=0):
        done = self.gate.cli(*words, check=False)
        equal(done.returncode, status, ' '.join(words) + ': ' + done.stderr)
        print('$', ' '.join(words))
        print(done.stdout, done.stderr, flush=True)
        return done.stdout

    def json(self, *words, status=0):
        return json.loads(self.run(*words, '--json', status=status))


@contextlib.contextmanager
def place(env):
    p = Place(env)
    p.gate.start()
    try:
        p.ask('bo', *[LOOK % (1 + i % 25) for i in range(30)], BY_PHONE % 1380000001)
        p.ask('anna', *[LOOK % i for i in range(1, 4)])
        p.ask('anna', 'select id, full_name from customers order by id limit 9')
        p.ask('zhao', LOOK % 7)
        p.ask('chen', ORDERS % 5)
        with open(p.gate.people, 'w') as f:  # the commands read it anew; the gate would not let zhao in
            f.write(PEOPLE)
        yield p
    finally:
        p.gate.stop()


def actor(report, name):
    return next(a for a in report['actors'] if a['actor'] == name)


def replay(p):
    out = p.json('policy', 'replay', '--since', '1d')
    equal((out['refused'], out['cut']), (1, 0), 'under the policy in force only the leaver is refused')
    true('left on' in actor(out, 'zhao')['causes'][0]['why'], out)
    out = p.json('policy', 'replay', '--since', '1d', '--policy', os.path.join(p.gate.folder, 'tighter.gate'))
    bo = actor(out, 'bo')
    equal((bo['lookups'], bo['persons']), (31, 25), 'what bo looked at')
    equal(bo['cut'], 15, 'look-ups of the eleventh to the twenty-fifth customer')
    equal(bo['fewer'], 15, 'customers whom bo would not have seen')
    cut = next(c for c in bo['causes'] if c['what'] == 'cut')
    equal(cut['why'], 'budget of 10 customers per hour for each actor', 'the budget')
    equal(cut['rule'].rpartition('/')[2], 'tighter.gate:%d' % (1 + TIGHTER[:TIGHTER.index('budget 10')].count('\n')), 'its line')
    refused = next(c for c in bo['causes'] if c['what'] == 'refused')
    true('phone' in refused['why'], refused)
    equal((bo['refused'], bo['masked_more'], bo['masked_less'], bo['not_analysed']), (1, 30, 0, 0), 'masks')
    anna = actor(out, 'anna')
    equal((anna['cut'], anna['persons'], anna['fewer']), (1, 9, 4), 'the employer has five: three, and two more of nine')
    one = p.json('policy', 'replay', '--since', '1d', '--policy', os.path.join(p.gate.folder, 'tighter.gate'), '--actor', 'anna')
    equal([a['actor'] for a in one['actors']], ['anna'], 'one actor')
    equal(actor(one, 'anna')['cut'], 1, 'the same of one actor')
    text = p.run('policy', 'replay', '--since', '1d', '-p', os.path.join(p.gate.folder, 'tighter.gate'))
    true('budget of 10 customers per hour for each actor' in ' '.join(text.split()) or '10 customers' in text, text)
    true('constants are not in the ledger' in text, text)
    equal(p.json('policy', 'replay', '--since', '2099-01-01')['lookups'], 0, 'nothing yet')
    true('neither a time' in p.gate.cli('policy', 'replay', '--since', 'soon', check=False).stderr, 'a wrong time')


def diff(p):
    new = os.path.join(p.gate.folder, 'tighter.gate')
    out = json.loads(p.gate.cli('policy', 'diff', p.gate.policy, new, '--json', check=False).stdout)
    lines = {(c['group'], c['what']): c for c in out['changes']}
    phone = lines['partner', 'public.customers.phone']
    equal((phone['way'], phone['before'], phone['after']), ('loses', 'clear', 'masked last 4'), 'phone')
    equal(TIGHTER.splitlines()[phone['line_new'] - 1].split(), ['mask', 'phone', 'as', 'last', '4'], 'its line')
    equal(lines['partner', 'public.orders.item (update)']['after'], 'refused', 'update of item')
    equal((lines['partner', 'budget: customers per hour for each actor']['after'], lines['staff', 'treatment']['way']), ('10', 'loses'), 'budget and treatment')
    equal((out['groups_that_gain'], out['groups_that_lose']), (0, 2), 'partner and staff; zhao, in both, loses what partner does')
    text = p.run('policy', 'diff', p.gate.policy, new, status=1)
    true('partner (3 people)' in text and '0 groups gain, 2 lose' in text, text)
    true('nothing' in p.run('policy', 'diff', new, new), 'the same file')
    true('No such file' in p.gate.cli('policy', 'diff', new, 'none.gate', check=False).stderr, 'a missing file')


def who_can(p):
    with open(p.gate.policy, 'w') as f:
        f.write(TIGHTER)
    out = p.json('policy', 'who-can', 'customers.phone')
    own = {w.get('group') or w['person']: w for w in out['who'] if 'through' not in w}
    equal((own['partner']['read'], own['partner']['find']), ('masked last 4', 'look-up'), 'partner')
    equal((own['staff']['read'], own['staff']['find'], own['staff']['write']), ('clear', 'any condition', 'no'), 'staff')
    true('10 customers per hour' in own['partner']['limits'] and 'tighter' not in own['partner']['rule'], own['partner'])
    equal(own['Zhao Min (zhao)']['read'], 'masked last 4', 'in both groups: the mask wins')
    true('LEFT on' in own['Zhao Min (zhao)']['note'] and 'LAPSED' in own['陈静 (chen)']['note'], own)
    true(own['Anna Berg (anna)'].get('note') is None, own)
    address = p.json('policy', 'who-can', 'public.customers.address')
    equal({w.get('group'): w['read'] for w in address['who'] if 'group' in w}, {'partner': 'hidden', 'staff': 'clear'}, 'address')
    out = p.json('policy', 'who-can', 'products.title', status=1)
    equal((out['who'], out['people_who_cannot']), ([], 4), 'nobody')
    true('陈静' in p.run('policy', 'who-can', 'customers."phone"'), 'the table')
    true('no column' in p.gate.cli('policy', 'who-can', 'customers.nothing', check=False).stderr, 'a wrong column')
    true('not a column' in p.gate.cli('policy', 'who-can', 'customers', check=False).stderr, 'no column')


def review(p):
    with open(p.gate.policy, 'w') as f:
        f.write(OLD)
    out = p.json('policy', 'review', '--since', '1d', status=1)
    groups = {g['group']: g for g in out['groups']}
    equal((groups['partner']['persons'], groups['partner']['actors'], groups['partner']['clear']), (25, 3, 25), 'bo, zhao and chen')
    equal((groups['staff']['persons'], groups['staff']['lookups']), (9, 5), 'anna and zhao')
    equal(out['groups'][0]['group'], 'partner', 'the most first')
    unused = {(u['group'], u['right'].split(',')[0], u['of']) for u in out['unused']}
    true(('partner', 'read', 'public.customers.email') in unused and ('partner', 'update', 'public.orders') in unused, unused)
    true(('partner', 'read', 'public.customers.phone') not in unused and ('partner', 'read', 'public.orders.item') not in unused, unused)
    true(('staff', 'read', 'public.customers.address') in unused and ('staff', 'read', 'public.customers.full_name') not in unused, unused)
    what = [f['what'] for f in out['findings']]
    for words in ('zhao left on', 'vetting of chen lapsed', 'vetting of bo lapses', 'chen is in group nowhere', 'reviewed by 2020-12-31'):
        equal(sum(words in w for w in what), 1, words)
    text = p.run('policy', 'review', status=1)
    true('rights that nobody used' in text and 'PERSONS SEEN' in text, text)


@test(gate=True, timeout=120)
def tools(env):
    with place(env) as p:
        replay(p)
        diff(p)
        review(p)
        who_can(p)
