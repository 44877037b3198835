#!/usr/bin/python3
"""Checks a ledger with nothing of gatehouse: Python's standard library and the openssl program.

    verify_ledger.py FOLDER VKEY

Recomputes the root from the entry bundles alone (RFC 6962 hashing, C2SP tlog-tiles layout) and checks the checkpoint's Ed25519
signature with `openssl pkeyutl`. Hash tiles are not even looked at. Exit status 0: every entry is what was signed."""
import base64
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")  # DER of "this is an Ed25519 public key", the key follows


def fail(text):
    print("not verified: " + text)
    sys.exit(1)


def parse_vkey(text):
    name, ident, key = text.strip().split("+", 2)
    raw = base64.b64decode(key, validate=True)
    if len(raw) != 33 or raw[0] != 1:
        fail("the key is not an Ed25519 key")
    if hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != ident:
        fail("the key's id does not belong to it")
    return name, bytes.fromhex(ident), raw[1:]


def signature_holds(public, body, signature):
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for name, data in (("key", ED25519_SPKI + public), ("body", body), ("signature", signature)):
            names[name] = str(Path(folder) / name)
            Path(names[name]).write_bytes(data)
        run = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names["key"], "-rawin",
                              "-in", names["body"], "-sigfile", names["signature"]], capture_output=True, check=False)
        return run.returncode == 0


def read_checkpoint(text, name, ident, public):
    end = text.rfind(b"\n\n")
    if end < 0:
        fail("the checkpoint has no signature")
    body, signed = text[:end + 1], False
    for line in text[end + 2:].decode().splitlines():
        dash, signer, data = line.split(" ")
        raw = base64.b64decode(data, validate=True)
        if dash == "\u2014" and signer == name and raw[:4] == ident:
            if not signature_holds(public, body, raw[4:]):
                fail("the checkpoint's signature is wrong")
            signed = True
    if not signed:
        fail("the checkpoint is not signed by this key")
    origin, size, root = body.decode().splitlines()[:3]
    if origin != name:
        fail("the checkpoint belongs to " + origin)
    return int(size), base64.b64decode(root, validate=True)


def bundle_path(index, width):
    groups = []
    rest = index
    while True:
        groups.insert(0, rest % 1000)
        rest //= 1000
        if rest == 0:
            break
    path = "/".join("x%03d" % g for g in groups[:-1]) + ("/" if len(groups) > 1 else "") + "%03d" % groups[-1]
    return "tile/entries/" + path + ("" if width == 256 else ".p/%d" % width)


def entries(folder, size):
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        path = folder / bundle_path(index, width)
        if width < 256 and not path.exists():
            path = folder / bundle_path(index, 256)  # the log has grown since: the full bundle replaced the partial one
        data, at = path.read_bytes(), 0
        for _ in range(width):
            length = int.from_bytes(data[at:at + 2], "big")
            if length == 0 or at + 2 + length > len(data):
                fail("%s is malformed at byte %d" % (path, at))
            yield data[at + 2:at + 2 + length]
            at += 2 + length


def root_of(leaves):
    """The Merkle tree hash, with a stack of complete subtrees (hash, leaves below)."""
    stack = []
    for entry in leaves:
        node, below = hashlib.sha256(b"\0" + entry).digest(), 1
        while stack and stack[-1][1] == below:
            node, below = hashlib.sha256(b"\1" + stack.pop()[0] + node).digest(), below * 2
        stack.append((node, below))
    if not stack:
        return hashlib.sha256(b"").digest()
    node = stack.pop()[0]
    while stack:
        node = hashlib.sha256(b"\1" + stack.pop()[0] + node).digest()
    return node


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        sys.exit(2)
    folder = Path(sys.argv[1])
    name, ident, public = parse_vkey(sys.argv[2])
    size, root = read_checkpoint((folder / "checkpoint").read_bytes(), name, ident, public)
    if root_of(entries(folder, size)) != root:
        fail("the entries do not hash to the signed root")
    print("verified: %d entries of %s, root %s" % (size, name, base64.b64encode(root).decode()))


if __name__ == "__main__":
    main()
