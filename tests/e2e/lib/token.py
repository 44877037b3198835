"""An issuer of tokens for tests: one Ed25519 key (openssl), a key set of it, and signed tokens (RFC 7515, 8037)."""
import base64
import json
import os
import subprocess
import time


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def write_keys(path, *issuers):
    with open(path, 'w') as f:
        json.dump({'keys': [i.jwk for i in issuers]}, f)


class Issuer:
    def __init__(self, folder, kid='k1'):
        self.key, self.kid = os.path.join(folder, 'issuer-%s.pem' % kid), kid
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', self.key], check=True, capture_output=True)
        der = subprocess.run(['openssl', 'pkey', '-in', self.key, '-pubout', '-outform', 'DER'], check=True, capture_output=True).stdout
        self.jwk = {'kty': 'OKP', 'crv': 'Ed25519', 'x': b64(der[-32:]), 'kid': kid, 'use': 'sig', 'alg': 'EdDSA'}

    def write_keys(self, path):
        write_keys(path, self)

    def token(self, sub, org='North', team='T1', roles=('seen',), life=600, **more):
        now = int(time.time())
        claims = {'iss': 'https://sso.example', 'aud': 'gatehouse', 'sub': sub, 'org': org, 'team': team, 'roles': list(roles), 'iat': now, 'exp': now + life, **more}
        text = b64(json.dumps({'alg': 'EdDSA', 'kid': self.kid, 'typ': 'JWT'}).encode()) + '.' + b64(json.dumps(claims).encode())
        path = self.key + '.%d.in' % os.getpid()
        with open(path, 'w') as f:
            f.write(text)
        done = subprocess.run(['openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', self.key, '-in', path], check=True, capture_output=True)
        os.unlink(path)
        return text + '.' + b64(done.stdout)
