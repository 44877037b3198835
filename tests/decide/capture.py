#!/usr/bin/python3
"""Writes trees.txt: for each statement of cases.txt the tree that PostgreSQL prints, and the catalogue rows that a policy is bound with.

Run again when fixture.sql, policy.gate or a statement in cases.txt changed; expectations may change without it. Needs a PostgreSQL 15 to make a
database in: capture.py --host DIRECTORY --port N --user SUPERUSER
"""
import argparse
import pathlib
import re

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

HERE = pathlib.Path(__file__).parent
DATABASE = 'gatehouse_decide'
USER = "c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))"
EXTENSION = """coalesce((SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
  WHERE d.classid = '%s'::regclass AND d.objid = %s AND d.deptype = 'e' LIMIT 1), '')"""
ROWS = {
    'relation': f"SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {USER} AND c.relkind IN ('r','p','v','m','f') ORDER BY 1",
    'column': f"SELECT a.attrelid, a.attnum, a.attname, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, coalesce(t.typname, ''), a.attisdropped, a.attgenerated <> '' "
              f"FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_type t ON t.oid = a.atttypid WHERE {USER} AND c.relkind IN ('r','p','v','m','f') AND a.attnum > 0 ORDER BY 1, 2",
    'reads': "SELECT DISTINCT r.ev_class, d.refobjid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass "
             "AND d.refobjid <> r.ev_class AND r.ev_class >= 16384 AND r.rulename = '_RETURN' ORDER BY 1, 2",
    'child': 'SELECT inhrelid, inhparent FROM pg_inherits WHERE inhrelid >= 16384 ORDER BY 1, 2',
    'type': f"SELECT t.oid, n.nspname, t.typname, t.typtype, t.typbasetype, CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc THEN t.typelem ELSE 0 END, t.typrelid, {EXTENSION % ('pg_type', 't.oid')} "
            "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace ORDER BY 1",
    'system': "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema') "
              "AND c.relkind IN ('r','p','v','m','f') ORDER BY 1",
    'operator': 'SELECT oid, oprcode::oid FROM pg_operator WHERE oid >= 10000 AND oprcode <> 0 ORDER BY 1',
    'columntype': f"SELECT DISTINCT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE {USER} AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384 "
                  f"UNION SELECT c.reltype FROM pg_class c WHERE {USER} AND c.reltype <> 0 ORDER BY 1",
}
FUNCTIONS = f"""SELECT p.oid, n.nspname, p.proname, oidvectortypes(p.proargtypes), CASE WHEN p.oid < 16384 OR l.lanname IN ('c', 'internal') OR p.prokind = 'a' THEN '' ELSE md5(p.prosrc) END,
  {EXTENSION % ('pg_proc', 'p.oid')}, p.prosecdef FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE p.oid >= 10000 OR p.oid = ANY (%s) ORDER BY 1"""


def cases(text):
    """Yields (name, sql) of cases.txt: `# name` at the line's start, the statement, expectations (`=> `, `+> `, `!> `, `+!> `)."""
    name, sql = None, []
    for line in text.splitlines():
        if line.startswith('# '):
            name, sql = line[2:], []
        elif line.startswith(('=> ', '+> ', '!> ', '+!> ')):
            if sql:
                yield name, '\n'.join(sql)
            sql = []
        elif name and line.strip():
            sql.append(line)


def connect(args, database):
    c = psycopg2.connect(host=args.host, port=args.port, user=args.user, dbname=database,
                         options='-c debug_print_rewritten=on -c debug_pretty_print=off -c client_min_messages=log' if database == DATABASE else '')
    c.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    return c


def tree(conn, role, sql):
    """PREPARE has the server analyse a statement without running it; it announces itself too, as a utility statement."""
    cur = conn.cursor()
    cur.execute('RESET ROLE')
    cur.execute('SET ROLE ' + role)
    del conn.notices[:]
    cur.execute('PREPARE captured AS ' + sql)
    details = [n.split('DETAIL:  ', 1)[1].removesuffix('\n') for n in conn.notices if 'rewritten parse tree:' in n]
    cur.execute('DEALLOCATE captured')
    details = [d for d in details if not re.match(r'\(\{QUERY :commandType 6', d)]
    assert len(details) == 1, (sql, details)
    return details[0]


def views(cur):
    cur.execute("SELECT oid, pg_get_viewdef(oid) FROM pg_class WHERE oid >= 16384 AND relkind IN ('v', 'm')")
    for oid, text in cur.fetchall():
        cur.execute('SELECT * FROM (' + text.rstrip(';') + ') s LIMIT 0')
        for i, d in enumerate(cur.description):
            if d.table_oid and d.table_column:
                yield oid, i + 1, d.table_oid, d.table_column


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--host', required=True)
    p.add_argument('--port', required=True)
    p.add_argument('--user', default='postgres')
    args = p.parse_args()
    admin = connect(args, 'postgres').cursor()
    admin.execute(f'DROP DATABASE IF EXISTS {DATABASE}')
    admin.execute(f'CREATE DATABASE {DATABASE}')
    conn = connect(args, DATABASE)
    cur = conn.cursor()
    cur.execute((HERE / 'fixture.sql').read_text())
    cur.execute('DROP ROLE IF EXISTS gatehouse_decide')
    cur.execute('CREATE ROLE gatehouse_decide')  # not the owner: row-level security is seen
    cur.execute('GRANT ALL ON ALL TABLES IN SCHEMA public TO gatehouse_decide; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO gatehouse_decide; GRANT ALL ON SCHEMA public TO gatehouse_decide')
    out = []
    cur.execute("SELECT md5(prosrc) FROM pg_proc WHERE proname = 'region_of'")
    out.append('body\t' + cur.fetchone()[0])
    for kind, sql in ROWS.items():
        cur.execute(sql)
        out += ['\t'.join([kind] + ['' if v is None else 'true' if v is True else 'false' if v is False else str(v) for v in row]) for row in cur.fetchall()]
    out += ['\t'.join(['view'] + [str(v) for v in row]) for row in views(cur)]
    trees, failed = [], []
    for line in (HERE / 'questions.txt').read_text().splitlines():
        trees.append((line, line, tree(conn, 'gatehouse_decide', line)))
    for name, sql in cases((HERE / 'cases.txt').read_text()):
        try:
            trees.append((name, sql, tree(conn, 'gatehouse_decide', sql)))
        except psycopg2.Error as e:
            failed.append(f'{name}: {sql}\n{e}')
    if failed:
        raise SystemExit('\n'.join(failed))
    used = {int(n) for _, _, t in trees for n in re.findall(r':(?:funcid|aggfnoid|winfnoid|opfuncid|tsmhandler) (\d+)', t)}
    cur.execute('RESET ROLE')
    cur.execute(FUNCTIONS, (sorted(used),))
    out += ['\t'.join(['function'] + ['true' if v is True else 'false' if v is False else str(v) for v in row]) for row in cur.fetchall()]
    for name, sql, t in trees:
        out.append('case\t' + name)
        out += ['|' + line for line in t.split('\n')]
    (HERE / 'trees.txt').write_text('\n'.join(out) + '\n')
    cur.close()
    conn.close()
    admin.execute(f'DROP DATABASE {DATABASE}')
    admin.execute('DROP ROLE gatehouse_decide')
    print(len(trees), 'trees')


if __name__ == '__main__':
    main()
