"""policy learn: from what an application sent while it was only observed to a file that its owner reads: what needs approval, what does not, what cannot be
proposed; the file keeps what a person wrote in it."""
import hashlib
import os
import re

from lib import gate, pgwire, ports
from lib.env import Target, equal, test, true
from lib.pgwire import Conn

POLICY = """policy "learn" version 1 {
  purpose "tests"   owner "tests"
  treat observe
  subject customer { table public.customers  key id  phone phone country 86  linked public.orders.customer_id }
  @MORE@
}
"""
MORE = """
  group agent {
    treat enforce
    on table public.customers { allow read  show id, full_name, province  mask phone as last 4  hide address }
    on table public.orders { allow read  show id, customer_id, item }
  }
  group nobody { treat enforce  on table public.orders { allow read  show id  hide customer_id, item } }
  application shop_app {
    login zhao   issuer "https://sso.example"   audience "gatehouse"   keys "app.jwks"   algorithm ES256
    actor claim sub   groups claim roles
    within agent
    nobody in nobody
  }
"""
LIKE = 'SELECT id, full_name FROM customers WHERE phone LIKE $1'
PLAIN = 'SELECT id, phone FROM customers WHERE id = $1'
CONSTANT = "SELECT id FROM customers WHERE phone LIKE '138%'"
NEVER = 'SELECT id, customer_name(id) FROM customers WHERE phone = $1'
QUOTED = 'SELECT id AS "a ? b", upper(phone) FROM customers WHERE id = $1'


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def collect(env, g):
    """What the application sends, through a gate that only observes."""
    c = Conn.open(Target(g.port, g.sockdir, env.authority.cert, gate=g), 'zhao')
    for _ in range(3):
        c.rows(LIKE, [b'138%'])
    for sql, values in ((PLAIN, [b'7']), (CONSTANT, None), (QUOTED, [b'7']), (NEVER, [b'x'])):
        c.rows(sql, values)
    c.close()
    other = Conn.open(Target(g.port, g.sockdir, env.authority.cert, gate=g), 'anna')
    other.rows('SELECT id, email FROM customers WHERE id = $1 AND phone > $2', [b'1', b'2'])  # not the application's
    other.close()


def entry(text, sql):
    """The lines of one statement in the file."""
    lines, at = text.split('\n'), None
    for i, line in enumerate(lines):
        if line == 'statement ' + sha(sql):
            at = i
    true(at is not None, '%s in %s' % (sql, text))
    end = next((i for i in range(at, len(lines)) if not lines[i]), len(lines))
    return lines[at:end]


@test(gate=True, timeout=120)
def learn(env):
    policy = os.path.join(env.folder, 'learn-%d.gate' % os.getpid())
    with open(policy, 'w') as f:
        f.write(POLICY.replace('@MORE@', ''))
    g = gate.Gate(os.path.join(env.folder, 'own-learn'), env.binary, env.cluster, ports.free_port(), env.authority, policy=policy).start()
    collect(env, g)
    g.stop()
    with open(g.policy, 'w') as f:
        f.write(POLICY.replace('@MORE@', MORE))
    done = g.cli('policy', 'learn', '--application', 'shop_app')
    text = done.stdout
    like = entry(text, LIKE)
    true(re.fullmatch('  tree [0-9a-f]{64}', like[1]), like)
    equal(like[2], '  proposed')
    true(re.fullmatch(r'  seen 3 times, last \d{4}-\d\d-\d\d', like[3]), like)
    equal(like[4:], ['  text', '    | ' + LIKE.replace(',', ' ,')])
    true('# refused without approval: column phone of public.customers may not be used in WHERE' in text, text)
    equal(entry(text, QUOTED)[-1], '    | SELECT id AS "a ? b" , upper ( phone ) FROM customers WHERE id = $1')
    true(sha(PLAIN) not in text and '1 need no approval' in done.stderr, 'agents may, as it is')
    true('# not proposed: statement %s, seen 1 times' % sha(CONSTANT) in text and 'held constants' in text, text)
    true('# not proposed: statement %s, seen 1 times' % sha(NEVER) in text and 'an approval would not help: function public.customer_name' in text, text)
    true('138%' not in text and 'email' not in text, 'constants, and what others sent, stay out')
    true('proposed' in done.stderr and 'approved statements "FILE"' in done.stderr, done.stderr)
    keep(g, text)
    wrong(g)


def keep(g, text):
    """A person approves one, writes a comment; the next run adds nothing that is there and touches nothing."""
    file = os.path.join(g.folder, 'shop.statements')
    g.cli('policy', 'learn', '-a', 'shop_app', '-s', '2h', '-o', file)
    with open(file) as f:
        first = f.read()
    equal(first, text)
    edited = first.replace('  proposed', '  approved by "Maria Klein" on 2026-11-22', 1).replace('# Statements', '# Read by Maria.\n# Statements')
    with open(file, 'w') as f:
        f.write(edited)
    done = g.cli('policy', 'learn', '-a', 'shop_app', '-o', file)
    with open(file) as f:
        equal(f.read(), edited)
    true('in the file already' in done.stderr and 'are proposed' not in done.stderr, done.stderr)
    cut = edited[:edited.index('\n\n# refused without approval', edited.index('approved by'))]
    with open(file, 'w') as f:
        f.write(cut)  # no line end, and the rest is gone: it is proposed again, behind
    g.cli('policy', 'learn', '-a', 'shop_app', '-o', file)
    with open(file) as f:
        again = f.read()
    true(again.startswith(cut + '\n') and again.count('\nstatement ') == edited.count('\nstatement '), again)
    with open(file, 'w') as f:
        f.write('statement x\n')
    done = g.cli('policy', 'learn', '-a', 'shop_app', '-o', file, check=False)
    true(done.returncode == 2 and 'shop.statements:1: ' in done.stderr, done.stderr)


def wrong(g):
    for words, hint in ((['-a', 'crm'], 'the policy has no application crm'), ([], '--application is missing'), (['-a', 'shop_app', '-s', 'soon'], '--since soon')):
        done = g.cli('policy', 'learn', *words, check=False)
        true(done.returncode == 2 and hint in done.stderr, done.stderr)
    equal(g.cli('policy', 'learn', '-a', 'shop_app', '-s', '1us', check=False).stdout, '')
