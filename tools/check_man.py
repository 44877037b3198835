#!/usr/bin/python3
"""gatehouse(1) and the table of commands must name the same commands and options; gatehouse.conf(5), where it is, the same settings."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def from_table():
    commands, now = {}, None
    for kind, name in re.findall(r'^CLI_(COMMAND|OPTION)\("([^"]+)"', (TOP / "src/cli/cli_commands.def").read_text(encoding="utf-8"), re.M):
        if kind == "COMMAND":
            now = commands.setdefault(name, set())
        else:
            now.add(name)
    return commands


def from_man():
    commands, now = {}, None
    for line in (TOP / "man/gatehouse.1.scd").read_text(encoding="utf-8").split("\n"):
        m = re.match(r"## (.+)$", line)
        if m:
            now = commands.setdefault(m[1].strip().lower(), set())
        elif line.startswith("# "):
            now = None
        elif now is not None and line.startswith("*-"):
            now |= set(re.findall(r"\*--([\w-]+)\*", line))
    return commands


def main():
    table, man = from_table(), from_man()
    problems = [f"man/gatehouse.1.scd: no section on `{c}`" for c in table.keys() - man.keys()]
    problems += [f"man/gatehouse.1.scd: `{c}` is not a command" for c in man.keys() - table.keys()]
    for c in table.keys() & man.keys():
        problems += [f"man/gatehouse.1.scd: {c}: --{o} is missing" for o in sorted(table[c] - man[c])]
        problems += [f"man/gatehouse.1.scd: {c}: there is no --{o}" for o in sorted(man[c] - table[c])]
    conf = TOP / "man/gatehouse.conf.5.scd"
    if conf.exists():
        settings = set(re.findall(r"^PROC_\w+\((\w+),", (TOP / "src/proc/proc_conf.def").read_text(encoding="utf-8"), re.M))
        told = set(re.findall(r"^\*(\w+)\*", conf.read_text(encoding="utf-8"), re.M))
        problems += [f"man/gatehouse.conf.5.scd: {s} is missing" for s in sorted(settings - told)]
        problems += [f"man/gatehouse.conf.5.scd: there is no {s}" for s in sorted(told - settings)]
    print("\n".join(problems) if problems else f"man: {len(table)} commands and their options agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
