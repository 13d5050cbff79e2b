# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Chooses the compiler, bindgen and LLVM. Sourced after common.sh. find_toolchain exports
# RUSTC, RUSTFMT, CLIPPY_DRIVER, BINDGEN and a PATH with that LLVM first.
#
# /usr/bin/rustc is preferred to the compiler on PATH. That may be one of rustup, which
# often lacks the source of `core`, and a kernel build compiles `core` itself.

bindgen_minimum=0.71.1
bindgen_version=0.73.2
llvm_versions=(19 20 21 18)

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
