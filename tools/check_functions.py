#!/usr/bin/python3
"""Compares the lists of what a restricted person may use (src/policy/*.def) with a PostgreSQL server's own catalogue.

  check_functions.py DSN            every built-in function is in policy_functions.def or matches exactly one family of
                                    policy_left_out.def; the same for system relations; operators use listed functions only
  check_functions.py DSN --write    writes policy_functions.def anew: REVIEW what git diff shows, each name
  check_functions.py --doc          prints docs/OBJECTS.md, which check_functions.py DSN compares as well

The connection must see an untouched PostgreSQL 15. Exit status 0: all agree.
"""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
POLICY = os.path.join(ROOT, 'src', 'policy')
FIXED = 10000   # OIDs below are written into PostgreSQL's sources (FirstGenbkiObjectId)
USER = 16384    # OIDs from here on belong to users (FirstNormalObjectId)
DOC = os.path.join(ROOT, 'docs', 'OBJECTS.md')
# information_schema's own functions have no fixed OID and go by name: policy_objects.c allows the schema's.
HEAD = '''/* policy_functions.def: the built-in functions that a restricted person may use: reviewed on PostgreSQL 15. Those that are not here are in
 * policy_left_out.def with the reason. F(name, OIDs...): a name may stand for several functions, and some of its functions may be left out.
 * Written by tools/check_functions.py --write and read by people; a server's functions that are not here are refused.
 */
'''


def strip(text):
    return re.sub(r'/\*.*?\*/', '', text, flags=re.S)


def rows(file, macro):
    """Lists of the strings of each MACRO("a", "b", ...) row."""
    with open(os.path.join(POLICY, file)) as f:
        text = strip(f.read())
    for body in re.findall(r'^%s\(((?:"[^"]*"|[^")])*)\)\s*$' % macro, text, re.M):
        yield re.findall(r'"([^"]*)"', body)


def matches(pattern, name, arguments):
    regex = '.*'.join(re.escape(part) for part in pattern.split('*'))
    return re.fullmatch(regex, '%s(%s)' % (name, arguments) if '(' in pattern else name, re.S) is not None


def listed():
    with open(os.path.join(POLICY, 'policy_functions.def')) as f:
        text = strip(f.read())
    found = {}
    for name, oids in re.findall(r'F\("([^"]+)", ([0-9, ]+)\)', text):
        for oid in oids.split(','):
            if int(oid) in found:
                raise SystemExit('OID %s is listed twice' % oid)
            found[int(oid)] = name
    return found


def families_of(name, arguments):
    return [r[0] for r in rows('policy_left_out.def', 'LEFT_OUT_FUNCTIONS') if any(matches(p, name, arguments) for p in r[2:])]


def write(functions):
    by_name = {}
    for oid, _, name, _ in functions:
        by_name.setdefault(name, []).append(oid)
    line, out = '', [HEAD]
    for name in sorted(by_name):
        item = 'F("%s", %s)' % (name, ', '.join(str(o) for o in sorted(by_name[name])))
        if line and len(line) + 1 + len(item) > 150:
            out.append(line + '\n')
            line = ''
        line += (' ' if line else '') + item
    out.append(line + '\n')
    with open(os.path.join(POLICY, 'policy_functions.def'), 'w') as f:
        f.writelines(out)


def check_functions(functions, faults):
    have = listed()
    for oid, schema, name, arguments in functions:
        families = families_of(name, arguments)
        what = '%s.%s(%s), OID %d' % (schema, name, arguments, oid)
        if oid >= FIXED:
            if oid in have:
                faults.append('%s is listed, but its OID is not fixed' % what)
            if schema == 'pg_catalog' and len(families) != 1:
                faults.append('%s: %d families of left-out functions' % (what, len(families)))
        elif oid in have:
            if have[oid] != name:
                faults.append('%s is listed as %s' % (what, have[oid]))
            if families:
                faults.append('%s is listed, but left out as %s' % (what, families))
        elif len(families) != 1:
            faults.append('%s is not listed and matches %d families of left-out functions %s' % (what, len(families), families))
    known = {f[0] for f in functions}
    faults += ['OID %d (%s) is listed but does not exist' % (o, n) for o, n in have.items() if o not in known]
    for row in rows('policy_left_out.def', 'LEFT_OUT_FUNCTIONS'):
        for p in row[2:]:
            if not any(matches(p, f[2], f[3]) for f in functions) and p not in ('random_normal',):  # of PostgreSQL 16
                faults.append('the pattern "%s" of %s matches no function' % (p, row[0]))


