"""Reads the corpus. corpus/*.sql: plain statements; corpus/*.py: sequences.

In .sql files an attack begins with `-- name: WORDS` and ends at the next one. Further headers:
  -- section: 4.1 ...      of all that follow in the file
  -- direct: REASON        it does not leak when it is run directly, and why it is in the corpus all the same
  -- open: REASON          what is known to come out, and why it is left so: counted, shown, and no failure
  -- as: PERSON            instead of mira
  -- simple:               only as a simple Query (else an attack of one statement is run as a simple Query, by Parse/Bind/Execute, and
                           with results in binary)
  -- bind: V, V            parameters of its one statement (between them comma and space): only by Parse/Bind/Execute
  -- around:               needs the administrator's way round the gateway
A statement ends with a line that ends in `;` outside of $$ ... $$.

In .py files `@attack('4.9', 'name', ...)` marks a function of a Scene (scene.py)."""
import glob
import importlib.util
import os
import re

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Attack:
    def __init__(self, section, name, run, direct=None, user='mira', reset=True, around=False, ends=False, ledger=None, given=False, races=False, each=False):
        self.section, self.name, self.run, self.direct, self.user, self.reset = section, name, run, direct, user, reset
        self.around = around  # needs the administrator
        self.ends = ends      # the server itself ends the session without an error
        self.ledger = ledger  # 'read': the ledger must name every key in Scene.delivered; 'probe', or (kind, value): and say that it was a look-up. Our own gate only
        self.given = given    # the policy gives away what it shows (an allowed look-up): not compared
        self.races = races    # the schema is changed meanwhile: when the gateway sees it is a matter of moments (judge.settled)
        self.each = each      # directly each of its answers must leak
        self.open = None      # why it is left open
        self.text = ''

    @property
    def full(self):
        return '%s/%s' % (self.section, self.name)


COLLECTED = []


def attack(section, name, **more):
    def mark(function):
        COLLECTED.append(Attack(section, name, function, **more))
        return function
    return mark


WRITES = re.compile(r'\b(insert|update|delete|merge|lo_\w+|lowrite|nextval|setval|alter|create|call|do|truncate|exec\w*|prepare|comment|into|nextval)\b', re.I)


def statements(text):
    out, now, quoted = [], [], False
    for line in text.splitlines():
        now.append(line)
        if line.count('$$') % 2:
            quoted = not quoted
        if line.endswith(';') and not quoted:
            out.append('\n'.join(now)[:-1])
            now = []
    if ''.join(now).strip():
        out.append('\n'.join(now))
    return out


def blocks(path):
    """(headers, text) of each item of a .sql file."""
    section, headers, lines, out = '', None, [], []
    with open(path, encoding='utf-8', newline='\n') as f:
        for line in f.read().split('\n'):
            m = re.match(r'-- (section|name|direct|open|as|simple|bind|around|masks|loose|shape|note): ?(.*)$', line)
            if not m:
                if headers is not None:
                    lines.append(line)
                continue
            if m[1] == 'section':
                section = m[2]
                continue
            if m[1] == 'name':
                if headers is not None:
                    out.append((headers, '\n'.join(lines).strip()))
                headers, lines = {'section': section.split()[0] if section else ''}, []
            headers[m[1]] = m[2]
    if headers is not None:
        out.append((headers, '\n'.join(lines).strip()))
    return out


def modes(parts, headers):
    """A function of a scene that runs these statements."""
    if 'bind' in headers:
        values = headers['bind'].split(', ')

        def run(scene):
            scene.x(parts[0], *values)
            scene.x(parts[0], *values, rformats=(1,))
    elif len(parts) == 1 and 'simple' not in headers:
        def run(scene):
            scene.q(parts[0])
            scene.x(parts[0])
            scene.x(parts[0], rformats=(1,))
    else:
        def run(scene):
            for p in parts:
                scene.q(p)
    return run


def load_sql(path):
    out = []
    for headers, text in blocks(path):
        parts = statements(text)
        if not parts:
            raise ValueError('%s: %s has no statement' % (path, headers['name']))
        a = Attack(headers['section'], headers['name'], modes(parts, headers), headers.get('direct'), headers.get('as', 'mira'),
                   bool(WRITES.search(text)), 'around' in headers)
        a.text, a.open = text, headers.get('open')
        out.append(a)
    return out


def load_py(path):
    COLLECTED.clear()
    spec = importlib.util.spec_from_file_location('corpus_' + os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(COLLECTED)


def load(folder='corpus'):
    out, seen = [], set()
    for path in sorted(glob.glob(os.path.join(HERE, folder, '*'))):
        if path.endswith('.sql'):
            out += load_sql(path)
        elif path.endswith('.py'):
            out += load_py(path)
    for a in out:
        if a.full in seen:
            raise ValueError('two attacks are called ' + a.full)
        seen.add(a.full)
    return sorted(out, key=lambda a: a.races)  # changes of the schema last: tables that were rewritten lie otherwise on disk
