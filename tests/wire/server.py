"""The hostile server: the gate's control connection goes to a real PostgreSQL, its sessions go to fake.py. A message that the protocol allows
must pass unchanged and the session go on; any other ends that session with FATAL, and nothing else."""
import os
import random
import re
import struct
import threading
import time

import client
from client import to_the_end
from fake import (KEY, OK, PARAMETERS, READY, WELCOME, C, D, Fake, T, Z, auth, column, data_row, error, row_description, status, tag, taken)
from lib import pgwire, ports
from lib.env import PASSWORDS
from lib.pgwire import COPY_DONE, SYNC, TERMINATE, Closed, Conn, ServerError, bind, call, close, copy_data, cstr, describe, execute, msg, parse, query

COPY_OUT, COPY_IN, COPY_END = msg(b'H', b'\0\0\1\0\0'), msg(b'G', b'\0\0\1\0\0'), msg(b'c')
ROW = msg(b'd', b'1\n')

MESSAGES = {
    'AuthenticationOk': OK, 'BackendKeyData': KEY, 'BindComplete': msg(b'2'), 'CloseComplete': msg(b'3'), 'CommandComplete': C, 'CopyData': ROW,
    'CopyDone': COPY_END, 'CopyInResponse': COPY_IN, 'CopyOutResponse': COPY_OUT, 'CopyBothResponse': msg(b'W', b'\0\0\1\0\0'), 'DataRow': D,
    'EmptyQueryResponse': msg(b'I'), 'ErrorResponse': error(), 'FunctionCallResponse': msg(b'V', b'\xff' * 4),
    'NegotiateProtocolVersion': msg(b'v', b'\0' * 8), 'NoData': msg(b'n'), 'NoticeResponse': b'N' + error()[1:],
    'NotificationResponse': msg(b'A', b'\0\0\0\7ch\0x\0'), 'ParameterDescription': msg(b't', b'\0\0'), 'ParameterStatus': status('TimeZone', 'UTC'),
    'ParseComplete': msg(b'1'), 'PortalSuspended': msg(b's'), 'ReadyForQuery': READY, 'RowDescription': T, 'Query': query('select 1'),
    'empty ParameterStatus': SYNC, 'Password': msg(b'p', b'x\0'), 'type 0': b'\0\0\0\0\4', 'type 255': b'\xff\0\0\0\4', 'rubbish': b'HTTP/1.1 400 Bad Request\r\n\r\n',
}

# Legal answers as patterns of type bytes, without what may come at any time (N S A) and without errors.
SIMPLE = '(TD*C|C|I|Hd*cC|GC)*Z'
EXTENDED = '12(T|n)(D*[Cs]|I|Hd*cC|GC)Z'
STATES = {
    # name: (client's request, what the server says before, after, pattern of the whole)
    'idle': (b'', b'', b'', ''),
    'query': (query('select 1'), b'', T + D + C + Z, SIMPLE),
    'rows': (query('select 1'), T + D, D + C + Z, SIMPLE),
    'complete': (query('select 1'), T + D + C, Z, SIMPLE),
    'error': (query('select 1'), error(), Z, '(TD*|Hd*c?|G)?EZ'),
    'protected_rows': (query('select id from customers'), None, None, SIMPLE),
    'parse': (parse('select 1') + bind() + describe() + execute() + SYNC, b'', msg(b'1') + msg(b'2') + T + D + C + Z, EXTENDED),
    'bind': (parse('select 1') + bind() + describe() + execute() + SYNC, msg(b'1'), msg(b'2') + T + D + C + Z, EXTENDED),
    'described': (parse('select 1') + bind() + describe() + execute() + SYNC, msg(b'1') + msg(b'2') + T, D + C + Z, EXTENDED),
    'executed': (parse('select 1') + bind() + describe() + execute() + SYNC, msg(b'1') + msg(b'2') + T + D + C, Z, EXTENDED),
    'own_describe': (parse('select id from customers') + bind() + execute() + SYNC, msg(b'1') + msg(b'2'), T + D + C + Z, EXTENDED),
    'describe_statement': (parse('select 1', 's') + describe('S', 's') + SYNC, msg(b'1'), msg(b't', b'\0\0') + T + Z, '1t(T|n)Z'),
    'close': (close('S', 's') + SYNC, b'', msg(b'3') + Z, '3Z'),
    'suspended': (parse('select 1') + bind() + describe() + execute(rows=1) + SYNC, msg(b'1') + msg(b'2') + T + D, msg(b's') + Z, EXTENDED),
    'copy_out': (query('copy t to stdout'), COPY_OUT + ROW, ROW + COPY_END + C + Z, SIMPLE),
    'copy_in': (query('copy t from stdin') + copy_data(b'1\n') + COPY_DONE, COPY_IN, C + Z, SIMPLE),
    'function': (call(1299), b'', msg(b'V', b'\xff' * 4) + Z, 'V?Z'),
}


