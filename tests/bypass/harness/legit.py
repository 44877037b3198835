"""Legitimate statements: they must work, and give what the database gives with the masks laid over it.

legit/*.sql is written as corpus/*.sql is (corpus.py); further headers:
  -- masks: COLUMN last N, COLUMN fixed TEXT, COLUMN hide     what is laid over result columns of these names
  -- loose: REASON     only the shape is compared (names, types, number of rows): the values are each session's own
legit/*.py: `@good('section', 'name')` marks a function of (direct, gated) places that returns what is wrong; `@told(...)` a function of a Scene
that returns what is wrong with what a gate says: only with our own gate."""
import glob
import importlib.util
import os
import re

from lib import pgwire

from . import corpus
from .scene import Scene, columns

HERE = corpus.HERE


class Good:
    def __init__(self, section, name, run, user='mira', masks=None, loose=False, kind='sql'):
        self.section, self.name, self.run, self.user, self.masks, self.loose, self.kind = section, name, run, user, masks or {}, loose, kind

    @property
    def full(self):
        return 'legit %s/%s' % (self.section, self.name)


COLLECTED = []


def good(section, name, **more):
    def mark(function):
        COLLECTED.append(Good(section, name, function, kind='places', **more))
        return function
    return mark


def steps(section, name, masks='', **more):
    """A function of a Scene, run on both ways and compared."""
    def mark(function):
        COLLECTED.append(Good(section, name, function, masks=read_masks(masks), **more))
        return function
    return mark


def told(section, name, **more):
    def mark(function):
        COLLECTED.append(Good(section, name, function, kind='told', **more))
        return function
    return mark


def read_masks(text):
    """{column: function}"""
    out = {}
    for part in filter(None, (p.strip() for p in text.split(','))):
        column, kind, *rest = part.split(None, 2)
        out[column] = {'last': lambda v, n=rest: stars(v, int(n[0]), True), 'first': lambda v, n=rest: stars(v, int(n[0]), False),
                       'fixed': lambda v, t=rest: t[0].encode(), 'hide': lambda v: None}[kind]
    return out


def stars(value, n, last):
    text = value.decode()
    if len(text) <= n:
        return b'*' * len(text)
    return ('*' * (len(text) - n) + text[-n:] if last else text[:n] + '*' * (len(text) - n)).encode()


def load():
    out = []
    for path in sorted(glob.glob(os.path.join(HERE, 'legit', '*'))):
        if path.endswith('.sql'):
            for headers, text in corpus.blocks(path):
                out.append(Good(headers['section'], headers['name'], corpus.modes(corpus.statements(text), headers), headers.get('as', 'mira'),
                                read_masks(headers.get('masks', '')), 'loose' in headers))
        elif path.endswith('.py'):
            COLLECTED.clear()
            spec = importlib.util.spec_from_file_location('legit_' + os.path.basename(path)[:-3], path)
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            out += COLLECTED
    return out


class Watch(Scene):
    """A scene that keeps the messages themselves."""

    def __init__(self, side, user, direct):
        super().__init__(side, user)
        self.messages, self.direct = [], direct

    def note(self, label, kind, body=None, fields=None):
        self.messages.append((kind, body if body is not None else str(fields)))
        super().note(label, kind, body, fields)

    def open(self, user=None, label=None, params=(), direct=False, **more):
        return super().open(user, label, params, direct or self.direct, **more)


def watch(side, g, direct):
    """Messages after the log-in, without parameters and notices."""
    s = Watch(side, g.user, direct)
    try:
        s.main
        del s.messages[:]
        g.run(s)
    finally:
        s.done(side.around is not None)
    return [m for m in s.messages if m[0] not in (b'S', b'N', b'A', b'K')]


def plain(messages, masks, loose):
    """What is compared: of descriptions names and types, of rows the values with masks laid over."""
    out, names = [], []
    for kind, body in messages:
        if kind == b'T':
            names = [n for n, _, _ in columns(body)]
            out.append((kind, [(n, rest[0]) for n, _, rest in columns(body)]))
        elif kind == b'D' and not loose:
            row = pgwire.data_row(body)
            out.append((kind, [masks[n](v) if v is not None and n in masks else v for n, v in zip(names, row)] if len(names) == len(row) else row))
        elif kind == b'D':
            out.append((kind, len(pgwire.data_row(body))))
        elif kind == b'E':
            out.append((kind, pgwire.error_fields(body).get('C') if isinstance(body, bytes) else body))
        else:
            out.append((kind, body))
    return out


def error_of(messages):
    for kind, body in messages:
        if kind == b'E' and isinstance(body, bytes):
            f = pgwire.error_fields(body)
            return '%s: %s%s' % (f.get('C'), f.get('M'), ' (%s)' % f['H'] if f.get('H') else '')
        if kind in (b'end', b'timeout'):
            return kind.decode()
    return None


def compare(side, g, masks):
    want, got = watch(side, g, True), watch(side, g, False)
    wrong = error_of(want)
    if wrong:
        return ['directly: ' + wrong]
    wrong = error_of(got)
    if wrong:
        return [wrong]
    want, got = plain(want, g.masks if masks else {}, g.loose), plain(got, {}, g.loose)
    for i, (w, h) in enumerate(zip(want, got)):
        if w != h:
            return ['message %d: wanted %.200r, got %.200r' % (i, w, h)]
    return [] if len(want) == len(got) else ['%d messages, wanted %d' % (len(got), len(want))]


def run(side, items, tap, args):
    for g in items:
        try:
            if g.kind == 'told':
                if not side.gate:
                    tap.skip(g.full, 'needs our own gate')
                    continue
                s = Scene(side, g.user)
                try:
                    faults = g.run(s)
                finally:
                    s.done(True)
                tap.result(g.full, faults or [])
            elif not side.around:
                tap.skip(g.full, 'needs a way around the gateway')
            elif g.kind == 'places':
                tap.result(g.full, g.run(side.around, side.place) or [])
            else:
                tap.result(g.full, compare(side, g, not args.direct))
        except Exception as e:
            tap.result(g.full, ['%s: %s' % (type(e).__name__, e)])
