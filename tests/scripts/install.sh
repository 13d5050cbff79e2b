#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# make install, make uninstall and dkms, with a kernel that supports Rust: which files are
# installed, that they work there, and that uninstalling leaves nothing.
#
# kernels: host
# needs: taskmon

. "$(dirname "$0")/../lib/results.sh"

cd "$(dirname "$0")/../.." || exit
unset MAKELEVEL MAKEFLAGS MFLAGS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
kernel=$(scripts/kernel x86_64)
release=$(cat "$kernel/include/config/kernel.release")

everything() {
	find "$root" -mindepth 1 | sort
}

# in_machine MODULE: loads it in a virtual machine and prints period_ms.
in_machine() {
	scripts/vm --no-module --share "$scratch" \
		"insmod '$1' && cat /sys/module/taskmonitor/parameters/period_ms && rmmod taskmonitor" 2> "$scratch/log"
}

mkdir -p "$root/usr/local/bin" "$root/lib/modules/$release"
touch "$root/usr/local/bin/other"
before=$(everything)

make --no-print-directory install KDIR="$kernel" DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make install'
share=$root/usr/local/share
module=$(find "$root/lib/modules/$release" -name 'taskmonitor.ko*')
for file in "$root/usr/local/bin/taskmon" "$share/man/man1/taskmon.1" \
	"$share/man/man1/taskmon-record.1" "$share/man/man4/taskmonitor.4" \
	"$share/bash-completion/completions/taskmon" "$share/zsh/site-functions/_taskmon" \
	"$share/fish/vendor_completions.d/taskmon.fish" "$share/doc/taskmonitor/modprobe.conf" "$module"; do
	ok "${file#"$root"} is installed" [ -s "$file" ]
