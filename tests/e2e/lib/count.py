"""A database, people and a gate of its own for the tests of budgets, reasons, tokens and step-up: count.gate, count.csv, count.sql."""
import contextlib
import os

from . import gate, owner, ports, token
from .env import Target

HERE = gate.HERE


def password(role):
    return 'crm-Secret-6' if role == 'crm' else role + '-Secret'


class Stand:
    """cluster: a copy of the template that only this test uses, because roles are the cluster's."""

    def __init__(self, env, name, policy=None, sql=None, **settings):
        self.env, self.folder = env, os.path.join(env.folder, 'count-' + name)
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o755)
        self.cluster = env.template.copy(os.path.join(self.folder, 'pg'), ports.free_port())
        self.cluster.start()
        self.cluster.psql('', file=os.path.join(HERE, 'count.sql'))
        if sql:
            self.cluster.psql('', file=sql)
        path = policy or os.path.join(HERE, 'count.gate')
        self.gate = gate.Gate(os.path.join(self.folder, 'gate'), env.binary, self.cluster, ports.free_port(), env.authority,
                              {'server_host': self.cluster.sockdir, 'server_tls': 'off', 'otp': 'otp.secrets', **settings}, policy=path, people=os.path.join(HERE, 'count.csv'))
        self.issuer = token.Issuer(self.folder)
        self.issuer.write_keys(os.path.join(self.gate.folder, 'crm.jwks'))
        owner.give(os.path.join(self.gate.folder, 'crm.jwks'))
        self.gate.start()
        self.target = Target(self.gate.port, self.gate.sockdir, env.authority.cert, gate=self.gate)

    def dsn(self, role, **more):
        return self.target.dsn(role, password(role), unix=True, **more)

    def stop(self):
        with contextlib.suppress(RuntimeError):
            self.gate.stop()
        self.cluster.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