# Not legal, and passed on all the same: none of them carries a row, and rows behind them are on record (server.descriptions shows it).
TOLERATED = {
    ('query', 'PortalSuspended'), ('complete', 'PortalSuspended'), ('error', 'CommandComplete'), ('error', 'EmptyQueryResponse'), ('error', 'ErrorResponse'),
    ('error', 'PortalSuspended'), ('describe_statement', 'ParameterDescription'), ('copy_out', 'CopyDone'),
    ('copy_in', 'EmptyQueryResponse'), ('copy_in', 'PortalSuspended'), ('function', 'FunctionCallResponse'),
}


class Place:
    def __init__(self, stand, g, target, fake, oid):
        self.stand, self.g, self.target, self.fake, self.n, self.oid = stand, g, target, fake, 0, oid
        self.protected = row_description(column('id', oid, 1, 20, 8))

    def script(self, function):
        self.n += 1
        name = 'script-%d' % self.n
        self.fake.scripts[name] = function
        return name

    def open(self, script, **more):
        return Conn.open(self.target, 'bo', unix=True, params=[('application_name', self.script(script))], **more)


def kinds(data):
    """Type bytes of a run of messages; '?' where they are none."""
    out, at = '', 0
    while at < len(data):
        if len(data) - at < 5:
            return out + '?'
        n = struct.unpack_from('>I', data, at + 1)[0]
        if n < 4 or at + 1 + n > len(data):
            return out + '?'
        out += chr(data[at])
        at += 1 + n
    return out


def legal(pattern, before, data, after):
    whole = re.sub('[NSA]', '', kinds(before + data + after))
    if data == SYNC:
        return False
    if 'E' in whole and 'E' not in pattern:
        return None  # passing and ending are both right
    return bool(re.fullmatch(pattern, whole)) and all(ord(k) < 128 for k in whole)


def fatal(got, codes=('08',)):
    """None, or why this is not an end with a clear FATAL."""
    if got is None:
        return 'the session goes on'
    if not got or got[-1][0] != b'E':
        return 'it ends with %s' % str(got[-1:])[:100]
    f = pgwire.error_fields(got[-1][1])
    if f.get('S') != 'FATAL' or not f.get('C', '').startswith(tuple(codes)) or not f.get('M'):
        return 'it ends with %s' % f
    return None


def raw(messages):
    return b''.join(msg(kind, body) for kind, body in messages)


def play(place, request, data, then='close', limit=8):
    """One session: the client sends its request, the server answers with data, then closes ('close') or goes on honestly ('good').
    What the client got up to the end, or up to the answer to a last honest query; and whether that came."""
    arrived = threading.Event()

    def script(s):
        s.welcome()
        if request:
            last = {b'S', b'Q', b'F', b'c'} & {bytes([ord(k)]) for k in kinds(request)[-1]}
            while True:
                kind, _ = s.read()
                if kind in last:
                    break
        else:
            time.sleep(0.01)
        try:
            s.send(data)
            taken(s.sock)
        finally:
            arrived.set()
        if then == 'good':
            s.good()
        elif then == 'wait':
            time.sleep(limit + 1)
    c = place.open(script)
    try:
        client.send(c, request)
        if then == 'good':
            if not request:  # what the server said unasked comes first
                arrived.wait(15)
            client.send(c, query('select honest') + TERMINATE)
        return to_the_end(c, limit)
    finally:
        leftover = bytes(c.buffer)
        c.sock.close()
        del leftover


def messages(tap, place, watch, args):
    for state, (request, before, after, pattern) in STATES.items():
        name = 'server.messages.' + state
        if not tap.wanted(name):
            continue
        if before is None:
            before, after = place.protected + D, D + C + Z
        faults = []
        for what, data in MESSAGES.items():
            if data[:1] == b'E' and 'Z' in kinds(after):
                tail = Z
            else:
                tail = after
            got = play(place, request, before + data + tail, 'good')
            right = legal(pattern, before, data, tail)
            honest = T + D + C + Z
            sent = before + data + tail + honest
            if state == 'own_describe':
                sent = sent.replace(T, b'', 1) if T in tail else sent
            if right is not False and got is not None and raw(got) == sent:
                continue
            if right is True:
                faults.append('%s: legal, and it does not pass: %s' % (what, (got and fatal(got)) or str(got)[-300:]))
                continue
            wrong = fatal(got, ('08', '58', '53'))
            if wrong and got is not None and raw(got) == sent:
                wrong = 'not legal here, and it passes: %s' % kinds(before + data + tail)
            if wrong and state in ('rows', 'protected_rows', 'copy_out', 'suspended', 'described') and got is not None and sent.startswith(raw(got)):
                wrong = None if got and len(raw(got)) < len(sent) and got[-1][0] == b'D' else wrong
            if wrong and (state, what) not in TOLERATED:
                faults.append('%s: %s' % (what, wrong))
        tap.result(name, faults + watch.faults(), '%d messages pass or end the session' % len(MESSAGES))


