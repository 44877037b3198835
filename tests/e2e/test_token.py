"""Tokens of an independent implementation (jose, by npm): `gatehouse token check` must accept the good ones, read their claims right, and refuse every bad one. Where
jose accepts what we refuse, the reason stands here; any other difference is a failure."""
import json
import os
import subprocess

import test_node
from lib.env import equal, test, true

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = """policy "tokens" version 1 {
  purpose "tests"   owner "tests"   review by 2099-12-31
  treat observe
  subject customer { table public.customers  key id }
  group agent { treat observe }
  group lead { treat observe }
  group seen { treat observe }
  application crm {
    login crm_app   issuer "https://sso.example"   audience "gatehouse"   keys "keys/crm.jwks"   algorithm RS256, ES256, EdDSA
    actor claim sub   employer claim org   team claim team   groups claim roles   within agent, lead   nobody in seen
  }
}
"""
REFERENCE = 'the header points to, or brings, a key of its own: nothing reads it, and a token that tries is refused'
NUMBER = 'times are whole seconds that our entries can show'
NAME = 'sub becomes a name in the ledger: a text of 1 to 255 bytes without control characters'
SPELLING = 'a token has one spelling: base64url without padding, blanks or unused bits'
TWICE = 'names are there once: readers differ on which of two counts'
DIFFER = {
    'jwk': REFERENCE, 'jku': REFERENCE, 'x5u': REFERENCE, 'x5c': REFERENCE, 'zip': 'no JWS has it',
    'typ of something else': 'RFC 8725 section 3.11: a token for another use is not one for this', 'alg twice': TWICE, 'sub twice': TWICE,
    'issued in the future': 'jose looks at iat only when asked for a greatest age',
    'exp a fraction': NUMBER, 'exp huge': NUMBER, 'exp milliseconds': NUMBER,
    'sub empty': NAME, 'sub a number': NAME, 'sub with a line end': NAME, 'sub with NUL': NAME, 'sub of 256 bytes': NAME,
    'too long': 'longer than 16384 bytes', 'padded': SPELLING, 'a blank behind': SPELLING, 'unused bits': SPELLING,
}


def check(env, token, *words):
    done = subprocess.run([env.binary, 'token', 'check', *words, '--json'], input=token.encode(), capture_output=True, timeout=20)
    equal(done.stderr, b'', 'standard error')
    return done.returncode, json.loads(done.stdout)


@test(gate=True, timeout=200)
def jose(env):
    modules = test_node.modules(env)
    made = env.run(['node', os.path.join(HERE, 'node', 'tokens.js')], env=dict(os.environ, NODE_PATH=modules), timeout=90)
    made = json.loads(made.stdout)
    folder = os.path.join(env.folder, 'tokens')
    os.makedirs(os.path.join(folder, 'keys'))
    keys, policy = os.path.join(folder, 'keys', 'crm.jwks'), os.path.join(folder, 'tokens.gate')
    with open(keys, 'w') as f:
        json.dump(made['jwks'], f)
    with open(policy, 'w') as f:
        f.write(POLICY)
    plain = ('--issuer', 'https://sso.example', '--audience', 'gatehouse', '--keys', keys, '--algorithm', 'RS256,ES256,EdDSA')
    by_policy = ('--policy', policy, '--application', 'crm')
    true(sum(c['good'] for c in made['cases']) >= 20, 'at least 20 good tokens')
    true(sum(not c['good'] for c in made['cases']) >= 40, 'at least 40 bad tokens')
    for c in made['cases']:
        status, said = check(env, c['token'], *by_policy)
        problem = ''
        if c['good']:
            want = c.get('claims', {})
            if c['jose'] != 'ok':
                problem = 'jose refuses it: ' + c['jose']
            elif status or not said['valid']:
                problem = 'refused: %s' % said
            elif (said['actor'], said['employer'], said['team'], said['groups'], said['not_given']) != (want['sub'], 'Acme', 'T1', ['agent', 'lead'], ['root']):
                problem = 'read wrong: %s' % said
        elif status != 1 or said['valid']:
            problem = 'accepted: %d %s' % (status, said)
        elif (c['jose'] == 'ok') != (c['name'] in DIFFER):
            problem = 'jose says %s, we: %s' % (c['jose'], said)
        elif c['token'] and len(c['token']) > 40 and (c['token'][:40] in said['why'] or 'anna' in said['why']):
            problem = 'part of the token in the answer'
        env.sub(('good ' if c['good'] else 'bad ') + c['name'], not problem, problem)
    equal(set(DIFFER) - {c['name'] for c in made['cases']}, set(), 'differences that no token shows')

    token = next(c['token'] for c in made['cases'] if c['good'])
    equal(check(env, token, *plain)[1]['actor'], 'anna')
    equal(check(env, token + '\r\n', *plain)[0], 0)                                      # the shell's end of line
    equal(check(env, token, *plain, '--at', '2020-01-01')[0], 1)                         # issued in the future
    equal(check(env, token, *plain, '--at', '2098-01-01')[0], 1)
    equal(check(env, token, *plain[:-1], 'ES256,EdDSA')[0], 1)
    for words in (by_policy[:2] + ('--application', 'other'), by_policy[:2], plain[:-1] + ('HS256',), plain[:4] + ('--keys', policy, '--algorithm', 'RS256')):
        done = env.run([env.binary, 'token', 'check', *words], env=dict(os.environ, GATEHOUSE_CONF='/nonexistent'), input=token, check=False)
        equal((done.returncode, done.stdout), (2, ''), ' '.join(words))
        true(token[:40] not in done.stderr, 'the token in an error')
    text = env.run([env.binary, 'token', 'check', *by_policy], input=token)
    for line in ('actor      anna', 'employer   Acme', 'groups     agent, lead', 'not given  root (the policy lets no token name these)'):
        true(line in text.stdout.splitlines(), line)
