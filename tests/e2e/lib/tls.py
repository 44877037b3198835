"""Certificates for the tests, made with the openssl command line: one CA, and a leaf per name."""
import os
import secrets
import subprocess


def _openssl(*args):
    done = subprocess.run(['openssl', *args], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError('openssl %s: %s' % (args[0], done.stderr.strip()))


class Authority:
    """A certificate authority in a folder. leaf() returns (certificate path, key path)."""

    def __init__(self, folder, name='gatehouse test CA'):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.cert = os.path.join(folder, 'ca.crt')
        self.key = os.path.join(folder, 'ca.key')
        _openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650',
                 '-sha256', '-subj', '/CN=' + name, '-keyout', self.key, '-out', self.cert)

    def leaf(self, file, cn, san=None, rsa=False):
        base = os.path.join(self.folder, file)
        crt, key, csr, ext = base + '.crt', base + '.key', base + '.csr', base + '.ext'
        kind = ['rsa:2048'] if rsa else ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
        _openssl('req', '-newkey', *kind, '-nodes', '-sha256', '-subj', '/CN=' + cn, '-keyout', key, '-out', csr)
        with open(ext, 'w') as f:
            f.write('basicConstraints=CA:FALSE\n')
            if san:
                f.write('subjectAltName=%s\n' % san)
        # A serial number of its own, at random: a file of serial numbers would be read by one test while another writes it.
        _openssl('x509', '-req', '-in', csr, '-CA', self.cert, '-CAkey', self.key, '-set_serial', '0x' + secrets.token_hex(15), '-days', '3650',
                 '-sha256', '-extfile', ext, '-out', crt)
        os.chmod(key, 0o600)
        return crt, key

    def pkcs8(self, key):
        """The key in DER PKCS#8, as JDBC wants it."""
        out = key + '.pk8'
        _openssl('pkcs8', '-topk8', '-inform', 'PEM', '-outform', 'DER', '-nocrypt', '-in', key, '-out', out)
        return out