def lengths(tap, place, watch, args):
    for state in ('idle', 'query', 'rows', 'protected_rows', 'described', 'own_describe', 'copy_out', 'copy_in', 'function'):
        name = 'server.lengths.' + state
        if not tap.wanted(name):
            continue
        request, before, after, _ = STATES[state]
        before = place.protected + D if before is None else before
        faults, count = [], 0
        for kind in sorted({m[:1] for m in MESSAGES.values()}):
            for n in client.LENGTHS:
                if n == 4 and kind in b'123cIndsHS':
                    continue
                got = play(place, request, before + kind + struct.pack('>I', n) + b'\0' * 20, 'wait', 3)
                wrong = fatal(got)
                count += 1
                if wrong:
                    faults.append('%r with length %#x: %s' % (kind, n, wrong))
        tap.result(name, faults + watch.faults(), '%d wrong lengths' % count)


def truncated(tap, place, watch, args):
    for state, what in (('idle', 'NoticeResponse'), ('idle', 'ParameterStatus'), ('query', 'RowDescription'), ('query', 'ErrorResponse'), ('rows', 'DataRow'),
                        ('protected_rows', 'DataRow'), ('rows', 'CommandComplete'), ('complete', 'ReadyForQuery'), ('parse', 'ParseComplete'),
                        ('own_describe', 'RowDescription'), ('copy_out', 'CopyData'), ('query', 'CopyOutResponse'), ('query', 'CopyInResponse'),
                        ('function', 'FunctionCallResponse'), ('describe_statement', 'ParameterDescription')):
        name = 'server.truncated.%s.%s' % (state, what)
        if not tap.wanted(name):
            continue
        request, before, _, _ = STATES[state]
        before = place.protected if before is None else before
        data, faults = MESSAGES[what], []
        for at in range(len(data)):
            got = play(place, request, before + data[:at])
            wrong = fatal(got)
            if wrong and what in ('DataRow', 'CopyData') and got is not None and before.startswith(raw(got)):
                wrong = None  # a row streams: the client has its beginning already, so there is no room for a word
            if wrong:
                faults.append('cut at %d: %s' % (at, wrong))
        tap.result(name, faults + watch.faults(), '%d places' % len(data))


