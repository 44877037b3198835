"""Marks recomputed independently of the C code: SipHash-2-4 under a key derived per epoch and kind (src/mask/mask_mark.h)."""
import base64
import hashlib
import hmac
import re
import struct

M = (1 << 64) - 1


def _rot(x, n):
    return ((x << n) | (x >> (64 - n))) & M


def siphash24(key, data):
    """SipHash-2-4 as its authors define it (Aumasson, Bernstein 2012), 64-bit result."""
    k0, k1 = struct.unpack('<QQ', key)
    v0, v1, v2, v3 = k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573

    def rounds(n):
        nonlocal v0, v1, v2, v3
        for _ in range(n):
            v0 = (v0 + v1) & M; v1 = _rot(v1, 13) ^ v0; v0 = _rot(v0, 32)
            v2 = (v2 + v3) & M; v3 = _rot(v3, 16) ^ v2
            v0 = (v0 + v3) & M; v3 = _rot(v3, 21) ^ v0
            v2 = (v2 + v1) & M; v1 = _rot(v1, 17) ^ v2; v2 = _rot(v2, 32)

    whole = len(data) // 8
    for i in range(whole):
        m = struct.unpack_from('<Q', data, i * 8)[0]
        v3 ^= m
        rounds(2)
        v0 ^= m
    last = data[whole * 8:]
    m = int.from_bytes(last, 'little') | (len(data) & 255) << 56
    v3 ^= m
    rounds(2)
    v0 ^= m
    v2 ^= 255
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


# The paper's test vector, so that a slip here cannot pass for a slip there.
assert siphash24(bytes(range(16)), bytes(range(15))) == 0xa129ca6149be45e5


def phone(text, country='86'):
    """Digits with country code: + or 00 says it has one, a single leading 0 is the trunk prefix, anything else gets it."""
    text = text.strip()
    digits = re.sub(r'\D', '', text)
    if text.startswith('+'):
        return digits
    if digits.startswith('00'):
        return digits[2:]
    return country + digits


def folded(text):
    return ''.join(c.lower() if c.isascii() else c for c in text.strip())


class Marker:
    def __init__(self, path):
        """path: the mark key file."""
        self.keys = {}
        with open(path) as f:
            for line in f:
                line = line.split('#')[0].split()
                if line:
                    self.keys[int(line[0])] = bytes.fromhex(line[1])

    def mark(self, epoch, kind, normalised):
        """The 8 bytes of a mark."""
        key = hmac.new(self.keys[epoch], b'gatehouse mark v1\n' + kind.encode(), hashlib.sha256).digest()[:16]
        return struct.pack('>Q', siphash24(key, str(normalised).encode()) or 1)

    def tuples(self, entry):
        """An entry's marks: for each tuple the list of (kind, 8 bytes); absent ones (all zero) left out. A kind may stand twice."""
        raw = base64.b64decode(entry.get('marks', ''), validate=True)
        kinds = entry.get('kinds', [])
        width = 8 * len(kinds)
        if bool(raw) != bool(kinds) or raw and len(raw) % width:
            raise AssertionError('%d bytes of marks for kinds %s' % (len(raw), kinds))
        return [[(k, raw[at + 8 * i:at + 8 * i + 8]) for i, k in enumerate(kinds) if any(raw[at + 8 * i:at + 8 * i + 8])]
                for at in range(0, len(raw), width or 1)]

    def seen(self, entries, kind):
        """The set of marks of one kind in entries."""
        return {m for e in entries for t in self.tuples(e) for k, m in t if k == kind}

    def expect(self, entries, kind, values):
        """Fails unless the marks of `kind` in the entries are exactly those of `values` (normalised)."""
        epochs = {e['epoch'] for e in entries if 'epoch' in e}
        if len(epochs) != 1:
            raise AssertionError('entries of epochs %s, wanted one' % sorted(epochs))
        epoch = epochs.pop()
        want = {self.mark(epoch, kind, v) for v in values}
        got = self.seen(entries, kind)
        if got != want:
            raise AssertionError('%s: %d marks, wanted %d; %d missing, %d too many'
                                 % (kind, len(got), len(want), len(want - got), len(got - want)))