def check_relations(relations, faults):
    allowed = {'%s.%s' % (row[0], name) for row in rows('policy_systems.def', 'SYSTEMS') for name in row[1:]}
    left = list(rows('policy_left_out.def', 'LEFT_OUT_RELATIONS'))
    for name in relations:
        n = (name in allowed) + sum(any(matches(p, name, '') for p in row[2:]) for row in left)
        if n != 1:
            faults.append('relation %s is in %d lists' % (name, n))
    faults += ['relation %s is listed but does not exist' % name for name in sorted(allowed - set(relations))]


def check_operators(operators, faults):
    have = listed()
    for oid, name, function, by in operators:
        if function not in have:
            faults.append('operator %s, OID %d, runs %s, which is left out' % (name, oid, by))


def document():
    out = ['# What a restricted person may use\n\n',
           'Under `enforce` a statement may use the server\'s own functions, operators, types and catalogues only as far as they are on a list. The lists are\n'
           'in `src/policy`: `policy_functions.def` (functions, by OID), `policy_systems.def` (system relations), `policy_extensions.def`. This page is made from\n'
           'them by `tools/check_functions.py --doc`; an end-to-end test compares the lists with a server, so that every function is either on the list or in\n'
           'exactly one of the families below. What is neither is refused.\n\n'
           'Arguments are not the question here: a protected value is never an argument of any function (see POLICY.md).\n\n',
           '## Functions left out\n\n| family | functions | why |\n| --- | --- | --- |\n']
    for row in rows('policy_left_out.def', 'LEFT_OUT_FUNCTIONS'):
        out.append('| %s | %s | %s |\n' % (row[0], ', '.join('`%s`' % p for p in row[2:]), row[1]))
    out.append('\n`pg_backend_pid()` stays: it tells a number of one\'s own session only, and what could be done with it is left out.\n'
               '`current_setting()`, clocks, `version()`, `gen_random_uuid()`, the `has_..._privilege` and `pg_get_...def` functions stay, because drivers and\n'
               'tools ask them and they read nothing but settings and catalogues. `pg_class.reltuples` and `relpages` stay readable as well: they are rough counts.\n\n'
               '## System relations left out\n\n| family | relations | why |\n| --- | --- | --- |\n')
    for row in rows('policy_left_out.def', 'LEFT_OUT_RELATIONS'):
        out.append('| %s | %s | %s |\n' % (row[0], ', '.join('`%s`' % p.removeprefix('pg_catalog.') for p in row[2:]), row[1]))
    out.append('\n`pg_authid` may be read, because `pg_roles`, `pg_user` and half of `information_schema` read it, but not its column `rolpassword`.\n\n'
               '## Extensions\n\nReviewed, with the functions that may be used:\n\n| extension | functions |\n| --- | --- |\n')
    for row in rows('policy_extensions.def', 'EXTENSION'):
        out.append('| %s | %s |\n' % (row[0], ', '.join('`%s`' % p for p in row[1:])))
    out.append('\nNever: ' + ', '.join(row[0] for row in rows('policy_extensions.def', 'EXTENSION_NEVER')) + '. Others: refused until reviewed.\n\n'
               '## Functions and types of your own\n\nA function of your own may be used when the policy says `trust function`, with the MD5 of its body; a type when a column\n'
               'of a relation in the policy has it (its elements, base types and fields included). The MD5 is of the function\'s own text: review what it calls, too.\n'
               'A body is hashed as `prosrc` has it; one in the form `BEGIN ATOMIC` as `pg_get_function_sqlbody()` shows it. When it is replaced, calls are refused from\n'
               'the next look at the catalogue on (`ddl_check`), until the policy names the new hash and is reloaded.\n')
    return ''.join(out)


def main():
    if sys.argv[1:] == ['--doc']:
        print(document(), end='')
        return 0
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    import psycopg2
    conn = psycopg2.connect(sys.argv[1])
    c = conn.cursor()
    c.execute("SET search_path = ''")
    c.execute('SELECT p.oid, n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes) FROM pg_catalog.pg_proc p '
              'JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid < %d ORDER BY p.proname, p.oid' % USER)
    functions = c.fetchall()
    if sys.argv[2:] == ['--write']:
        write([f for f in functions if f[0] < FIXED and not families_of(f[2], f[3])])
    faults = []
    check_functions(functions, faults)
    c.execute("SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
              "WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND c.oid < %d" % USER)
    check_relations([r[0] for r in c.fetchall()], faults)
    c.execute('SELECT o.oid, o.oprname, o.oprcode::pg_catalog.oid, o.oprcode FROM pg_catalog.pg_operator o WHERE o.oid < %d' % USER)
    check_operators(c.fetchall(), faults)
    with open(DOC) as f:
        if f.read() != document():
            faults.append('docs/OBJECTS.md differs from the lists: write it anew with --doc')
    for fault in faults:
        print(fault)
    print('%d functions, %d listed; %d faults' % (len(functions), len(listed()), len(faults)))
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
