"""Free TCP ports out of one range, so that runs beside each other and other servers are not disturbed."""
import os
import socket

FIRST = int(os.environ.get('GATEHOUSE_E2E_PORTS', '7300'))
_given = set()


def free_port():
    """A port nobody listens on now and that this process has not handed out. Children that fork later pass `start`."""
    start = os.getpid() % 40 + 40 if _child else 0
    for i in range(100):
        port = FIRST + (start + i) % 100
        if port in _given:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError('no free port in %d-%d' % (FIRST, FIRST + 99))


_child = False


def in_child():
    """Called in the process of one test: its ports come from another part of the range than the shared servers'."""
    global _child
    _child = True


def is_child():
    """In a test's process: what it starts stays in its process group, so that it ends with it."""
    return _child
