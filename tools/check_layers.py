#!/usr/bin/python3
"""Reads the layer table of src/meson.build and refuses what it does not grant:
  - "../" in an include
  - an include of a component that the file's own component may not use
  - another component's private header (*_int.h)
  - system headers that do I/O in a component that the table calls pure
  - a library's header outside the components that the table (or ALLOW below) grants it
Every "name.h" must belong to the component that its prefix says (base_span.h to base), so that a header cannot change sides."""
import re
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"

# Headers that do I/O, ask the time or start processes: not in a pure component.
IO = {"unistd.h", "fcntl.h", "poll.h", "spawn.h", "netdb.h", "dirent.h", "termios.h", "pthread.h", "signal.h", "stdio.h", "syslog.h", "time.h",
      "dlfcn.h", "sched.h", "threads.h", "aio.h", "ftw.h", "glob.h", "pwd.h", "grp.h", "ifaddrs.h"}
IO_PREFIX = ("sys/", "netinet/", "arpa/", "net/", "linux/")

# Library headers: who may include them. Everything else in <> must be of the C library.
LIBRARY = {
    "libpq-fe.h": {"gate", "cli"},
    "pg_query.h": {"sql"}, "protobuf/": {"sql"}, "protobuf-c/": {"sql"},
    "openssl/": {"base", "wire", "ident"},
    "sodium.h": {"base", "ident"},
    "jansson.h": {"event", "sql", "ident", "cli"},
    "liboath/": {"ident"}, "qrencode.h": {"cli"}, "glib.h": {"base"},
    "microhttpd.h": {"proc"}, "systemd/": {"proc"}, "seccomp.h": {"proc"},
    "libsmartcols/": {"cli"}, "libsmartcols.h": {"cli"},
    "linux/landlock.h": {"proc"}, "linux/seccomp.h": {"proc"}, "linux/filter.h": {"proc"},
}

# Exceptions, each with its reason. A file not named here has none. Tests may print and read the clock (TEST_ALLOW).
ALLOW = {
    "wire/wire_tls.c": ({"fcntl.h"}, "AT_FDCWD, to read certificate files through base_file; the socket itself is OpenSSL's business"),
}
TEST_ALLOW = {"stdio.h", "time.h", "pthread.h", "unistd.h", "fcntl.h", "signal.h", "poll.h", "dirent.h", "sys/socket.h", "sys/stat.h", "sys/types.h",
              "sys/time.h", "sys/wait.h", "sys/mman.h", "sys/resource.h"}
# The time's and memory's types without calls; stdio's snprintf formats into memory.
PURE_OK = {"sys/types.h", "stdio.h"}

ROW = re.compile(r"^\s*\['(\w+)',\s*\[([^\]]*)\],\s*\[[^\]]*\],\s*(true|false)\],", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def table():
    rows = ROW.findall((SRC / "meson.build").read_text(encoding="utf-8"))
    return {name: (set(re.findall(r"'(\w+)'", uses)), pure == "true") for name, uses, pure in rows}


def owner(header, layers, includer):
    """The component whose folder has this header, or the header.in that the build makes it from."""
    homes = [name for name in layers if (SRC / name / header).exists() or (SRC / name / (header + ".in")).exists()]
    if includer in homes:
        return includer
    return homes[0] if homes else None


def check_file(path, component, layers):
    uses, pure = layers[component]
    name = str(path.relative_to(SRC))
    test = path.name.startswith(("test_", "fuzz_"))
    allowed = ALLOW.get(name, (set(), ""))[0] | (TEST_ALLOW if test else set())
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), path.read_text(encoding="utf-8"), flags=re.S)
    for match in INCLUDE.finditer(text):
        kind, header = match[1], match[2]
        where = f"src/{name}:{text.count(chr(10), 0, match.start(1)) + 1}"
        if "../" in header:
            yield f"{where}: {header}: an include does not climb out of its folder"
        elif kind == '"':
            home = owner(header, layers, component)
            if home is None:
                yield f"{where}: {header}: no component has this header"
            elif home != component and home not in uses:
                yield f"{where}: {header}: {component} may not use {home}; src/meson.build grants it {', '.join(sorted(uses)) or 'nothing'}"
            elif home != component and re.search(r"_int\.(h|def)$", header):
                yield f"{where}: {header}: private to {home}"
        else:
            library = next((k for k in LIBRARY if header == k or (k.endswith("/") and header.startswith(k))), None)
            if library and component not in LIBRARY[library]:
                yield f"{where}: <{header}>: only {', '.join(sorted(LIBRARY[library]))} may use it"
            elif pure and header not in allowed and header not in PURE_OK and (header in IO or header.startswith(IO_PREFIX)):
                yield f"{where}: <{header}>: {component} is pure: it does no I/O"


def main():
    layers = table()
    problems, files = [], 0
    if len(layers) < 2:
        problems.append("src/meson.build: the layer table was not found")
    for component in layers:
        for path in sorted((SRC / component).rglob("*")):
            if path.suffix not in (".c", ".h", ".def"):
                continue
            files += 1
            problems += check_file(path, component, layers)
            if path.suffix in (".c", ".h") and not re.match(rf"(test_|fuzz_)?{component}_", path.name):
                problems.append(f"src/{path.relative_to(SRC)}: a file of {component} is named {component}_something")
    order = list(layers)
    for i, name in enumerate(order):
        later = layers[name][0] - set(order[:i])
        if later:
            problems.append(f"src/meson.build: {name} uses {', '.join(sorted(later))}, which do not stand above it")
    for known in {p.name for p in SRC.iterdir() if p.is_dir()} - set(layers):
        problems.append(f"src/{known}: a folder that is not in the layer table")
    print("\n".join(problems) if problems else f"layers: {files} files of {len(layers)} components include what the table grants")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
