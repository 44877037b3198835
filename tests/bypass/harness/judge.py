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
