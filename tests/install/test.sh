#!/bin/bash
# Runs every check and test; each runs even when an earlier one failed.
# The last line is the tally: 'N passed, N failed'.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 failures=()

check() {
    local name=$1 begin=$SECONDS
    shift
    if "$@"; then
        passed=$((passed + 1))
        printf 'ok      %s (%d s)\n' "$name" $((SECONDS - begin))
    else
        failed=$((failed + 1))
        failures+=("$name")
        printf 'FAILED  %s (%d s)\n' "$name" $((SECONDS - begin))
    fi
}

# The number before a word in nextest's summary; 0 when it is not there.
count() { sed -n "s/.*[ :]\([0-9]\+\) $1.*/\1/p" <<<"$2" | grep . || echo 0; }

# The servers that the tests share; see tests/ground.
ground=(env PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" -m ground run
    "rabbitmq,mariadb,postgresql,keystone,ceph" --)

# Counts each test, where `check` would count the run as one.
run_tests() {
    local begin=$SECONDS status summary good bad
    # First without the servers: they would only take memory from the compiler.
    cargo nextest run --workspace --locked --no-run --cargo-quiet || true
    "${ground[@]}" cargo nextest run --workspace --locked --no-fail-fast --color never \
        --status-level fail --final-status-level fail --hide-progress-bar 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    summary=$(grep 'Summary \[' "$log" | tail -n 1)
    good=$(count passed "$summary")
    bad=$(($(count failed "$summary") + $(count 'timed out' "$summary")))
    # A run that built nothing or ran nothing has failed too.
    if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$good" = 0 ]; }; then
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$bad" = 0 ] || failures+=('tests')
    printf '%d tests passed, %d failed (%d s)\n' "$good" "$bad" $((SECONDS - begin))
}

check 'cargo fmt' cargo fmt --all --check
check 'clippy, warnings denied' \
    cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
check 'shell scripts' tests/install/lint_shell.sh
check 'tests of demo and bench' \
    env PYTHONPATH=tests "${PYTHON:-python3}" -m unittest --quiet harness.test_compare harness.test_ground
run_tests

[ "$failed" = 0 ] || printf 'failed: %s\n' "${failures[*]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
