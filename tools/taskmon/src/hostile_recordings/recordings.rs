// SPDX-License-Identifier: GPL-2.0

//! Valid recordings: one of each format, and a copy of the module's samples file.

/// A copy of the samples file of a module that does not count waiting time.
pub const PLAIN: &str = "\
pid:7 num:3 : usr 1000 sys 20 time 884683417
pid:7 num:4 : usr 1500 sys 20 time 884783417
pid:7 num:5 : usr 1600 sys 25 time 884883000 exit
pid:7 num:0 : usr 0 sys 0 time 884883001
pid:9 num:0 : usr 0 sys 0 time 884783417
pid:9 num:1 : usr 90000 sys 1 time 884883417
";

pub const FORMAT_1: &str = "\
# taskmon 1
# period_ms 100
# tree 7
# command make -j4
# task 7 make
pid:7 num:0 : usr 0 sys 0 time 10000
pid:7 num:1 : usr 50000 sys 9000 time 110000
pid:7 num:2 : usr 60000 sys 9000 time 120000 exit
# task 8 cc1
pid:8 num:0 : usr 0 sys 0 time 20000
pid:8 num:1 : usr 70000 sys 0 time 120000
";

pub const FORMAT_2: &str = "\
# taskmon 2
# host web1
# kernel 7.3.4
# cpus 4
# boot_id 1f0c
# period_ms 20
# clock 884683400 1796000000000000
# command make -j4
# tree 7
# task pid:7 : id 41 parent 1 root 7 cgroup 2817 started 9000 first 0 next 1 usr 0 sys 0 name sh
# samples 41
pid:7 num:0 : usr 0 sys 0 time 10000
pid:7 num:1 : usr 5000 sys 9000 time 30000
# task pid:8 : id 42 parent 7 root 7 started 10000 first 0 next 1 usr 0 sys 0 name a\\134\\033b
# samples 42
pid:8 num:0 : usr 0 sys 0 time 11000
pid:8 num:1 : usr 19000 sys 0 time 31000
# samples 41
pid:7 num:2 : usr 25000 sys 9000 time 50000
# evicted 42 3
pid:7 num:3 : usr 26000 sys 9000 time 52000 exit
# task pid:7 : id 41 parent 1 started 9000 ended 51000 status 9 first 0 next 4 usr 26000 sys 9000 name make
# samples 42
pid:8 num:5 : usr 39000 sys 0 time 51000
# lost 2
# end incomplete
";

/// As format 2, with waiting time: a long wait that ends, and a sample in which it is not known.
pub const FORMAT_3: &str = "\
# taskmon 3
# cpus 2
# period_ms 20
# command stress
# tree 7
# task pid:7 : id 41 parent 1 root 7 started 9000 first 0 next 1 usr 0 sys 0 wait 0 name sh
# samples 41
pid:7 num:0 : usr 0 sys 0 wait 0 time 10000
pid:7 num:1 : usr 5000 sys 9000 wait 4000 time 30000
# task pid:8 : id 42 parent 7 root 7 started 10000 first 0 next 1 usr 0 sys 0 wait 5 name cc
# samples 42
pid:8 num:0 : usr 0 sys 0 wait 70 time 11000
pid:8 num:1 : usr 100 sys 0 wait 90000000 time 31000
pid:8 num:2 : usr 200 sys 0 time 51000
# samples 41
pid:7 num:2 : usr 5000 sys 9000 wait 24000 time 50000 exit
# end complete
";
