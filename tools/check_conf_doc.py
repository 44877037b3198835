#!/usr/bin/python3
"""The settings in man/gatehouse.conf.5.scd must be those of src/proc/proc_conf.def: same order, type, default, and first sentence (the help).
With --write: puts headings and first lines right, adds what is missing, removes what is gone, and keeps everything else."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "man/gatehouse.conf.5.scd"
ROW = re.compile(r"^PROC_(\w+)\((\w+), (.*)\)$", re.M)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
HEAD = re.compile(r"^\*(\w+)\* =")


def text(literal):
    return re.sub(r"\\(.)", r"\1", literal)


def escaped(s):
    """As scdoc wants plain text."""
    return re.sub(r"([\\*#<>~]|\b_|_\b)", r"\\\1", s)


def settings():
    for kind, name, rest in ROW.findall((TOP / "src/proc/proc_conf.def").read_text(encoding="utf-8")):
        strings = [text(s) for s in STRING.findall(rest)]
        default, told = strings[0], strings[-1]
        if kind in ("NUM", "SIZE"):
            low, high = re.search(r", (\d+), (\d+), ", rest).groups()
            what = f"_number {low} to {high}_" if kind == "NUM" else f"_size {low} to {high} bytes_"
        else:
            what = {"TEXT": "_text_", "PATH": "_path_", "LIST": "_list_", "TIME": "_duration_", "ENUM": ""}[kind]
        if kind == "ENUM":
            what = "|".join(f"*{w}*" for w in strings[1].split(" "))
        head = f"*{name}* = {what}"
        if "(required)" not in told and default != "" and len(default) <= 60:
            head += f" (default: {escaped(default)})"
        elif default != "" and len(default) > 60:
            told += ". Default: " + default.replace(",", ", ")
        yield name, [head, "\t" + escaped(told)]


def entries(section):
    """name -> lines of the entry, from the page's section."""
    found, now = {}, None
    for line in section.split("\n"):
        head = HEAD.match(line)
        if head:
            now = found.setdefault(head[1], [])
        if now is not None and (line.startswith("\t") or head or (line == "" and now)):
            now.append(line)
        elif line.startswith("## "):
            now = None
    for lines in found.values():
        while lines and lines[-1] == "":
            lines.pop()
    return found


def main():
    page = PAGE.read_text(encoding="utf-8")
    before, section, after = re.match(r"(.*^# SETTINGS\n)(.*?)(^# .*)\Z", page, re.M | re.S).groups()
    found, wanted = entries(section), dict(settings())
    if "--write" in sys.argv[1:]:
        for name, lines in wanted.items():
            lines += found.get(name, [])[2:]
        PAGE.write_text(before + "\n" + "\n\n".join("\n".join(lines) for lines in wanted.values()) + "\n\n" + after, encoding="utf-8")
        return 0
    problems = [f"man/gatehouse.conf.5.scd: {n} is missing" for n in wanted if n not in found]
    problems += [f"man/gatehouse.conf.5.scd: there is no setting {n}" for n in found if n not in wanted]
    for name, lines in wanted.items():
        for want, have in zip(lines, found.get(name, lines)):
            if want != have:
                problems.append(f"man/gatehouse.conf.5.scd: {name}: has  {have.strip()}\n    must be  {want.strip()}")
    if not problems and list(found) != list(wanted):
        problems.append("man/gatehouse.conf.5.scd: the settings are in another order than in proc_conf.def")
    print("\n".join(problems + ["tools/check_conf_doc.py --write puts it right"]) if problems else f"conf: {len(wanted)} settings agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
