#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `make` for a kernel for which the module cannot be built: one line says why, and what to
# do. The kernel's build folders are made here; the compiler is the real one.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

cd "$(dirname "$0")/../.." || exit
kdir=$(mktemp -d)
trap 'rm -rf "$kdir"' EXIT

# As at a prompt, also if `make test` runs this: within a make, another make prints its
# level in its messages.
unset MAKELEVEL MAKEFLAGS MFLAGS

# make_up RUSTC_VERSION: makes a build folder that meets all requirements.
make_up() {
	rm -rf "$kdir"
	mkdir -p "$kdir/rust"
	touch "$kdir/rust/libkernel.rmeta"
	for name in RUST 64BIT SMP MULTIUSER MODULES MODULE_UNLOAD SYSFS DEBUG_FS SCHEDSTATS; do
		echo "CONFIG_$name=y"
	done > "$kdir/.config"
	echo "CONFIG_RUSTC_VERSION_TEXT=\"$1\"" >> "$kdir/.config"
}

# refuses PATTERN NAME: make fails, and its one line matches PATTERN.
refuses() {
	refuses_in . "$kdir" "$@"
}

# refuses_in CHECKOUT KDIR PATTERN NAME
refuses_in() {
	output=$(make --directory "$1" --no-print-directory KDIR="$2" 2>&1)
	status=$?
	shift 2
	message=$(echo "$output" | grep -v '^make: ')
	ok "$2: make fails" [ $status != 0 ]
	is "$(echo "$message" | wc -l)" 1 "$2: one line"
	like "$message" "$1" "$2: the line says so"
}

make_up 'rustc 1.0.0 (of long ago)'
refuses 'built by rustc 1\.0\.0 .*, but .*rustc.*RUSTC=' 'another compiler'

make_up "$("${RUSTC:-/usr/bin/rustc}" --version)"
rm "$kdir/rust/libkernel.rmeta"
refuses 'no Rust metadata .*install' 'no Rust metadata'

# Headers of a version of Debian's kernel that never was: their metadata cannot be made.
debian_headers() {
	make_up 'rustc 1.85.1 (4eb161250 2025-03-15) (built from a source tarball)'
	rm "$kdir/rust/libkernel.rmeta"
	mkdir -p "$kdir/include/generated" "$kdir/include/config"
	echo "#define LINUX_PACKAGE_ID \" Debian $1\"" > "$kdir/include/generated/package.h"
	echo "${1%%-*}+deb13-amd64" > "$kdir/include/config/kernel.release"
}

debian_headers '7.3.999-1~bpo13+1'
message=$(make --no-print-directory KDIR="$kdir" 2>&1)
ok "Debian's headers without their source: make fails" [ $? != 0 ]
like "$message" '^taskmonitor: no archive .*linux-source-7\.3 7\.3\.999-1~bpo13\+1.* is there now.*upgrade.*KSRC=' \
	"Debian's headers without their source: a line says so"
is "$(ls -d "$kdir"/*.ko 2> /dev/null)" '' 'nothing is built'

debian_headers '7.3.4-1~bpo13+1'
mkdir -p "$kdir/source/rust/kernel"
touch "$kdir/source/rust/kernel/lib.rs"
printf 'kernelversion:\n\t@echo 7.1.2\n' > "$kdir/source/Makefile"
output=$(KSRC="$kdir/source" make --no-print-directory KDIR="$kdir" 2>&1)
like "$output" 'source of Linux 7\.1\.2, but the headers are those of Linux 7\.3\.4\+deb13-amd64.*KSRC=' \
	'KSRC= of another version'

debian_headers '7.1.2-1'
refuses 'is Linux 7\.1\.2\+deb13-amd64: the module needs Linux 7\.2 or newer' 'an older kernel'

# The hints depend on the distribution.
hint() {
	printf 'ID=%s\nVERSION_ID=%s\n' "$1" "$2" > "$kdir/os-release"
	OS_RELEASE="$kdir/os-release" make --no-print-directory KDIR="$kdir" 2>&1
}

make_up 'any'
rm "$kdir/rust/libkernel.rmeta"
mkdir -p "$kdir/include/config"
echo 7.3.9-20-generic > "$kdir/include/config/kernel.release"
like "$(hint ubuntu 26.04)" 'install linux-lib-rust-7\.3\.9-20-generic$' 'no Rust metadata on Ubuntu'
like "$(hint fedora 44)" 'install kernel-devel-7\.3\.9-20-generic$' 'no Rust metadata on Fedora'
like "$(hint arch '')" 'install linux-headers$' 'no Rust metadata on Arch'
sed -i 's/^CONFIG_RUST=y//' "$kdir/.config"
like "$(hint debian 13)" 'apt-get install -t trixie-backports linux-image-amd64 linux-headers-amd64, and reboot' \
	'no Rust on Debian 13'
like "$(hint arch '')" 'without CONFIG_RUST: it needs CONFIG_RUST=y' 'no Rust elsewhere'

for option in 64BIT SMP MULTIUSER MODULES MODULE_UNLOAD SYSFS DEBUG_FS SCHEDSTATS; do
	make_up 'any'
	sed -i "s/^CONFIG_$option=y/# CONFIG_$option is not set/" "$kdir/.config"
	refuses "lacks options .*: CONFIG_$option; build" "no $option"
done

make_up 'any'
sed -i 's/^CONFIG_RUST=y/# CONFIG_RUST is not set/' "$kdir/.config"
refuses 'without CONFIG_RUST: it needs' 'no Rust'

make_up 'any'
echo 'CONFIG_VIRT_CPU_ACCOUNTING_NATIVE=y' >> "$kdir/.config"
refuses 'accounts CPU time natively.*VIRT_CPU_ACCOUNTING_GEN' 'native accounting'

rm "$kdir/.config"
refuses 'not the build folder of a configured kernel' 'not configured'

rm -rf "$kdir"
refuses 'no kernel build folder .*KVER= or KDIR=' 'no such folder'

# The paths of the checkout and of the kernel's folder may have no space.
make_up 'any'
spaced=$kdir/of\ a\ kernel
mkdir "$spaced"
cp -R "$kdir/.config" "$kdir/rust" "$spaced"
refuses_in . "$spaced" 'does not support a space.* in a path: move .*/of a kernel$' 'a space in KDIR'
checkout="$kdir/a checkout"
mkdir "$checkout"
cp -R Makefile Kbuild scripts "$checkout"
refuses_in "$checkout" "$kdir" 'does not support a space.* in a path: move .*/a checkout$' \
	'a space in the path of the checkout'
finish
