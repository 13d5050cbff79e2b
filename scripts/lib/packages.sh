# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages: which distribution this is, installing packages, and reading a release that
# is not in the system's package lists. Sourced after common.sh.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# os_release NAME: prints that value of /etc/os-release, or nothing. A test names another file.
os_release() {
	sed -n "s/^$1=//p" "${OS_RELEASE:-/etc/os-release}" 2> /dev/null | tr -d '"' || true
}

# Prints the name of this distribution: debian, ubuntu, fedora, arch, …
distribution() {
	os_release ID
}

# Prints the number of this Debian release, or nothing on another distribution.
debian_version() {
	[ "$(distribution)" != debian ] || os_release VERSION_ID
}

# missing_packages PACKAGE…: prints those that are not installed. dpkg-query fails if it
# does not know one of the packages.
missing_packages() {
	local installed package
	installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" \
		2> /dev/null || true)
	for package; do
		grep -qx "installed $package" <<< "$installed" || echo "$package"
	done
}

# install_packages PACKAGE…: installs those that are missing.
install_packages() {
	local missing
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "these packages are missing; as root, run: apt-get install ${missing[*]}"
	# dpkg sets this variable while it holds its lock.
	[ -z "${DPKG_MAINTSCRIPT_PACKAGE:-}" ] ||
		die "these packages are missing, and cannot be installed during another installation; then run: apt-get install ${missing[*]}"
	lock packages
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} = 0 ] || get_packages "${missing[@]}"
	# The scripts that this one calls install packages too.
	unlock
}

# get_packages PACKAGE…: installs them. The lock must be held.
get_packages() {
	say "installing $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >&2 ||
		die "the package lists cannot be updated; these packages are missing: $*"
	apt-get -q -y --no-install-recommends install "$@" >&2 ||
		die "these packages could not be installed: $*"
}

# Prints the packages with Rust's compiler and tools, without those that the user names or
# has. Debian 12's own Rust is too old. Its packages `*-web`, for building browsers, are newer.
rust_packages() {
	local suffix=''
	if [ "$(debian_version)" = 12 ]; then
		suffix=-web
		[ -n "${RUSTC:-}" ] || printf '%s\n' rustc-web rust-web-src rustfmt-web rust-web-clippy
	else
		[ -n "${RUSTC:-}" ] || printf '%s\n' rustc rust-src rustfmt rust-clippy
		[ -n "${BINDGEN:-}" ] || echo bindgen
	fi
	command -v cargo > /dev/null || echo "cargo$suffix"
}

# Prints the mirror that this system uses for its own release. apt does not know the origin
# of an archive whose lists it has never read.
mirror() {
	# These are fields of apt, not variables of the shell.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(SITE)' 'Created-By: Packages' |
		awk -F '|' '$1 ~ /^(Debian|\$\(ORIGIN\)|)$/ && $2 == "main" && $3 !~ /security/ { print $3; exit }'
}

# source_line RELEASE [ARCHITECTURE]: prints the line of a sources.list for that release of
# the mirror.
source_line() {
	local site
	[ -r "$keyring" ] || die "$keyring is missing: install debian-archive-keyring"
	site=$(mirror)
	[ -n "$site" ] || die "apt has no mirror of Debian's archive"
	echo "deb [signed-by=$keyring${2:+ arch=$2}] $site $1 main"
}

# private_apt FOLDER COMMAND…: runs the apt command with the set-up and the package lists in
# that folder. The lists of the system do not change.
private_apt() {
	local folder=$1 tool=$2
	shift 2
	APT_CONFIG=$folder/apt.conf "$tool" -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::Lists="$folder/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Sandbox::User=root -o APT::Get::List-Cleanup=0 "$@"
}

# read_lists FOLDER RELEASE [ARCHITECTURE]: makes that folder, with the package lists of the
# release. Another architecture than the system's takes its place.
read_lists() {
	mkdir -p "$1/lists/partial"
	source_line "$2" "${3:-}" > "$1/sources.list"
	{
		# Lists that a system may have switched on, which are large.
		echo 'Acquire { Languages "none"; IndexTargets::deb::DEP-11::DefaultEnabled "false"; };'
		[ -z "${3:-}" ] || echo "APT { Architecture \"$3\"; Architectures { \"$3\"; }; };"
	} > "$1/apt.conf"
	private_apt "$1" apt-get -q update >&2
}
