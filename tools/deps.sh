#!/bin/sh
# Installs what packages.debian lists. Does nothing (and needs no rights) when all of it is there.
set -eu
cd "$(dirname "$0")/.."
want=''
for p in $(sed 's/#.*//' packages.debian); do
	# A Node.js from elsewhere brings its own npm and conflicts with Debian's: either will do.
	case $p in nodejs) command -v node >/dev/null 2>&1 && continue ;; npm) command -v npm >/dev/null 2>&1 && continue ;; esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || want="$want $p"
done
[ -n "$want" ] || exit 0
echo "installing:$want"
sudo=''
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || { echo "deps: not root and no sudo: ask an administrator to run: apt-get install$want" >&2; exit 1; }
	sudo=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $want
