#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tap.pl RUNNER NAME...: run `RUNNER NAME` for each name, two at a time, through Perl's own TAP harness; print a line for
# each, what failed, and the sum. The tests speak TAP (testanything.org).

use strict;
use warnings;
use TAP::Harness;
use Time::HiRes;

my ($runner, @names) = @ARGV;
my %sum = (passed => 0, failed => 0, skipped => 0);
$| = 1;

# A skipped test counts as skipped only; a test that broke without a "not ok" counts as one that failed
sub count {
	my ($parser) = @_;
	my $skipped = $parser->skipped + ($parser->skip_all ? 1 : 0);
	my $failed = $parser->failed;
	$failed = 1 if !$failed && $parser->has_problems;
	my %count = (passed => $parser->passed - $parser->skipped, failed => $failed, skipped => $skipped);
	$sum{$_} += $count{$_} for keys %sum;
	return %count;
}

sub text {
	my (%count) = @_;
	return join ', ', "$count{passed} passed", "$count{failed} failed",
		$count{skipped} ? "$count{skipped} skipped" : ();
}

# What a reader has to know of a test: each failure with the comments after it, each skip with its reason
my %told;
sub listen_to {
	my ($name, $parser) = @_;
	my $failing = 0;
	$parser->callback(ALL => sub {
		my ($line) = @_;
		$failing = !$line->is_ok if $line->is_test;
		my $skip = ($line->is_test || $line->is_plan) && $line->has_skip;
		push @{$told{$name}}, $line->as_string
			if $skip || $line->is_unknown || $failing && ($line->is_test || $line->is_comment);
	});
}

my $harness = TAP::Harness->new({
	jobs => 2,
	verbosity => -3,
	merge => 1,
	exec => sub { [$runner, $_[1]] },
});
$harness->callback(made_parser => sub { listen_to($_[1][1], $_[0]) });
$harness->callback(after_test => sub {
	my ($job, $parser) = @_;
	my $name = $job->[1];
	my %count = count($parser);
	printf "%-24s %s  (%.1f s)\n", $name, text(%count), $parser->end_time - $parser->start_time;
	my @lines = @{$told{$name} // []};
	push @lines, 'status ' . $parser->exit if $parser->exit;
	push @lines, $parser->parse_errors;
	splice @lines, 60, -1, '...' if @lines > 61;
	print map {"    $_\n"} @lines if $count{failed} || $count{skipped};
});
$harness->runtests(map {[$_, $_]} @names);

print text(%sum), "\n";
exit($sum{failed} ? 1 : 0);
