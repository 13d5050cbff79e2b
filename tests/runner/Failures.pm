# SPDX-License-Identifier: GPL-2.0
#
# Keeps what failed runs of tests/run printed, and reports it in a few lines. The next run
# does not overwrite it. A report of a sanitizer is found by tests/runner/in-machine, which makes
# it a failed result of the test.

package Failures;

use strict;
use warnings;

use Exporter qw(import);
use File::Copy qw(copy);
use File::Path qw(make_path);
use List::Util qw(max min);

our @EXPORT_OK = qw(keep report);

my $folder   = 'build/tests/failed';
my $kept_max = 20;

# A report has at most 50 lines, of that many characters.
my $results_max = 8;
my $notes_max   = 16;
my $end_max     = 8;
my $line_max    = 200;

# kept_runs: [number, path without suffix] of each kept run, oldest first.
sub kept_runs {
    my @kept = map { m{^(.*-(\d+))\.tap$} ? [$2, $1] : () } glob "$folder/*.tap";
    return sort { $a->[0] <=> $b->[0] } @kept;
}

# keep RUN: copies what the run printed, and removes the oldest such copies. Returns the
# path of the new one, without suffix.
sub keep {
    my ($run) = @_;
    make_path($folder);
    my @kept = kept_runs();
    my $number = @kept ? $kept[-1][0] + 1 : 1;
    my $kept = "$folder/" . ($run =~ s{/}{-}gr) . "-$number";
    for my $suffix ('tap', 'err') {
        copy("build/tests/$run.$suffix", "$kept.$suffix") or warn "$kept.$suffix: $!\n";
    }
    while (@kept >= $kept_max) {
        my $oldest = (shift @kept)->[1];
        unlink "$oldest.tap", "$oldest.err";
    }
    return $kept;
}

sub lines_of {
    my ($file) = @_;
    open my $lines, '<', $file or return "$file: $!";
    chomp(my @lines = <$lines>);
    return @lines;
}

# first_of COUNT LINES…: at most the first COUNT lines, and how many more there are.
sub first_of {
    my ($count, @lines) = @_;
    return @lines if @lines <= $count;
    return (@lines[0 .. $count - 1], '… and ' . (@lines - $count) . ' more');
}

# last_of COUNT LINES…: at most the last COUNT lines, and how many more there are.
sub last_of {
    my ($count, @lines) = @_;
    return @lines if @lines <= $count;
    return ('… after ' . (@lines - $count) . ' more', @lines[-$count .. -1]);
}

# failed_results LINES…: a list for each failed result (not TODO or SKIP): its line, and
# the notes that follow it.
sub failed_results {
    my (@results, $is_failed);
    for (@_) {
        if (/^\s*(not )?ok\b/) {
            $is_failed = $1 && !/# (?:TODO|SKIP)\b/i;
            push @results, [$_] if $is_failed;
        } elsif ($is_failed && /^\s*#/) {
            push @{ $results[-1] }, $_;
        }
    }
    return @results;
}

# end_of PARSER: exit status or signal, and the number of results.
sub end_of {
    my ($parser) = @_;
    my $signal = $parser->wait & 127;
    my $end = $signal ? "signal $signal" : 'exit status ' . $parser->exit;
    my $ran = $parser->tests_run;
    my $plan = $parser->tests_planned // 'no';
    return "$end; $ran results, $plan planned";
}

# report RUN PARSER KEPT: the report of a failed run, as text. KEPT is the path of its
# output, without suffix.
sub report {
    my ($run, $parser, $kept) = @_;
    my @printed = lines_of("$kept.tap");
    my @results = failed_results(@printed);
    my $shown = min(scalar @results, $results_max);
    my @report;
    for (@results[0 .. $shown - 1]) {
        my ($result, @notes) = @$_;
        push @report, $result, first_of(max(2, int($notes_max / $shown)), @notes);
    }
    push @report, '… and ' . (@results - $shown) . ' more failed results' if @results > $shown;
    # Without a plan the test has ended early: its last lines show where.
    push @report, 'stdout ends:', map { "  $_" } last_of($end_max, @printed)
        if !defined $parser->tests_planned;
    my @errors = lines_of("$kept.err");
    push @report, 'stderr ends:', map { "  $_" } last_of($end_max, @errors) if @errors;
    push @report, "kept: $kept.tap, $kept.err";
    return join "\n", "$run: " . end_of($parser), map({ '  ' . substr $_, 0, $line_max } @report), '';
}

1;
