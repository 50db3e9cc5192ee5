# SPDX-License-Identifier: GPL-2.0-or-later
#
# What measures the command, the library and tlshd.

check_PROGRAMS += tests/bench/probe
installed_tests += tests/bench/probe
tests_bench_probe_SOURCES = tests/bench/probe.c nfstlskey/keyring.c nfstlskey/keyring_open.c
tests_bench_probe_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
tests_bench_probe_LDADD = libp11.la $(GNUTLS_LIBS) $(KEYUTILS_LIBS)

check_PROGRAMS += tests/bench/signing
installed_tests += tests/bench/signing
tests_bench_signing_SOURCES = tests/bench/signing.c tests/bench/ways.c tests/bench/ways.h
tests_bench_signing_LDADD = libp11.la $(P11KIT_LIBS) $(GNUTLS_LIBS)

check_LTLIBRARIES += tests/bench/peak.la
installed_tests += tests/bench/peak.la
tests_bench_peak_la_SOURCES = tests/bench/peak.c
tests_bench_peak_la_LDFLAGS = -module -avoid-version -shared -rpath $(testsdir)

check_LTLIBRARIES += tests/bench/stand_in.la
installed_tests += tests/bench/stand_in.la
tests_bench_stand_in_la_SOURCES = tests/bench/stand_in.c
tests_bench_stand_in_la_LDFLAGS = -module -avoid-version -shared -rpath $(testsdir)

EXTRA_DIST += tests/bench/cli.sh tests/bench/figures.sh tests/bench/lib.sh tests/bench/limits.sh tests/bench/mounts.sh \
	tests/bench/rates.sh tests/bench/signing.sh tests/bench/token.sh tests/bench/tokens.sh
