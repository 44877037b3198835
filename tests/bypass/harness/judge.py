"""Non-interference: what is seen on A and on B is the same, apart from what differs between A and A2 as well (noise)."""
import difflib


def compare(a, b, noise):
    """Lists of tokens. Returns (differences as text, how many tokens were noise, or None where noise hides everything)."""
    if len(a) == len(noise):
        loud = {i for i, (x, y) in enumerate(zip(a, noise)) if x != y}
        if len(a) == len(b):
            return ['%s  |  %s' % (a[i], b[i]) for i in range(len(a)) if a[i] != b[i] and i not in loud], len(loud)
        return ['%d tokens, %d tokens: %s' % (len(a), len(b), ' ... '.join(list(changes(a, b))[:2]))], len(loud)
    if a == b:
        return [], None
    return ['A and A2 differ in number (%d, %d; B %d): %s' % (len(a), len(noise), len(b), ' ... '.join(list(changes(a, b))[:2]))], None


def settled(a, b, noise):
    """What remains of three views when a statement that was refused on one side is left out on all: while a schema change is under way, whether a
    gateway serves already or refuses still depends on the moment. (That nothing protected is served is then looked at by value: clear().)"""
    steps = [answers(v) for v in (a, b, noise)]
    if len({len(s) for s in steps}) != 1:
        return a, b, noise
    kept = [x for x in zip(*steps) if not any(map(refusal, x))]
    return [[t for x in kept for t in x[i]] for i in range(3)]


def answers(tokens):
    """One list for each ReadyForQuery."""
    out, now = [], []
    for t in tokens:
        now.append(t)
        if t.split(' ')[1:2] == ['Z']:
            out.append(now)
            now = []
    return out + ([now] if now else [])


def refusal(answer):
    """An error before any row."""
    kinds = [t.split(' ')[1] for t in answer]
    return 'E' in kinds and 'D' not in kinds


def clear(tokens, values):
    """Protected values that stand in rows as they are."""
    return sorted({v for t in tokens if t.split(' ')[1:2] == ['D'] for v in values if v in t})


def changes(a, b):
    for line in difflib.unified_diff(a, b, lineterm='', n=0):
        if line[:1] in '+-' and line[:3] not in ('+++', '---'):
            yield line[:200]


def broken(tokens, ends):
    """Things that must not happen whatever the data: a hang, or an end without an error before it."""
    out, last = [], {}
    for t in tokens:
        label, _, rest = t.partition(' ')
        if rest.startswith('timeout'):
            out.append('%s: no answer' % label)
        elif rest.startswith('end') and not ends and not last.get(label, '').startswith('E'):
            out.append('%s: the connection ended without an error' % label)
        last[label] = rest
    return out
