# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the scripts: folders, messages, locks. Sourced, not run.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Some services have no home folder.
[ -n "${HOME:-}" ] || XDG_CACHE_HOME=${XDG_CACHE_HOME:-/var/cache}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/taskmonitor
export checkout cache

say() {
	printf 'taskmonitor: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# lock NAME: takes the lock of that name. The script holds it until it ends, or unlocks it.
lock() {
	mkdir -p "$cache/locks"
	exec {lock_fd}> "$cache/locks/$1"
	flock --nonblock "$lock_fd" && return
	say "waiting for another process that prepares $1"
	flock "$lock_fd"
}

# Releases the lock that was taken last, also where a daemon has inherited it.
unlock() {
	flock --unlock "$lock_fd"
	exec {lock_fd}>&-
}

# module_sources: prints the paths of the module's Rust source: the files at the root and
# the folders with their submodules.
module_sources() {
	local file
	for file in "$checkout"/*.rs; do
		echo "$file"
		[ ! -d "${file%.rs}" ] || echo "${file%.rs}"
	done
	for file in "$checkout"/*/mod.rs; do
		[ ! -e "$file" ] || dirname "$file"
	done
}

# option_in CONFIG NAME: prints the value of the option in that kernel configuration, or
# nothing if it is off.
option_in() {
	sed -n "s/^CONFIG_$2=//p" "$1" | tr -d '"'
}

# note FILE KEYWORD: prints the value of the comment "# KEYWORD: …" in a file of
# scripts/kernels.
note() {
	sed -n "s/^# $2: //p" "$checkout/scripts/kernels/$1"
}

# version_at_least MINIMUM VERSION: succeeds if the version is not older.
version_at_least() {
	printf '%s\n%s\n' "$1" "$2" | sort --check=quiet --version-sort
}

# fingerprint: prints a short hash of its input.
fingerprint() {
	sha256sum | cut -c 1-12
}
