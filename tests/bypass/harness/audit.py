"""4.13: every protected value that was delivered, clear or masked, has its record's key in the ledger."""
from lib.marks import Marker

KEY = 'customer.key'


def also(marker, epoch, entries, kind):
    """Of a look-up that shows no key: the mark of what was looked up by says whose record it was."""
    if not isinstance(kind, tuple):
        return False
    return marker.mark(epoch, *kind) in marker.seen(entries, kind[0])


def check(cases, gate, tap):
    """cases: (attack, application, keys delivered)."""
    if not cases:
        return
    marker = Marker(gate.folder + '/mark.keys')
    found = gate.session_entries(*[application for a, application, keys in cases if keys])
    for a, application, keys in cases:
        if not keys:
            tap.result(a.full + ', in the ledger', [], 'nothing was delivered')
            continue
        entries = [e for e in found[application] if e.get('kind') in ('read', 'write')]
        faults = []
        if not entries:
            faults.append('%d records delivered, no entry' % len(keys))
        else:
            epoch = next(e['epoch'] for e in entries if 'epoch' in e) if any('epoch' in e for e in entries) else None
            got = marker.seen(entries, KEY)
            missing = [k for k in sorted(keys) if epoch is None or marker.mark(epoch, KEY, k) not in got and not also(marker, epoch, entries, a.ledger)]
            if missing:
                faults.append('%d of %d keys are not in the ledger: %s' % (len(missing), len(keys), missing[:5]))
            wrong = {e.get('actor') for e in entries} - {a.user}
            if wrong:
                faults.append('entries name %s' % wrong)
        if a.ledger != 'read' and not any(e.get('probe') for e in entries):
            faults.append('no entry says that it was a look-up')
        tap.result(a.full + ', in the ledger', faults)