done
is "$(in_machine "$module")" 100 'the installed module can be loaded'
like "$("$root/usr/local/bin/taskmon" --version)" '^taskmon [0-9.]*$' 'the installed program runs'
for page in "$share"/man/man1/*.1; do
	# mandoc prints a bold letter as the letter, a backspace, and the letter again.
	text=$(mandoc -T utf8 "$page" | sed 's/.\x08//g')
	like "$text" 'SYNOPSIS' "$(basename "$page") can be read"
	ok "$(basename "$page") is valid" mandoc -T lint -W error "$page"
done
# shellcheck disable=SC2016
completions=$(bash -c '. "$1" && COMP_WORDS=(taskmon re) COMP_CWORD=1 && _taskmon taskmon re taskmon &&
	echo "${COMPREPLY[*]}"' - "$share/bash-completion/completions/taskmon")
is "$completions" 'record report remove' 'bash completes taskmon re'

make --no-print-directory install KDIR="$kernel" DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make install, again'
is "$(grep -c "$root" "$share/doc/taskmonitor/installed")" 0 'the list of installed files has paths without DESTDIR'
touch "$share/man/man1/other.1"
make --no-print-directory uninstall DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make uninstall'
ok 'make uninstall leaves files of others' [ -e "$share/man/man1/other.1" ]
rm "$share/man/man1/other.1"
rmdir -p "$share/man/man1" 2> /dev/null
is "$(everything)" "$before" 'make uninstall leaves no file of ours'

# Makes the installation fail: a file has the name of a folder.
mkdir "$share"
touch "$share/zsh"
! make --no-print-directory install KDIR="$kernel" DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make install that fails half-way has an error status'
make --no-print-directory uninstall DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make uninstall'
rm "$share/zsh"
rmdir "$share"
is "$(everything)" "$before" 'make uninstall removes what was installed before the failure'
! make --no-print-directory uninstall DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make uninstall without an installation fails'
like "$(cat "$scratch/log")" 'nothing is installed here' 'it says that nothing is installed'

# dkms, with folders of this test instead of the machine's own.
make --no-print-directory dkms DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make dkms'
mkdir -p "$scratch/dkms" "$scratch/modules/$release"
package=taskmonitor/$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
run_dkms() {
	dkms "$1" "$package" -k "$release" --kernelsourcedir "$kernel" \
		--sourcetree "$root/usr/src" --dkmstree "$scratch/dkms" --installtree "$scratch/modules" \
		--no-depmod > "$scratch/log" 2>&1 ||
		{ note "$(tail -n 15 "$scratch/log")" && return 1; }
}
for step in add build install; do
	run_dkms $step
	result $? "dkms $step"
done
module=$(find "$scratch/modules" -name 'taskmonitor.ko*')
is "$(in_machine "$module")" 100 'the module that dkms has installed can be loaded'
dkms remove "$package" --all --sourcetree "$root/usr/src" \
	--dkmstree "$scratch/dkms" --installtree "$scratch/modules" --no-depmod > "$scratch/log" 2>&1
result $? 'dkms remove'
is "$(find "$scratch/modules" -name 'taskmonitor*')" '' 'dkms remove removes the module'

pattern=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"$/\1/p' dkms.conf)
kernels=$(for version in 6.12.1+deb13-amd64 7.1.9 7.2.12+deb13-amd64 7.3.4 7.10.1 8.0.0 10.1.2; do
	echo "$version" | grep -E "$pattern"
done)
is "$(echo "$kernels" | paste -sd ' ')" '7.2.12+deb13-amd64 7.3.4 7.10.1 8.0.0 10.1.2' \
	'dkms builds for the kernels from 7.2 on'

# Kernels that are no good: dkms skips them with status 77, and does not try to build.
required=$(sed -n 's/^required_options=(\(.*\))$/\1/p' scripts/kbuild)
ok 'scripts/kbuild says which options are required' [ -n "$required" ]
other=$scratch/other
mkdir -p "$other/include"
# configure WITHOUT LINE…: a configuration with all options but this one, and these lines.
configure() {
	without=$1
	shift
	for name in RUST $required; do
		[ "$name" = "$without" ] || echo "CONFIG_$name=y"
	done > "$other/.config"
	for line in "$@"; do
		echo "$line" >> "$other/.config"
	done
}
# status_of_dkms RELEASE: prints the exit status of a build for that kernel.
status_of_dkms() {
	dkms build "$package" -k "$1" --kernelsourcedir "$other" --sourcetree "$root/usr/src" \
		--dkmstree "$scratch/dkms" --installtree "$scratch/modules" > "$scratch/log" 2>&1
	echo $?
}
dkms add "$package" --sourcetree "$root/usr/src" --dkmstree "$scratch/dkms" > "$scratch/log" 2>&1
for name in RUST $required; do
	configure "$name"
	is "$(status_of_dkms 7.3.999)" 77 "dkms skips a kernel without CONFIG_$name"
done
configure none CONFIG_VIRT_CPU_ACCOUNTING_NATIVE=y
is "$(status_of_dkms 7.3.999)" 77 'dkms skips a kernel with CONFIG_VIRT_CPU_ACCOUNTING_NATIVE'
configure none
is "$(status_of_dkms 7.1.999)" 77 'dkms skips a kernel before 7.2'
status=$(status_of_dkms 7.3.999)
ok 'dkms tries a kernel with all options' [ "$status" != 77 ]
like "$(cat "$scratch/dkms/$package/build/make.log")" 'no Rust metadata' 'it runs scripts/kbuild for it'
dkms remove "$package" --all --sourcetree "$root/usr/src" --dkmstree "$scratch/dkms" \
	--installtree "$scratch/modules" --no-depmod > "$scratch/log" 2>&1

# The source that dkms has can make the metadata of Debian's kernels. It has all scripts if it
# comes to the download, of a version that never was.
headers=$scratch/headers
mkdir -p "$headers/include/generated" "$headers/include/config"
for name in RUST 64BIT SMP MULTIUSER MODULES MODULE_UNLOAD SYSFS DEBUG_FS SCHEDSTATS; do
	echo "CONFIG_$name=y"
done > "$headers/.config"
echo '#define LINUX_PACKAGE_ID " Debian 7.3.999-1~bpo13+1"' > "$headers/include/generated/package.h"
echo '7.3.999+deb13-amd64' > "$headers/include/config/kernel.release"
message=$(cd "$root/usr/src/taskmonitor-"* &&
	env -u HOME XDG_CACHE_HOME="$scratch/cache" scripts/kbuild "$headers" build/dkms modules 2>&1)
like "$message" 'no archive .*linux-source-7\.3 7\.3\.999-1~bpo13\+1' \
	"dkms: the source can make the metadata of Debian's kernels, without a home folder"
finish