def login(tap, place, watch, args):
    """What may go wrong before the server says that it is ready."""
    def says(*parts, wait=True):
        def script(s):
            s.send(b''.join(parts))
            if wait:
                place.fake.got[s.name] = b''
                try:
                    place.fake.got[s.name] = s.sock.recv(4096)
                except OSError:
                    pass
            time.sleep(0.1)
        return script

    def scram(welcome=True, **how):
        def script(s):
            s.scram(**how)
            if welcome:
                s.welcome()
                s.good()
        return script

    def scram_unproved(s):
        s.scram(final=lambda text: None)
        s.welcome()
        s.good()

    def sub(pattern, to):
        return lambda text, bare: re.sub(pattern, to, text)
    huge = error(text='x' * 70000, severity='FATAL')
    bad = {
        'cleartext password': says(auth(3)), 'md5 password': says(auth(5, b'salt')), 'GSS': says(auth(7)), 'SSPI': says(auth(9)), 'Kerberos': says(auth(2)),
        'SCM': says(auth(6)), 'code 13': says(auth(13)), 'code ffffffff': says(auth(0xffffffff)), 'authentication without a code': says(msg(b'R')),
        'no mechanisms': says(auth(10, b'\0')), 'mechanisms without an end': says(auth(10, b'SCRAM-SHA-256')), 'mechanisms missing': says(auth(10)),
        'only PLUS without TLS': says(auth(10, b'SCRAM-SHA-256-PLUS\0\0')), 'SASL continues nothing': says(auth(11, b'r=a,s=AA==,i=4096')),
        'SASL ends nothing': says(auth(12, b'v=AA==')), 'rows before log-in': says(T + D), 'ready before log-in': says(READY),
        'key before log-in': says(KEY), 'parameters before log-in': says(PARAMETERS), 'ready at once': says(OK + T), 'key twice': says(OK + KEY + KEY + READY),
        'key of 3 bytes': says(OK + msg(b'K', b'\0\0\0')), 'key of 500 bytes': says(OK + msg(b'K', b'\0' * 500)), 'ready in no state': says(OK + KEY + msg(b'Z', b'X')),
        'ready of 2 bytes': says(OK + KEY + msg(b'Z', b'II')), 'authentication twice': says(OK + OK), 'rubbish': says(b'HTTP/1.1 400 Bad Request\r\n\r\n'),
        'nothing': says(wait=False), 'half a header': says(b'R\0', wait=False), 'closes after Ok': says(OK, wait=False), 'closes after parameters': says(OK + PARAMETERS, wait=False),
        'negotiates': says(msg(b'v', b'\0' * 8)), 'query': says(query('select 1')),
        'refuses': says(error('53300', 'too many', 'FATAL')), 'refuses without fields': says(msg(b'E', b'\0')), 'refuses without an end': says(msg(b'E', b'SFATAL')),
        'refuses in 70 KB': says(huge), 'refuses with a bad code': says(error('no such code', 'x', 'FATAL')), 'refuses with empty fields': says(msg(b'E', b'S\0C\0M\0\0')),
        'refuses with 3000 codes': says(msg(b'E', b'C28000\0' * 1100 + b'\0')), 'refuses with no severity': says(msg(b'E', b'Mno\0\0')),
        'parameter without a value': says(OK + msg(b'S', b'name\0')), 'parameter without an end': says(OK + msg(b'S', b'name\0value')),
        'nonce not extended': scram(first=lambda text, bare: re.sub(rb'^r=[^,]*', b'r=' + bare.split(b'r=')[1], text)),
        'nonce of its own': scram(first=sub(rb'^r=[^,]*', b'r=abcdefghijklmnopqrstuvwxyz')), 'no nonce': scram(first=sub(rb'^r=[^,]*,', b'')),
        'empty nonce': scram(first=sub(rb'^r=[^,]*', b'r=')), 'iterations 0': scram(first=sub(rb'i=.*', b'i=0')), 'iterations -1': scram(first=sub(rb'i=.*', b'i=-1')),
        'iterations huge': scram(first=sub(rb'i=.*', b'i=99999999999999999999')), 'iterations 2 billion': scram(first=sub(rb'i=.*', b'i=2147483647')),
        'iterations in words': scram(first=sub(rb'i=.*', b'i=many')), 'no iterations': scram(first=sub(rb',i=.*', b'')), 'no salt': scram(first=sub(rb's=[^,]*,', b'')),
        'empty salt': scram(first=sub(rb's=[^,]*', b's=')), 'salt that is no base64': scram(first=sub(rb's=[^,]*', b's=%%%%')),
        'extension': scram(first=lambda text, bare: b'm=x,' + text), 'empty': scram(first=lambda text, bare: b''),
        'long': scram(first=lambda text, bare: text + b',x=' + b'y' * 9000), 'too long': scram(first=lambda text, bare: text + b',x=' + b'y' * 90000),
        'wrong signature': scram(final=lambda text: b'v=' + b'A' * 43 + b'='), 'short signature': scram(final=lambda text: text[:20]),
        'empty signature': scram(final=lambda text: b'v='), 'no signature': scram(final=lambda text: b''), 'error for a signature': scram(final=lambda text: b'e=other-error'),
        'surplus after the signature': scram(final=lambda text: text + b',x=y' if False else text + b'AAAA'), 'Ok without a signature': scram_unproved,
    }
    name = 'server.login'
    faults = []
    for what, script in bad.items() if tap.wanted(name) else ():
        began = time.monotonic()
        script_name = place.script(script)
        try:
            Conn.open(place.target, 'bo', unix=True, params=[('application_name', script_name)], timeout=12).close()
            faults.append('%s: it is taken for a server' % what)
        except ServerError as e:
            passed_on = what.startswith('refuses')
            if not passed_on and (e.fields.get('S') != 'FATAL' or e.code[:2] not in ('08', '28')):
                faults.append('%s: %s' % (what, e.fields))
        except (Closed, OSError) as e:
            if what not in ('refuses with empty fields', 'refuses without fields', 'refuses without an end'):
                faults.append('%s: %s' % (what, e or type(e).__name__))
        except (AssertionError, ValueError) as e:
            faults.append('%s: what is malformed is passed on: %s' % (what, e))
        if time.monotonic() - began > 8:
            faults.append('%s: it took %.1f s' % (what, time.monotonic() - began))
        if 'password' in what and place.fake.got.get(script_name):
            faults.append('%s: the gate answered %r' % (what, place.fake.got[script_name]))
    if bad and tap.wanted(name):
        tap.result(name, faults + watch.faults(), '%d log-ins that are none' % len(bad))
    name = 'server.login.lengths'
    faults = []
    for kind in b'RSKZENvTD1x\0' if tap.wanted(name) else b'':
        for n in client.LENGTHS:
            for before in (b'', OK):
                if n == 4 and kind == ord('1') and False:
                    continue
                script_name = place.script(says(before + bytes([kind]) + struct.pack('>I', n) + b'\0' * 30))
                try:
                    Conn.open(place.target, 'bo', unix=True, params=[('application_name', script_name)], timeout=8).close()
                    faults.append('%c %#x after %r: taken for a server' % (kind, n, before))
                except ServerError as e:
                    if e.fields.get('S') != 'FATAL' or e.code[:2] != '08':
                        faults.append('%c %#x after %r: %s' % (kind, n, before, e.fields))
                except (Closed, OSError, AssertionError) as e:
                    faults.append('%c %#x after %r: %s' % (kind, n, before, e or type(e).__name__))
    if tap.wanted(name):
        tap.result(name, faults + watch.faults(), 'every wrong length before log-in')
    name = 'server.login.truncated'
    if tap.wanted(name):
        faults = []
        whole = auth(10, cstr('SCRAM-SHA-256') + b'\0')
        cuts = [whole[:i] for i in range(len(whole))] + [WELCOME[:i] for i in range(len(WELCOME) - len(READY) + 5)]
        for data in cuts:
            try:
                place.open(says(data, wait=False), timeout=8).close()
                faults.append('%d bytes: taken for a server' % len(data))
            except ServerError as e:
                if e.fields.get('S') != 'FATAL' or e.code[:2] != '08':
                    faults.append('%d bytes: %s' % (len(data), e.fields))
            except (Closed, OSError, AssertionError) as e:
                faults.append('%d bytes of %r: %s' % (len(data), data[:1], e or type(e).__name__))
        tap.result(name, faults + watch.faults(), '%d places' % len(cuts))
    name = 'server.login.good'
    if tap.wanted(name):
        faults = []
        for what, script in (('SCRAM', scram()), ('trust', None), ('no key', lambda s: (s.send(OK + PARAMETERS + READY), s.good())),
                             ('notices first', lambda s: (s.send(OK + MESSAGES['NoticeResponse'] * 50 + WELCOME[len(OK):]), s.good())),
                             ('in pieces', lambda s: ([(s.send(WELCOME[i:i + 1]), time.sleep(0.001)) for i in range(len(WELCOME))], s.good()))):
            try:
                with (place.open(script) if script else Conn.open(place.target, 'bo', unix=True)) as c:
                    if c.rows('select 1') != [[b'1']]:
                        faults.append('%s: wrong rows' % what)
            except Exception as e:
                faults.append('%s: %s' % (what, e))
        tap.result(name, faults + watch.faults(), 'honest ones are served')


