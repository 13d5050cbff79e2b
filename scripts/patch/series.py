# SPDX-License-Identifier: GPL-2.0
"""The patches of the series, in their order, and what each of them adds.

The texts are in messages/: a file for each patch, with its number and the patch's name.
"""

import dataclasses

import documents
import kernel_tree
import selftests


@dataclasses.dataclass(frozen=True)
class Patch:
    name: str
    # The wrappers of abstractions/ and the Rust modules that it adds.
    wrappers: tuple = ()
    modules: tuple = ()
    # Functions of the kernel's tree that make the rest of its changes.
    changes: tuple = ()
    # What MAINTAINERS names from this patch on.
    maintained: tuple = ()


PATCHES = (
    Patch("memory", changes=(kernel_tree.add_folder,),
          wrappers=("barrier", "read_once", "slab", "list")),
    Patch("cpu-time",
          wrappers=("capability", "clock", "seqlock", "pid", "upid", "process_tree", "signal", "exit", "run_delay",
                    "cputime", "task_identity", "exit_notice", "layout")),
    Patch("callbacks",
          wrappers=("this_module", "kthread", "wait_queue", "delayed_work", "shrinker", "tracepoint", "param",
                    "sysfs", "seq_file", "write_data", "debugfs_file")),
    Patch("codec", modules=("params", "codec", "text")),
    Patch("samples", modules=("sample_cache", "schedule")),
    Patch("targets", modules=("targets",)),
    Patch("recorder", modules=("recorder",)),
    Patch("sampler", modules=("sampler", "shrinker", "stats", "control")),
    Patch("files", modules=("sysfs", "debugfs", "tasks")),
    Patch("documentation", changes=(documents.add_document, kernel_tree.hook_up_document),
          maintained=(kernel_tree.DOCUMENT,)),
    Patch("abi", changes=(documents.add_abi,),
          maintained=tuple(f"{kernel_tree.ABI}/{name}" for name in documents.ABI_FILES)),
    Patch("selftests", changes=(selftests.add, kernel_tree.hook_up_selftests),
          maintained=(f"{kernel_tree.SELFTESTS}/",)),
)
