#!/usr/bin/python3
"""Every whole policy in docs/, man/ and etc/ must be one that `gatehouse policy check` takes. Usage: check_policy_doc.py BINARY"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def policies():
    for path in sorted((TOP / "etc").glob("*.gate")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in [TOP / "docs/POLICY.md", TOP / "man/gatehouse-policy.5.scd"]:
        for i, block in enumerate(re.findall(r"^```\n(policy .*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)):
            yield f"{path.name}, policy {i + 1}", block


def main():
    bad = n = 0
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "gatehouse.conf"
        conf.write_text((TOP / "etc/gatehouse.conf").read_text(encoding="utf-8"), encoding="utf-8")
        (Path(folder) / "people.csv").write_text((TOP / "etc/people.csv").read_text(encoding="utf-8"), encoding="utf-8")
        for name, text in policies():
            (Path(folder) / "sample.gate").write_text(text, encoding="utf-8")
            run = subprocess.run([sys.argv[1], "policy", "check", "--offline", "-c", conf], capture_output=True, text=True, check=False)
            n += 1
            if run.returncode != 0:
                bad += 1
                print(f"{name}: {run.stderr.strip() or run.stdout.strip()}")
    print(f"policies in documents: {n - bad} of {n} are well-formed")
    return 1 if bad or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
