#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `make` for a kernel that cannot have the module: one line that says why and what to
# do. The kernels are made up, the compiler is the real one.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

cd "$(dirname "$0")/../.." || exit
kdir=$(mktemp -d)
trap 'rm -rf "$kdir"' EXIT

# As typed at a prompt, also when it is `make test` that runs this: a make within a
# make signs its messages otherwise.
unset MAKELEVEL MAKEFLAGS MFLAGS

# A build folder that has all that is asked for, as far as one can see from outside.
make_up() {
	rm -rf "$kdir"
	mkdir -p "$kdir/rust"
	touch "$kdir/rust/libkernel.rmeta"
	for name in RUST 64BIT MODULES MODULE_UNLOAD SYSFS DEBUG_FS; do
		echo "CONFIG_$name=y"
	done > "$kdir/.config"
	echo "CONFIG_RUSTC_VERSION_TEXT=\"$1\"" >> "$kdir/.config"
}

# refuses PATTERN NAME: make fails, and says PATTERN in its one line.
refuses() {
	refuses_in . "$kdir" "$@"
}

# refuses_in CHECKOUT KDIR PATTERN NAME
refuses_in() {
	output=$(make --directory "$1" --no-print-directory KDIR="$2" 2>&1)
	status=$?
	shift 2
	said=$(echo "$output" | grep -v '^make: ')
	ok "$2: make fails" [ $status != 0 ]
	is "$(echo "$said" | wc -l)" 1 "$2: one line"
	like "$said" "$1" "$2: says so"
}

make_up 'rustc 1.0.0 (of long ago)'
refuses 'built by rustc 1\.0\.0 .*, but .*rustc.*RUSTC=' 'another compiler'

make_up "$("${RUSTC:-/usr/bin/rustc}" --version)"
rm "$kdir/rust/libkernel.rmeta"
refuses 'no Rust metadata .*install' 'no Rust metadata'

for option in MODULE_UNLOAD DEBUG_FS 64BIT SYSFS; do
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
refuses 'no kernel build folder .*KDIR=' 'no such folder'

# Neither the module's folder nor the kernel's may have a space in its path.
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
