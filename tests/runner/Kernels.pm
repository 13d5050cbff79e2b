# SPDX-License-Identifier: GPL-2.0
#
# The kernels of `make matrix`. scripts/kernels has what they are.

package Kernels;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(@matrix expanded is_emulated);

# Those beside the two for which tests are written, and then all.
my @others  = qw(gcc rt debian debian-rt debian-7.2 arm64);
our @matrix = ('uml', 'x86_64', @others, 'in-tree');

# Those that run on this machine's own processor.
my %is_native = map { $_ => 1 } qw(host uml in-tree);

# expanded WORDS…: the names of kernels in a head comment. `matrix` stands for all but uml, x86_64
# and in-tree.
sub expanded {
    return map { $_ eq 'matrix' ? @others : $_ } @_;
}

sub is_emulated {
    my ($kernel) = @_;
    return !$is_native{$kernel};
}

1;
