# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts share: messages, and where things lie. Sourced, not run.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/taskmonitor
export checkout cache

say() {
	printf 'taskmonitor: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# lock NAME: one at a time for what NAME names, until this script ends.
lock() {
	mkdir -p "$cache/locks"
	exec {lock_fd}> "$cache/locks/$1"
	flock --nonblock "$lock_fd" && return
	say "waiting for another run that prepares $1"
	flock "$lock_fd"
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

# version_at_least MINIMUM VERSION
version_at_least() {
	printf '%s\n%s\n' "$1" "$2" | sort --check=quiet --version-sort
}

# fingerprint: a short name for what comes in on stdin.
fingerprint() {
	sha256sum | cut -c 1-12
}
