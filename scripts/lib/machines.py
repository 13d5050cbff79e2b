# SPDX-License-Identifier: GPL-2.0
"""The command lines of the machines that scripts/vm starts, for each kind of kernel."""

import os

NINE_P = "trans=virtio,version=9p2000.L,cache=loose,access=any,msize=262144"


def command_line(kernel, arguments, job, console):
    """Returns the command that boots the kernel of this build folder.

    The console is the descriptor of a file for the kernel's log."""
    if os.path.exists(os.path.join(kernel, "linux")):
        return uml(kernel, arguments, job, console)
    if os.path.exists(os.path.join(kernel, "vmlinuz")):
        return debian(kernel, arguments, job)
    return own(kernel, arguments, job)


def uml(kernel, arguments, job, console):
    """User-mode Linux."""
    return [
        os.path.join(kernel, "linux"),
        # Turns off the per-CPU lists of free objects. These can keep pointers to allocated
        # objects, which kmemleak then does not report: it found 0 of 50 leaked objects, and
        # finds all 50 with this option.
        "slab_debug=F",
        f"mem={arguments.memory}", "seccomp=on", f"ncpus={arguments.cpus}", "noreboot",
        f"uml_dir={job.folder}/", "umid=machine",
        "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
        "con=null", f"con0=null,fd:{console}", "con1=fd:0,fd:1",
        *parameters(arguments, job),
    ]


def own(kernel, arguments, job):
    """A kernel of our own for x86_64, which mounts its root folder by itself."""
    return [
        *qemu(arguments, job),
        "-kernel", os.path.join(kernel, "arch/x86/boot/bzImage"),
        "-append", " ".join(["rootfstype=9p", "earlyprintk=serial",
                             *qemu_parameters(arguments, job)]),
    ]


def debian(kernel, arguments, job):
    """A kernel of Debian's. Its initramfs loads 9p and mounts the root folder."""
    return [
        *qemu(arguments, job),
        "-kernel", os.path.join(kernel, "vmlinuz"), "-initrd", os.path.join(kernel, "initrd"),
        "-append", " ".join(qemu_parameters(arguments, job)),
    ]


def qemu(arguments, job):
    accelerator = "kvm" if os.environ.get("KVM") == "1" else "tcg"
    command = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
        "-display", "none", "-accel", accelerator,
        "-smp", str(arguments.cpus), "-m", arguments.memory,
        "-serial", f"file:{job.path('console')}",
    ]
    if accelerator == "kvm":
        command += ["-cpu", "host"]
    if arguments.icount:
        command += ["-icount", "shift=0,sleep=off,align=off"]
    if arguments.interactive:
        command += ["-serial", "mon:stdio"]
    command += nine_p("root", "/", "readonly=on,multidevs=remap")
    for number, folder in enumerate(job.shares):
        command += nine_p(f"share{number}", folder, "multidevs=remap")
    return command


def nine_p(tag, folder, options):
    return ["-fsdev", f"local,id={tag},path={folder},security_model=none,{options}",
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def qemu_parameters(arguments, job):
    return [
        "root=root", "ro", f"rootflags={NINE_P}", "console=ttyS0",
        # At boot the kernel counts timer interrupts. It panics ("IO-APIC + timer doesn't
        # work!") if there are too few, which happens when the emulator has to wait for a CPU
        # of the host. Guests of KVM, Hyper-V and VMware skip this check, too.
        "no_timer_check",
        *parameters(arguments, job),
    ]


def parameters(arguments, job):
    """Returns the parameters of every kernel."""
    return ["panic=-1", f"init={job.path('init')}", f"taskmonitor_job={job.folder}",
            *arguments.append]