def descriptions(tap, place, watch, args):
    """RowDescription and DataRow that do not hold together, for a table of nobody and for one of people."""
    name = 'server.descriptions'
    if not tap.wanted(name):
        return
    faults = []
    col, pro = column(), column('id', place.oid, 1, 20, 8)
    bad = {
        'count 65535, no columns': msg(b'T', b'\xff\xff'), 'count 65535, one column': row_description(col, count=65535), 'count 0, one column': row_description(col, count=0),
        'count 2, one column': row_description(col, count=2), 'half a column': msg(b'T', b'\0\1' + col[:-3]), 'name without an end': msg(b'T', b'\0\1' + b'x' * 300),
        'surplus': msg(b'T', b'\0\1' + col + b'x'), 'one byte': msg(b'T', b'\0'),
    }
    for what, data in bad.items():
        for text in ('select 1', 'select id from customers'):
            wrong = fatal(play(place, query(text), data + D + C + Z, 'good'))
            if wrong:
                faults.append('%s for %s: %s' % (what, text, wrong))
    good = {
        '1600 columns': row_description(*[column('c%d' % i) for i in range(1600)]) + data_row(*[b'1'] * 1600), 'no columns': row_description() + data_row(),
        'a long name': row_description(column('x' * 5000)) + D, 'an unknown type': row_description(column(oid=4000000000, typlen=-7)) + D,
        'NULLs': row_description(col, col) + data_row(None, None),
    }
    for what, data in good.items():
        got = play(place, query('select 1'), data + C + Z, 'good')
        if got is None or raw(got) != data + C + Z + T + D + C + Z:
            faults.append('%s: does not pass: %s' % (what, got and fatal(got)))
    # Rows of people that are not what was described: whatever comes through must be on record as rows of that table.
    odd = {
        'more fields': data_row(b'1', b'2'), 'fewer fields': data_row(), 'count 65535': data_row(b'1', count=65535), 'length over the end': msg(b'D', b'\0\1\0\0\0\x09ab'),
        'length -2': msg(b'D', b'\0\1\xff\xff\xff\xfe'), 'length 2^31-1': msg(b'D', b'\0\1\x7f\xff\xff\xff'), 'surplus': msg(b'D', b'\0\1\0\0\0\1' + b'1xyz'),
        'no number': data_row(b'seven'), 'empty': data_row(b''), 'binary zero': data_row(b'\0'), 'one byte': msg(b'D', b'\0\0'), 'NULL': data_row(None),
        '2 MB': data_row(b'9' * (2 << 20)), 'good': data_row(b'5'),
    }
    applications = {}
    for what, data in odd.items():
        for how, descr in (('text', pro), ('binary', column('id', place.oid, 1, 20, 8, fmt=1)), ('format 9', column('id', place.oid, 1, 20, 8, fmt=9)),
                           ('attribute -7', column('id', place.oid, -7, 20, 8)), ('attribute 999', column('id', place.oid, 999, 20, 8))):
            got = play(place, query('select id from customers'), row_description(descr) + data + D + C + Z, 'good')
            seen = [m for m in got or [] if m[0] == b'D']
            if got is None:
                faults.append('%s, %s: the session hangs' % (what, how))
            applications['script-%d' % place.n] = (what + ', ' + how, max(0, len(seen) - (1 if got and raw(got).endswith(T + D + C + Z) else 0)))
    asks = query('select id from customers')
    for what, request, data in (('rows after an error', asks, error() + place.protected + data_row(b'5') + C + Z),
                                ('rows of people for another request', query('select 1'), place.protected + data_row(b'6') + C + Z),
                                ('rows after PortalSuspended', asks, place.protected + data_row(b'7') + msg(b's') + place.protected + data_row(b'8') + C + Z),
                                ('a row in COPY FROM', query('copy customers from stdin') + copy_data(b'x') + COPY_DONE, COPY_IN + data_row(b'9') + C + Z)):
        got = play(place, request, data, 'good')
        rows = len([m for m in got or [] if m[0] == b'D']) - (1 if raw(got or []).endswith(T + D + C + Z) else 0)
        applications['script-%d' % place.n] = (what, rows)
    faults += recorded(place, applications)
    tap.result(name, faults + watch.faults(), '%d descriptions and %d rows' % (len(bad) + len(good), len(odd) * 5))


