#!/usr/bin/python3
"""Runs the demo and puts what it printed into README.md, between the two marks; the checkout's own path is shortened."""
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- transcript: made by `make readme-transcript` -->\n", "<!-- end of transcript -->"


def main():
    run = subprocess.run([sys.executable, "-B", str(TOP / "tests/demo/demo.py"), "run", *sys.argv[1:]], capture_output=True, text=True)
    if run.returncode != 0:
        sys.stderr.write(run.stdout + run.stderr)
        return run.returncode
    text = run.stdout.replace(str(TOP) + "/", "").replace(str(TOP), ".")
    readme = TOP / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: BEGIN + "```\n$ make demo\n" + text.rstrip() + "\n```\n" + END, old, flags=re.S)
    if new == old:
        print("README.md has no place for the transcript", file=sys.stderr)
        return 1
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
