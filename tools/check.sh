#!/bin/bash
# Everything that must hold of the build in $1: layers, man pages, unit tests, end-to-end tests, the demo. Runs all of them even when one
# fails; the last lines say what failed, the very last is "N passed, N failed". GH_CHECK_LOG: a folder for the parts' full output (default: $1/check).
set -u
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
log=${GH_CHECK_LOG:-$build/check}
mkdir -p "$log"
. tools/part.sh

part layers python3 -B tools/check_layers.py
part man python3 -B tools/check_man.py
part conf python3 -B tools/check_conf_doc.py
part policies python3 -B tools/check_policy_doc.py "$build/src/gatehouse"
part formats python3 -B tools/check_formats.py
part unit meson test -C "$build" --print-errorlogs --no-suite slow
[ -f tests/e2e/run.py ] && part e2e /usr/bin/python3 -B tests/e2e/run.py --binary "$build/src/gatehouse"
[ -f tests/tree/run.py ] && part tree /usr/bin/python3 -B tests/tree/run.py --binary "$build/tests/tree/tree_dump"
[ -f tests/case/run.py ] && part case /usr/bin/python3 -B tests/case/run.py --binary "$build/tests/case/case_drive"
[ -f tests/wire/run.py ] && part wire /usr/bin/python3 -B tests/wire/run.py --binary "$build/src/gatehouse"
[ -f tests/fault/run.py ] && part fault /usr/bin/python3 -B tests/fault/run.py --binary "$build/src/gatehouse"
[ -f tests/budget/run.py ] && part budget /usr/bin/python3 -B tests/budget/run.py --binary "$build/src/gatehouse"
[ -f tests/bypass/run.py ] && part bypass /usr/bin/python3 -B tests/bypass/run.py --binary "$build/src/gatehouse"
part demo /usr/bin/python3 -B tests/demo/demo.py run --gatehouse "$build/src/gatehouse"

finish