def recorded(place, applications, limit=10):
    """Rows that clients got and the ledger does not count."""
    end = time.monotonic() + limit
    while True:
        rows = dict.fromkeys(applications, 0)
        for e in place.g.entries(kind='read'):
            if e.get('application') in rows:
                rows[e['application']] += e.get('rows', 0)
        missing = ['%s: %d rows came, %d are on record' % (what, n, rows[a]) for a, (what, n) in applications.items() if rows[a] < n]
        if not missing or time.monotonic() > end:
            return missing
        time.sleep(0.3)


def errors(tap, place, watch, args):
    """CVE-2026-6665 and -6666 were an ErrorResponse that pgbouncer believed: fields absent, repeated, too long."""
    name = 'server.errors'
    if not tap.wanted(name):
        return
    bodies = {
        'no fields': b'\0', 'no end': b'SERROR\0C42601\0Mx\0', 'field without an end': b'SERROR', 'only a type': b'C', 'empty values': b'S\0V\0C\0M\0\0',
        'no code': b'SERROR\0VERROR\0Mx\0\0', 'no message': b'SERROR\0VERROR\0C42601\0\0', 'no severity': b'C42601\0Mx\0\0', 'code of 1': b'SERROR\0C4\0Mx\0\0',
        'code of 2000': b'SERROR\0C' + b'4' * 2000 + b'\0Mx\0\0', 'code with a line end': b'SERROR\0C42\n01\0Mx\0\0', 'code with quotes': b'SERROR\0C"}{"\\\0Mx\0\0',
        'code in Latin-1': b'SERROR\0C\xe4\xff\xfe\x80\x81\0Mx\0\0', 'a thousand codes': b'SERROR\0' + b'C42601\0' * 1000 + b'Mx\0\0', 'a thousand severities': b'SFATAL\0' * 1000 + b'C42601\0Mx\0\0',
        'message of 64 KiB': b'SERROR\0C42601\0M' + b'x' * 65536 + b'\0\0', 'message of 1 MB': b'SERROR\0C42601\0M' + b'x' * (1 << 20) + b'\0\0',
        'severity of 64 KiB': b'S' + b'F' * 65536 + b'\0C42601\0Mx\0\0', 'unknown fields': b'SERROR\0C42601\0Mx\0zfoo\0\x01bar\0\xffbaz\0\0',
        'surplus after the end': b'SERROR\0C42601\0Mx\0\0SERROR\0C42601\0\0', 'FATAL and goes on': b'SFATAL\0VFATAL\0C57P01\0Mx\0\0', 'PANIC': b'SPANIC\0VPANIC\0CXX000\0Mx\0\0',
        'format directives': b'SERROR\0C42601\0M%s%n%s%n%x%d\0\0', 'good': b'SERROR\0VERROR\0C42601\0Mx\0\0',
    }
    faults = []
    extended = parse('select id from customers') + bind() + describe() + execute() + SYNC
    for what, body in bodies.items():
        for how, request, before, kind in (('alone', b'', b'', b'E'), ('query', query('select 1'), b'', b'E'), ('people', query('select id from customers'), place.protected + D, b'E'),
                                           ('extended', extended, msg(b'1') + msg(b'2') + place.protected, b'E'), ('notice', query('select 1'), b'', b'N')):
            after = (Z if kind == b'E' else T + D + C + Z) if request else b''
            data = before + msg(kind, body) + after
            got = play(place, request, data, 'good')
            if got is None:
                faults.append('%s, %s: the session hangs' % (what, how))
            elif raw(got) != data + T + D + C + Z:
                wrong = fatal(got)
                if wrong:
                    faults.append('%s, %s: %s' % (what, how, wrong))
    for what, value in (('64 KiB', 'a' * 65536), ('200 KB', 'a' * 200000), ('line ends', 'a"\n\r\t\\"}'), ('Latin-1', b'\xe4\xff\xfe'), ('1 MB', 'b' * (1 << 20))):
        data = status('application_name', value) + place.protected + D + C + Z
        got = play(place, query('select id from customers'), data, 'good')
        if got is None or raw(got) != data + T + D + C + Z and fatal(got, ('08', '5')):
            faults.append('application_name %s: %s' % (what, got and fatal(got)))
    for what, text in (('long', 'SELECT ' + 'x' * 9000), ('no number', 'SELECT'), ('huge number', 'SELECT 99999999999999999999999'), ('negative', 'SELECT -1'),
                       ('empty', ''), ('Latin-1', b'SELECT \xff\xfe'), ('spaces', '    '), ('line ends', 'INSERT\n0\n5')):
        data = place.protected + D + tag(text) + Z
        got = play(place, query('select id from customers'), data, 'good')
        if got is None or raw(got) != data + T + D + C + Z and fatal(got):
            faults.append('tag %s: %s' % (what, got and fatal(got)))
    tap.result(name, faults + watch.faults(), '%d errors in 5 places, names and tags' % len(bodies))


