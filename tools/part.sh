# shellcheck shell=bash disable=SC2001
# Sourced by tools/check.sh and .ci/run: runs the parts of a check and says what failed, so that even a reader who is shown only the last
# twenty lines sees which test it was. Needs $log, the folder for the parts' full output.
passed=0 failed=0
failures=''
again=${log:?}/.again   # what failed, once more for the end
: >"$again"

# Lines that say what failed: those of the suites and of meson, cmocka, Python, the compilers and the sanitizers.
faults() {
	grep -aE '^not ok |^ *[0-9]+/[0-9]+ .*(FAIL|TIMEOUT|ERROR)|\[ *(FAILED|ERROR) *\]|^FAILED|(^|[ :])error: |runtime error: |Sanitizer: |Assertion|^[A-Za-z_.]*(Error|Exception|Expired|Interrupt)(: |$)|^demo: |DID NOT HOLD|found something:' "$1" |
		grep -avE '^(ok |#)|\[  PASSED' | awk '!seen[$0]++' | cut -c 1-300
}

# One line worth showing of a part that passed.
summary() {
	grep -aE '^(layers:|man:|conf:|formats:|Ok:|[0-9]+ passed|The story|[0-9]+ (tests?|statements|fuzz targets))' "$1" | tail -n 1
}

# part NAME COMMAND...: quiet when it passes; what failed and then the end of its output when it does not.
part() {
	local name=$1 began=$SECONDS status what
	shift
	"$@" >"$log/$name.log" 2>&1 </dev/null
	status=$?
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		echo "ok     $name ($((SECONDS - began)) s) $(summary "$log/$name.log")"
		return
	fi
	failed=$((failed + 1))
	failures="$failures $name"
	what=$(faults "$log/$name.log" | head -n 15)
	echo "FAILED $name ($((SECONDS - began)) s, status $status), from $log/$name.log:"
	[ -z "$what" ] || sed 's/^/    /' <<<"$what"
	echo "    ... its end:"
	tail -n 15 "$log/$name.log" | cut -c 1-300 | sed 's/^/    /'
	sed "s/^/$name: /" <<<"${what:-status $status, see $log/$name.log}" >>"$again"
}

# The last lines: what failed, and the counts. Its status is that of the whole.
finish() {
	if [ -s "$again" ]; then
		head -n 10 "$again"
		[ "$(wc -l <"$again")" -le 10 ] || echo "... and $(($(wc -l <"$again") - 10)) more lines above"
	fi
	rm -f "$again"
	[ -z "$failures" ] || echo "failed:$failures"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
