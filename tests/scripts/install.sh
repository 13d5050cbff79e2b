#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# make install, make uninstall and dkms, with a kernel that has Rust: what they put
# where, that it works from there, and that nothing is left.
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

# in_machine MODULE: loads it there, and has it show its parameters.
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
	ok "${file#"$root"} is there" [ -s "$file" ]
done
is "$(in_machine "$module")" 100 'the module that was installed can be loaded'
like "$("$root/usr/local/bin/taskmon" --version)" '^taskmon [0-9.]*$' 'the program runs'
for page in "$share"/man/man1/*.1; do
	# Bold is a letter, a step back, and the letter again.
	said=$(mandoc -T utf8 "$page" | sed 's/.\x08//g')
	like "$said" 'SYNOPSIS' "$(basename "$page") can be read"
done
# shellcheck disable=SC2016
completions=$(bash -c '. "$1" && COMP_WORDS=(taskmon re) COMP_CWORD=1 && _taskmon taskmon re taskmon &&
	echo "${COMPREPLY[*]}"' - "$share/bash-completion/completions/taskmon")
is "$completions" 'record remove' 'bash completes taskmon re'

make --no-print-directory install KDIR="$kernel" DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make install, again'
is "$(grep -c "$root" "$share/doc/taskmonitor/installed")" 0 'what is noted is as the target will see it'
touch "$share/man/man1/other.1"
make --no-print-directory uninstall DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make uninstall'
ok 'leaves what is not ours' [ -e "$share/man/man1/other.1" ]
rm "$share/man/man1/other.1"
rmdir -p "$share/man/man1" 2> /dev/null
is "$(everything)" "$before" 'and nothing that is'

# No folder can be made where a file is.
mkdir "$share"
touch "$share/zsh"
! make --no-print-directory install KDIR="$kernel" DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make install, where it fails half-way, says so'
make --no-print-directory uninstall DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make uninstall'
rm "$share/zsh"
rmdir "$share"
is "$(everything)" "$before" 'takes away what was installed until then'
! make --no-print-directory uninstall DESTDIR="$root" > "$scratch/log" 2>&1
result $? 'make uninstall, when nothing is installed, fails'
like "$(cat "$scratch/log")" 'nothing is installed here' 'and says so'

# dkms, with folders of its own, as root of the machine has them elsewhere.
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
is "$(in_machine "$module")" 100 'the module that dkms installed can be loaded'
dkms remove "$package" --all --sourcetree "$root/usr/src" \
	--dkmstree "$scratch/dkms" --installtree "$scratch/modules" --no-depmod > "$scratch/log" 2>&1
result $? 'dkms remove'
is "$(find "$scratch/modules" -name 'taskmonitor*')" '' 'takes it away'
finish