def endless(tap, place, watch, args):
    name = 'server.endless'
    if not tap.wanted(name):
        return
    faults, before = [], watch.g.rss()
    notice = MESSAGES['NoticeResponse'] * 500

    def forever(prefix, what):
        def script(s):
            s.send(prefix)
            end = time.monotonic() + 12
            while time.monotonic() < end:
                s.send(what)
        return script
    for what, prefix, data in (('notices in log-in', b'', notice), ('notices after Ok', OK, notice), ('parameters in log-in', OK, PARAMETERS * 300)):
        for reads in (True, False):  # a client that reads on, and one that reads when it is over
            c = Conn(place.target, unix=True)
            c.startup(client.LOGIN + [('application_name', place.script(forever(prefix, data)))])
            c.read()
            c._scram(PASSWORDS['bo'], False)
            if not reads:
                time.sleep(5)
            got = to_the_end(c, 9)
            wrong = fatal(got)
            if not wrong and [m for m in got[:-1] if msg(*m) not in data + prefix]:
                wrong = 'what comes are not the messages that were sent'
            if wrong or c.buffer:
                faults.append('%s%s: %s%s' % (what, '' if reads else ', not read', wrong or 'the end', ', in the middle of a message' if c.buffer else ''))
            c.sock.close()
    held = []
    for data in (notice, PARAMETERS * 300, MESSAGES['NotificationResponse'] * 500):
        held.append(place.open(forever(WELCOME, data)))  # and the client does not read
    time.sleep(1)
    slow = serves_fast(place)
    if slow > (6 if place.stand.sanitized else 3):
        faults.append('another client waited %.1f s' % slow)
    grown = watch.g.rss() - before
    if grown > (32 << 20) * (8 if place.stand.sanitized else 1):
        faults.append('memory grew by %d KiB' % (grown >> 10))
    for c in held:
        c.sock.close()
    tap.result(name, faults + watch.faults(), 'notices and parameters without end cost %d KiB' % (grown >> 10))


def serves_fast(place):
    began = time.monotonic()
    with Conn.open(place.target, 'bo', unix=True) as c:
        c.rows('select 1')
    return time.monotonic() - began


def garbage(tap, place, watch, args):
    name = 'server.garbage'
    if not tap.wanted(name):
        return
    rng, faults, count = random.Random(args.seed), [], 0
    good = {s: (x[0], (x[1] if x[1] is not None else place.protected + D) + (x[2] if x[2] is not None else D + C + Z)) for s, x in STATES.items()}
    for state, (request, answer) in good.items():
        for _ in range(80 if args.full else 16):
            data = bytearray(answer or MESSAGES['NoticeResponse'])
            for _ in range(rng.randint(1, 3)):
                at, how = rng.randrange(len(data)), rng.randrange(4)
                if how == 0:
                    data[at] = rng.randrange(256)
                elif how == 1:
                    data[at] ^= 1 << rng.randrange(8)
                elif how == 2 and len(data) > 9:
                    del data[at:at + rng.randint(1, 4)]
                else:
                    data[at:at] = rng.randbytes(rng.randint(1, 9))
            count += 1
            if play(place, request, bytes(data)) is None:
                faults.append('%s: the session hangs after %s' % (state, bytes(data).hex()))
    for _ in range(100 if args.full else 30):
        count += 1
        if play(place, query('select 1'), rng.randbytes(rng.choice((1, 5, 40, 4000)))) is None:
            faults.append('the session hangs after rubbish')
    tap.result(name, faults + watch.faults(), '%d answers with changed bytes' % count)


