"""The corpus of the differential test: groups of steps, each step bytes to send and what ends its answer."""
from lib import pgwire


class Group:
    """Steps for one session. params are start-up parameters. strict: the answers must be the same; not strict (messages that break the
    protocol): the gate may instead end the session with 08P01, which PostgreSQL is not always strict enough to do."""

    def __init__(self, name, user='dba', params=(), setup=(), strict=True):
        self.name, self.user, self.params, self.steps, self.strict = name, user, list(params), [], strict
        for sql in setup:
            self.q(sql)

    def send(self, data, ends=1, label=''):
        """ends: number of ReadyForQuery, 'flush' (an answer without one), or 'end' (the server closes)."""
        self.steps.append((label, data, ends))

    def q(self, *statements):
        """Each in a Query message of its own."""
        for sql in statements:
            self.send(pgwire.query(sql), 1, sql if isinstance(sql, str) else repr(sql))
        return self

    def x(self, sql, values=(), **more):
        """One statement by the extended protocol; values are bytes, str or None."""
        values = [v.encode() if isinstance(v, str) else v for v in values]
        self.send(pgwire.extended(sql, values, **more), 1, 'extended %s: %s %r' % (more or '', sql, values))
        return self

    def both(self, *statements):
        """Each by the simple protocol, and by the extended one with text and with binary results."""
        for sql in statements:
            self.q(sql)
            self.x(sql)
            self.x(sql, rformats=[1])
        return self

    def copy_in(self, sql, *chunks, fail=None, extended=False):
        end = pgwire.COPY_DONE if fail is None else pgwire.copy_fail(fail)
        data = b''.join(pgwire.copy_data(c if isinstance(c, bytes) else c.encode()) for c in chunks) + end
        if extended:
            self.send(pgwire.parse(sql) + pgwire.bind() + pgwire.describe() + pgwire.execute() + data + pgwire.SYNC, 1, 'extended ' + sql)
        else:
            self.send(pgwire.query(sql) + data, 1, sql)
        return self


def statements(data):
    """How many statements a step asks for: Query, Execute and FunctionCall messages."""
    at, n = 0, 0
    while at + 5 <= len(data):
        length = int.from_bytes(data[at + 1:at + 5], 'big')
        n += data[at:at + 1] in (b'Q', b'E', b'F')
        at += 1 + max(length, 4)
    return n


def all_groups():
    from . import errors, messages, sql, types
    return [g for module in (types, sql, errors, messages) for g in module.groups()]
