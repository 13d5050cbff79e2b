# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Chooses the compilers, bindgen and LLVM. Sourced after common.sh and packages.sh.
# find_toolchain exports RUSTC, RUSTFMT, CLIPPY_DRIVER, BINDGEN and a PATH with that LLVM
# first. find_toolchain_of chooses what a kernel was built by.
#
# /usr/bin/rustc is preferred to the compiler on PATH. That may be one of rustup, which
# often lacks the source of `core`, and a kernel build compiles `core` itself.

bindgen_minimum=0.71.1
bindgen_version=0.73.2
llvm_versions=(19 20 21 18)

# What Debian 13 needs, beside GCC, to begin a build of one of its kernels.
debian_13_packages=(
	make gcc rustc rust-src bindgen pahole flex bison bc libelf-dev libssl-dev libc6-dev kmod cpio
	rsync xz-utils perl python3
)

find_llvm() {
	local version
	for version in "${llvm_versions[@]}"; do
		if [ -x "/usr/lib/llvm-$version/bin/clang" ]; then
			export PATH="/usr/lib/llvm-$version/bin:$PATH"
			export LIBCLANG_PATH="/usr/lib/llvm-$version/lib"
			return
		fi
	done
}

find_rust() {
	if [ -z "${RUSTC:-}" ]; then
		RUSTC=/usr/bin/rustc
		[ -x "$RUSTC" ] || RUSTC=$(command -v rustc) || RUSTC=rustc
	fi
	RUSTFMT=${RUSTFMT:-$(dirname "$RUSTC")/rustfmt}
	CLIPPY_DRIVER=${CLIPPY_DRIVER:-$(dirname "$RUSTC")/clippy-driver}
	export RUSTC RUSTFMT CLIPPY_DRIVER
}

bindgen_is_recent() {
	local version
	version=$("$1" --version 2>&1) || return 1
	version_at_least "$bindgen_minimum" "${version##* }"
}

# The distribution's bindgen if it is recent enough, or else the one that scripts/setup
# built.
find_bindgen() {
	if [ -z "${BINDGEN:-}" ]; then
		BINDGEN=$(command -v bindgen || true)
		bindgen_is_recent "$BINDGEN" ||
			BINDGEN=${cache:?}/bindgen-$bindgen_version/bin/bindgen
	fi
	export BINDGEN
}

find_toolchain() {
	find_llvm
	find_rust
	find_bindgen
	# Arguments of each make in a kernel tree.
	# shellcheck disable=SC2034
	toolchain_arguments=(
		"RUSTC=$RUSTC" "HOSTRUSTC=$RUSTC" "RUSTFMT=$RUSTFMT"
		"CLIPPY_DRIVER=$CLIPPY_DRIVER" "BINDGEN=$BINDGEN"
	)
}

# is_version VERSION COMMAND…: succeeds if that compiler has the version.
is_version() {
	local version=$1
	shift
	[ "$("$@" --version 2> /dev/null | head -n 1)" = "$version" ]
}

# use_rustc VERSION: sets RUSTC to an installed compiler with that version, or fails.
use_rustc() {
	local candidate
	for candidate in "$RUSTC" /usr/bin/rustc "$(command -v rustc || true)"; do
		if is_version "$1" "$candidate"; then
			RUSTC=$candidate
			find_toolchain
			return
		fi
	done
	return 1
}

# use_unpacked_debian RUSTC_VERSION FOLDER…: makes the compilers of an unpacked Debian 13
# those to use. They see its files, the checkout, the cache and the named folders.
use_unpacked_debian() {
	local version=$1 root folder
	shift
	root=$("${checkout:?}/scripts/kernels/debian-tools")
	toolchain_prefix=(bwrap --ro-bind "$root" / --proc /proc --dev /dev --tmpfs /tmp)
	for folder in "$checkout" "$cache" "$@"; do
		mkdir -p "$root$folder"
		toolchain_prefix+=(--bind "$folder" "$folder")
	done
	toolchain_prefix+=(--clearenv --setenv PATH /usr/bin:/bin --setenv LC_ALL C)
	toolchain_arguments=()
	is_version "$version" "${toolchain_prefix[@]}" rustc ||
		die "this kernel was built by $version, which Debian 13 does not have: build on the Debian of that kernel"
}

# find_toolchain_of CONFIG FOLDER…: chooses the compilers that the kernel with that
# configuration was built by: its modules must be built by the same ones. Those of Debian 13
# are installed on Debian 13, and unpacked on another Debian. Sets toolchain_prefix, the
# beginning of a command that runs make, and toolchain_arguments, the arguments of make.
# FOLDER… are those that make uses, beside the checkout and the cache.
find_toolchain_of() {
	local config=$1 cc='' cc_version rustc_version debian=''
	shift
	rustc_version=$(option_in "$config" RUSTC_VERSION_TEXT)
	cc_version=$(option_in "$config" CC_VERSION_TEXT)
	[ "$(option_in "$config" CC_IS_GCC)" != y ] || cc=${cc_version%% *}
	# That is the name of GCC in Debian's own kernels, and in no others.
	if [[ $cc_version = *-linux-gnu-gcc-14' (Debian '* ]]; then
		debian=$(debian_version)
	fi
	toolchain_prefix=()
	[ "$debian" != 13 ] ||
		install_packages "${debian_13_packages[@]}" "gcc-14-$(tr _ - <<< "${cc%-gcc-14}")"
	find_toolchain
	if [[ $debian = 12 ]] && ! { is_version "$cc_version" "$cc" && use_rustc "$rustc_version"; }; then
		use_unpacked_debian "$rustc_version" "$@"
	fi
	if [ ${#toolchain_prefix[@]} = 0 ]; then
		use_rustc "$rustc_version" ||
			die "this kernel was built by $rustc_version, but $RUSTC is $("$RUSTC" --version 2>&1 | head -n 1): set RUSTC= to that compiler"
		command -v "$cc" > /dev/null || cc=
	fi
	[ -z "$cc" ] || toolchain_arguments+=("CC=$cc" "CROSS_COMPILE=${cc%gcc*}")
	[ "$(option_in "$config" UML)" != y ] || toolchain_arguments+=(ARCH=um)
	[ "$(option_in "$config" ARM64)" != y ] || toolchain_arguments+=(ARCH=arm64)
	[ "$(option_in "$config" CC_IS_CLANG)" != y ] || toolchain_arguments+=(LLVM=1)
}
