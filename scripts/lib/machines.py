# SPDX-License-Identifier: GPL-2.0
"""The command lines of the machines that scripts/vm starts, for each kind of kernel."""

import os
import subprocess

READ_ONLY = "readonly=on,multidevs=remap"


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
        *pc(arguments, job), *nine_p("root", "/", READ_ONLY),
        "-kernel", os.path.join(kernel, "arch/x86/boot/bzImage"),
        "-append", " ".join(["rootfstype=9p", *pc_parameters(), "earlyprintk=serial",
                             *nine_p_parameters(), *parameters(arguments, job)]),
    ]


def debian(kernel, arguments, job):
    """A kernel of Debian's. Its initramfs loads 9p and mounts the root folder."""
    root = os.path.realpath(os.path.join(kernel, "root"))
    if os.path.exists(root):
        machine = [*virt(arguments, job), *nine_p("root", root, READ_ONLY)]
        visible = visible_folders(job, root)
        for number, folder in enumerate(visible):
            machine += nine_p(f"visible{number}", folder, READ_ONLY)
        kernel_parameters = ["console=ttyAMA0", f"taskmonitor_visible={','.join(visible)}"]
    else:
        # This processor has RDRAND: without it, perl waits for random numbers for a second.
        machine = [*pc(arguments, job, "max", tcg_for_patched_code()),
                   *nine_p("root", "/", READ_ONLY)]
        kernel_parameters = pc_parameters()
    return [
        *machine,
        "-kernel", os.path.join(kernel, "vmlinuz"), "-initrd", os.path.join(kernel, "initrd"),
        "-append", " ".join([*kernel_parameters, *nine_p_parameters(),
                             *parameters(arguments, job)]),
    ]


def visible_folders(job, root):
    """Returns the folders of the host that are mounted in another root folder.

    Makes the folders there on which these and the shares are mounted."""
    visible = []
    for folder in sorted({job.folder, *job.visible} - {"/"}):
        if not any(folder.startswith(f"{other}/") for other in visible):
            visible.append(folder)
    for folder in (*visible, *job.shares):
        os.makedirs(root + folder, exist_ok=True)
    return visible


def tcg_for_patched_code():
    """Returns the emulator for a kernel that patches its own code while it runs.

    Debian's kernels do (CONFIG_JUMP_LABEL), our own do not. A CPU that QEMU before 8.1 emulates
    in a thread of its own may still run the code from before, which is a breakpoint for a
    moment: "Oops: int3", for example when a tracepoint gets its first probe."""
    version = subprocess.check_output(["qemu-system-x86_64", "--version"], text=True).split()[3]
    is_old = [int(part) for part in version.split(".")[:2]] < [8, 1]
    return "tcg,thread=single" if is_old else "tcg"


def pc(arguments, job, emulated="qemu64", tcg="tcg"):
    """An x86_64 machine, without its root folder and its kernel."""
    processor = ["-accel", tcg, "-cpu", emulated]
    if os.environ.get("KVM") == "1":
        processor = ["-accel", "kvm", "-cpu", "host"]
    terminal = ["-serial", "mon:stdio"] if arguments.interactive else []
    return ["qemu-system-x86_64", *processor, *qemu(arguments, job), *terminal]


def pc_parameters():
    return [
        "console=ttyS0",
        # At boot the kernel counts timer interrupts. It panics ("IO-APIC + timer doesn't
        # work!") if there are too few, which happens when the emulator has to wait for a CPU
        # of the host. Guests of KVM, Hyper-V and VMware skip this check, too.
        "no_timer_check",
    ]


def virt(arguments, job):
    """An arm64 machine, without its root folder and its kernel."""
    terminal = []
    if arguments.interactive:
        # The machine has one serial port only.
        terminal = ["-chardev", "stdio,id=terminal,mux=on,signal=off",
                    "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=terminal"]
    return ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-accel", "tcg",
            *qemu(arguments, job), *terminal]


def qemu(arguments, job):
    """What both machines have: the size, the kernel's log, the shares."""
    options = [
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-smp", str(arguments.cpus), "-m", arguments.memory,
        "-serial", f"file:{job.path('console')}",
    ]
    if arguments.icount:
        # The seed of the random numbers that the machine gives to the kernel.
        options += ["-icount", "shift=0,sleep=off,align=off", "-seed", "1"]
    for number, folder in enumerate(job.shares):
        options += nine_p(f"share{number}", folder, "multidevs=remap")
    return options


def nine_p(tag, folder, options):
    return ["-fsdev", f"local,id={tag},path={folder},security_model=none,{options}",
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def nine_p_parameters():
    return ["root=root", "ro",
            "rootflags=trans=virtio,version=9p2000.L,cache=loose,access=any,msize=262144"]


def parameters(arguments, job):
    """Returns the parameters of every kernel."""
    return ["panic=-1", f"init={job.path('init')}", f"taskmonitor_job={job.folder}",
            *arguments.append]
