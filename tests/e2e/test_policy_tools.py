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

    def run(self, *words, status=0, conf=True):
        done = self.gate.cli(*words, check=False) if conf else None
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


@test(gate=True, timeout=120)
def tools(env):
    with place(env) as p:
        replay(p)
