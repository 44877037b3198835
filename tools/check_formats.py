#!/usr/bin/python3
"""The table of fields in docs/FORMATS.md must be the one of src/event/event_fields.def: same fields, order, types, ceilings, meanings.
With --print: prints the table's rows as they must be."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TYPES = {"KIND": "string", "TIME": "string", "TEXT": "string", "LONG": "string", "NUM": "number", "NUM32": "number, 32 bits", "BOOL": "`true`",
         "LIST": "array of strings", "KEYS": "array of strings", "WORD": "string", "MARKS": "string"}
CEILING = {"TEXT", "LONG", "LIST", "KEYS"}
ALWAYS = {"0": "", "EVENT_IN_ALL": "all", "EVENT_IN_ROWS": "read, write"}
FIELD = re.compile(r'^EVENT_FIELD\((\w+),\s*(\w+),\s*\w+,\s*(\d+),\s*(\w+),\s*"([^"]*)"\)', re.M)


def wanted():
    text = (TOP / "src/event/event_fields.def").read_text(encoding="utf-8")
    return [f"| `{name}` | {TYPES[kind]} | {format(int(ceiling), ',') if kind in CEILING else ''} | {ALWAYS[always]} | {meaning} |".replace("|  |", "| |")
            .replace("|  |", "| |") for kind, name, ceiling, always, meaning in FIELD.findall(text)]


def main():
    rows = wanted()
    if "--print" in sys.argv[1:]:
        print("\n".join(rows))
        return 0
    doc = (TOP / "docs/FORMATS.md").read_text(encoding="utf-8")
    section = re.search(r"^## Ledger entry\n(.*?)(?=^## |\Z)", doc, re.M | re.S)
    found = [line for line in section[1].split("\n") if line.startswith("| `") and not line.startswith("| `v`")] if section else []
    problems = [f"docs/FORMATS.md, Ledger entry: missing: {row}" for row in rows if row not in found]
    problems += [f"docs/FORMATS.md, Ledger entry: not in event_fields.def: {row}" for row in found if row not in rows]
    if not problems and rows != found:
        problems.append("docs/FORMATS.md, Ledger entry: the fields are in another order than in event_fields.def")
    print("\n".join(problems) if problems else f"formats: {len(rows)} fields of an entry agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
