# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Programs that tests need and that are not installed, because Debian's package would start a
# server. Sourced after common.sh.

# unpacked_program NAME PATH PACKAGE: prints the path of the program. If it is not installed, that
# is a copy in build/, which the virtual machines can read. The program has that PATH in Debian's
# package, whose name the function PACKAGE prints. The package is unpacked in the cache.
unpacked_program() {
	local copy=${checkout:?}/build/$1
	command -v "$1" && return
	if [ ! -x "$copy" ]; then
		[ -x "${cache:?}/$1" ] || fetch_program "$@"
		mkdir -p "$checkout/build"
		cp "$cache/$1" "$copy.new"
		mv "$copy.new" "$copy"
	fi
	echo "$copy"
}

fetch_program() {
	lock "$1"
	[ ! -x "$cache/$1" ] || return 0
	work=$(mktemp -d "$cache/$1.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	say "downloading $1"
	download_package "$3" || { apt-get -q update >&2 && download_package "$3"; } ||
		die "Debian's package of $1 cannot be downloaded: install $1"
	dpkg-deb --extract "$work"/*.deb "$work/unpacked"
	mv "$work/unpacked/$2" "$cache/$1"
}

# Fails if there are no package lists.
download_package() {
	local package
	package=$("$1")
	(cd "$work" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2)
}
