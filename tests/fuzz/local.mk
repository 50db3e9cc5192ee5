# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fuzz targets, each of one file. make check runs them over the inputs that are kept; where configure was told of a
# fuzzing engine, as ./dev fuzz does, `make fuzzers` links them with that in the place of our driver.

fuzz_targets = \
	tests/fuzz/answers \
	tests/fuzz/cert \
	tests/fuzz/file \
	tests/fuzz/handle \
	tests/fuzz/idfile \
	tests/fuzz/key_name \
	tests/fuzz/keys \
	tests/fuzz/names \
	tests/fuzz/options \
	tests/fuzz/pem \
	tests/fuzz/rpc \
	tests/fuzz/token_uri \
	tests/fuzz/uri \
	tests/fuzz/wire

check_PROGRAMS += $(fuzz_targets)
check_LTLIBRARIES += tests/fuzz/libfuzz.la
TESTS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/dict tests/fuzz/run

fuzzers: $(fuzz_targets)
.PHONY: fuzzers

# What the targets share, and the parts of the command that read foreign input.
tests_fuzz_libfuzz_la_SOURCES = tests/fuzz/by_letter.c tests/fuzz/by_letter.h tests/fuzz/fuzz.c tests/fuzz/fuzz.h \
	nfstlskey/cert_text.c nfstlskey/file.c nfstlskey/idfile.c nfstlskey/identity.c nfstlskey/keyring.c \
	nfstlskey/keyring_open.c nfstlskey/mount_options.c nfstlskey/netns.c nfstlskey/nfs_connect.c nfstlskey/report.c \
	nfstlskey/rpc_null.c
if !FUZZING
tests_fuzz_libfuzz_la_SOURCES += tests/fuzz/driver.c
endif
tests_fuzz_libfuzz_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
tests_fuzz_libfuzz_la_LIBADD = libp11.la $(ECONF_LIBS) $(KEYUTILS_LIBS) $(MOUNT_LIBS) $(TIRPC_LIBS)

fuzz_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
fuzz_ldadd = tests/fuzz/libfuzz.la $(LIB_FUZZING_ENGINE)
tests_fuzz_answers_LDADD = $(fuzz_ldadd)
tests_fuzz_cert_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_cert_LDADD = $(fuzz_ldadd)
tests_fuzz_file_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_file_LDADD = $(fuzz_ldadd)
tests_fuzz_handle_LDADD = $(fuzz_ldadd)
tests_fuzz_idfile_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_idfile_LDADD = $(fuzz_ldadd)
tests_fuzz_key_name_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_key_name_LDADD = $(fuzz_ldadd)
tests_fuzz_keys_LDADD = $(fuzz_ldadd)
tests_fuzz_names_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_names_LDADD = $(fuzz_ldadd)
tests_fuzz_options_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_options_LDADD = $(fuzz_ldadd)
tests_fuzz_pem_LDADD = $(fuzz_ldadd)
tests_fuzz_rpc_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_rpc_LDADD = $(fuzz_ldadd)
tests_fuzz_token_uri_LDADD = $(fuzz_ldadd)
tests_fuzz_uri_LDADD = $(fuzz_ldadd)
tests_fuzz_wire_LDADD = $(fuzz_ldadd)
