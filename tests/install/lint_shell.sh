#!/bin/bash
# Runs shellcheck over all scripts, and bashate, as DevStack has it, over its plugin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t scripts < <(git ls-files -- .ci tests devstack | while read -r file; do
    case $(head -c 64 "$file" | head -n 1) in '#!/bin/bash'* | '#!/bin/sh'* | '#!/usr/bin/env bash'*) echo "$file" ;; esac
done)
/usr/bin/shellcheck -x -P tests/cloud/lib "${scripts[@]}" tests/cloud/{lib,services}/*.sh devstack/plugin.sh devstack/lib/firn
/usr/bin/bashate -i E006 devstack/plugin.sh devstack/settings devstack/lib/firn
