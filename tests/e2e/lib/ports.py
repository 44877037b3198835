"""Free TCP ports out of one range, so that runs beside each other and other servers are not disturbed."""
import os
import socket

FIRST = int(os.environ.get('GATEHOUSE_E2E_PORTS', '7300'))
claims = None  # a folder with one file per port in use: tests run beside each other


def free_port():
    """A port that nobody listens on and no other test of this run has been given."""
    for port in range(FIRST, FIRST + 100):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        try:
            with open(os.path.join(claims, str(port)), 'x') as f:
                f.write(str(os.getpid()))
        except FileExistsError:
            continue
        return port
    raise RuntimeError('no free port in %d-%d' % (FIRST, FIRST + 99))


def release(pid):
    """The ports of a test's process, once it has ended."""
    for name in os.listdir(claims):
        path = os.path.join(claims, name)
        with open(path) as f:
            if f.read() == str(pid):
                os.unlink(path)


_child = False


def in_child():
    """Called in the process of one test."""
    global _child
    _child = True


def is_child():
    """In a test's process: what it starts stays in its process group, so that it ends with it."""
    return _child