def tls(tap, place, stand, args):
    """The answer to SSLRequest, of a gate that asks for TLS."""
    name = 'server.tls'
    if not tap.wanted(name):
        return
    crt, key = stand.authority.leaf('fake', 'localhost', 'DNS:localhost,IP:127.0.0.1', rsa=True)
    fake = Fake(ports.free_port(), place.fake_verifier, (crt, key))
    g, target = stand.gate('gst', server_host='localhost', server_port=str(fake.port), server_tls='verify-full', server_connect_timeout='3s')
    faults = []
    answers = {
        'N': b'N', 'X': b'X', 'an error': error('0A000', 'no', 'FATAL'), 'surplus after S': b'S' + WELCOME, 'surplus after N': b'N' + WELCOME, 'rubbish after S': b'S' + os.urandom(300),
        'a TLS alert': b'S\x15\x03\x03\0\x02\x02\x28', 'nothing': b'', 'SS': b'SS', 'huge record': b'S\x16\x03\x03\xff\xff' + b'\0' * 70000,
    }
    for what, data in answers.items():
        fake.ssl_answer = lambda sock, data=data: (sock.sendall(data), time.sleep(0.3))
        began = time.monotonic()
        try:
            Conn.open(target, 'bo', unix=True, timeout=10).close()
            faults.append('%s: taken for a server' % what)
        except ServerError as e:
            if e.fields['S'] != 'FATAL' or e.code[:2] != '08':
                faults.append('%s: %s' % (what, e.fields))
        except (Closed, OSError) as e:
            faults.append('%s: %s' % (what, e or type(e).__name__))
        if time.monotonic() - began > 6:
            faults.append('%s: it took %.1f s' % (what, time.monotonic() - began))
    fake.ssl_answer = lambda sock: time.sleep(8)
    try:
        Conn.open(target, 'bo', unix=True, timeout=10).close()
        faults.append('silence: taken for a server')
    except (ServerError, Closed, OSError) as e:
        if not isinstance(e, ServerError):
            faults.append('silence: %s' % (e or type(e).__name__))
    fake.ssl_answer = None
    wrong = client.serves(target, unix=True)
    if not wrong:
        faults.append('honest: select 7 from the fake should have been 1')
    elif "got [[b'1']]" not in wrong:
        faults.append('an honest server over TLS: %s' % wrong)
    fake.close()
    tap.result(name, faults, '%d answers to SSLRequest' % (len(answers) + 2))


class Watch(client.Watch):
    """As for clients, but backends are the fake's: what matters is descriptors, memory, the process and those who come after."""

    def __init__(self, place):
        self.place, self.stand, self.g, self.target = place, place.stand, place.g, place.target
        self.old = self.bystander()
        for _ in range(10):
            serves_fast(place)
        self.pid, self.rss, self.fds = self.g.role_pid('gate'), self.g.rss(), self.descriptors()
        self.bound = (300 if self.stand.sanitized else 32) << 20

    def bystander(self):
        return Conn.open(self.target, 'anna', params=[('application_name', 'bystander')])

    def faults(self):
        out = []
        if self.g.role_pid('gate') != self.pid:
            out.append('the gate is another process now: %s' % self.g.log_tail())
            self.pid = self.g.role_pid('gate')
        try:
            if self.old.rows('select 1') != [[b'1']]:
                out.append('the bystander gets wrong answers')
        except Exception as e:
            out.append('the bystander lost its session: %s' % e)
            self.old = self.bystander()
        try:
            serves_fast(self.place)
        except Exception as e:
            out.append('a good client is not served: %s' % e)
        end = time.monotonic() + 10
        while self.descriptors() > self.fds + 2 and time.monotonic() < end:
            time.sleep(0.05)
        if self.descriptors() > self.fds + 2:
            out.append('%d descriptors open, %d at the start' % (self.descriptors(), self.fds))
        if self.g.rss() > self.rss + self.bound:
            out.append('memory: %d KiB, %d at the start' % (self.g.rss() >> 10, self.rss >> 10))
        return out


def run(tap, stand, args):
    if args.only and not any('server'.startswith(w) or w.startswith('server') for w in args.only):
        return
    verifier = stand.cluster.psql("select rolpassword from pg_authid where rolname = 'bo'")
    fake = Fake(ports.free_port(), verifier)
    g, target = stand.gate('gs', server_host='127.0.0.1', server_port=str(fake.port), server_tls='off', server_connect_timeout='4s')
    place = Place(stand, g, target, fake, int(stand.cluster.psql("select 'public.customers'::regclass::oid")))
    place.fake_verifier = verifier
    watch = Watch(place)
    for test in (login, messages, lengths, truncated, descriptions, errors, endless, garbage):
        test(tap, place, watch, args)
    tls(tap, place, stand, args)
    watch.old.close()
    if not args.only:
        status, text = g.verify()
        tap.result('server.ledger', [] if status == 0 else [text], 'it verifies after all that')
    fake.close()
