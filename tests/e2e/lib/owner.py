"""The unprivileged user that servers run as: initdb refuses root. Not root: ourselves."""
import os
import pwd
import shutil


def owner():
    """(uid, gid) to run servers as, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ('postgres', 'nobody'):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    raise RuntimeError('root, and no user postgres or nobody to run the server as')


def popen_as():
    """Keyword arguments for subprocess that drop to owner()."""
    who = owner()
    return {} if who is None else {'user': who[0], 'group': who[1], 'extra_groups': []}


def give(path):
    """Hands a file or a whole folder to owner()."""
    who = owner()
    if who is None:
        return
    shutil.chown(path, *who)
    for top, folders, files in os.walk(path):
        for name in folders + files:
            os.chown(os.path.join(top, name), *who, follow_symlinks=False)
