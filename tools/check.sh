#!/bin/bash
# Everything that must hold of the build in $1: layers, man pages, unit tests, end-to-end tests, the demo. Runs all of them even when one
# fails; the last line is "N passed, N failed". GH_CHECK_LOG: a folder for the parts' full output (default: $1/check).
set -u
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
log=${GH_CHECK_LOG:-$build/check}
mkdir -p "$log"
passed=0 failed=0
failures=''

# part NAME COMMAND...: quiet when it passes; the end of its output when it does not.
part() {
	local name=$1 began=$SECONDS status
	shift
	"$@" >"$log/$name.log" 2>&1 </dev/null
	status=$?
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		echo "ok     $name ($((SECONDS - began)) s) $(summary "$log/$name.log")"
	else
		failed=$((failed + 1))
		failures="$failures $name"
		echo "FAILED $name ($((SECONDS - began)) s, status $status); the end of $log/$name.log:"
		tail -n 40 "$log/$name.log" | sed 's/^/    /'
	fi
}

# One line worth showing of a part that passed.
summary() {
	grep -E '^(layers:|man:|conf:|formats:|Ok:|[0-9]+ passed|The story|[0-9]+ (tests?|statements))' "$1" | tail -n 1
}

part layers python3 -B tools/check_layers.py
part man python3 -B tools/check_man.py
part conf python3 -B tools/check_conf_doc.py
part formats python3 -B tools/check_formats.py
part unit meson test -C "$build" --print-errorlogs --no-suite slow
[ -f tests/e2e/run.py ] && part e2e /usr/bin/python3 -B tests/e2e/run.py --binary "$build/src/gatehouse"
[ -f tests/wire/run.py ] && part wire /usr/bin/python3 -B tests/wire/run.py --binary "$build/src/gatehouse"
[ -f tests/fault/run.py ] && part fault /usr/bin/python3 -B tests/fault/run.py --binary "$build/src/gatehouse"
part demo /usr/bin/python3 -B tests/demo/demo.py run --gatehouse "$build/src/gatehouse"

[ -z "$failures" ] || echo "failed:$failures"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
