# SPDX-License-Identifier: GPL-2.0-or-later
#
# The unit tests: cmocka programs that speak TAP. They need nothing but what the tarball holds and a SoftHSM2 module, and
# are built by `make check` alone.

AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT;
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
# The reason for which a test was skipped is a comment.
AM_LOG_DRIVER_FLAGS = --comments
LOG_COMPILER = $(SHELL) $(srcdir)/tests/unit/tap.sh

TESTS = tests/unit/same_words
check_PROGRAMS =
check_LTLIBRARIES =
EXTRA_DIST += tests/unit/same_words tests/unit/walk_of tests/unit/tap.sh tests/unit/cmocka_is_missing

unit_tests = \
	tests/unit/absurd_test \
	tests/unit/agent_test \
	tests/unit/cert_test \
	tests/unit/cli_test \
	tests/unit/failure_test \
	tests/unit/file_test \
	tests/unit/handle_test \
	tests/unit/handshake_test \
	tests/unit/idfile_test \
	tests/unit/keyring_open_test \
	tests/unit/keyring_test \
	tests/unit/module_test \
	tests/unit/mount_options_test \
	tests/unit/odd_test \
	tests/unit/owner_test \
	tests/unit/pin_test \
	tests/unit/report_test \
	tests/unit/rpc_null_test \
	tests/unit/token_error_test \
	tests/unit/token_failure_test \
	tests/unit/token_test \
	tests/unit/unload_test \
	tests/unit/uri_test

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
check_LTLIBRARIES += tests/unit/libunit.la
TESTS += $(unit_tests)
else
TESTS += tests/unit/cmocka_is_missing
endif

# What the tests share
tests_unit_libunit_la_SOURCES = \
	tests/unit/certs.c tests/unit/certs.h \
	tests/unit/scratch.c tests/unit/scratch.h \
	tests/unit/softhsm.c tests/unit/softhsm.h \
	tests/unit/unit.c tests/unit/unit.h
tests_unit_libunit_la_LIBADD = libp11.la $(CMOCKA_LIBS)

# A program is made of the one file of its name and the library, unless it says otherwise.
LDADD = tests/unit/libunit.la

# It runs the command that was built.
EXTRA_tests_unit_cli_test_DEPENDENCIES = nfstlskey/nfstlskey$(EXEEXT)

# In front of what stands tests/unit/failing_calls.c there, and failing_token.c.
failing_calls = \
	asprintf calloc malloc reallocarray strdup strndup \
	gnutls_hash_init gnutls_malloc gnutls_privkey_init gnutls_pubkey_import_x509 gnutls_pubkey_init gnutls_realloc \
	gnutls_rnd gnutls_x509_crt_export2 gnutls_x509_crt_init gnutls_x509_spki_init \
	_exit close_range dup2 flock fork mmap open poll read recv sendmsg socketpair waitpid
failing_token_calls = \
	p11_kit_module_load p11_kit_uri_format p11_kit_uri_new p11_kit_uri_set_attribute \
	agent_call
failing = tests/unit/failing.c tests/unit/failing.h tests/unit/failing_calls.c tests/unit/failing_wrap.h
failing_token = $(failing) tests/unit/failing_token.c tests/unit/survive.c tests/unit/survive.h
failing_token_ldflags = $(AM_LDFLAGS) $(failing_calls:%=-Wl,--wrap=%) $(failing_token_calls:%=-Wl,--wrap=%)
tests_unit_failure_test_SOURCES = tests/unit/failure_test.c $(failing_token)
tests_unit_failure_test_LDADD = $(LDADD) $(KEYUTILS_LIBS)
tests_unit_failure_test_LDFLAGS = $(failing_token_ldflags)
tests_unit_token_failure_test_SOURCES = tests/unit/token_failure_test.c $(failing_token)
tests_unit_token_failure_test_LDADD = $(LDADD) $(KEYUTILS_LIBS)
tests_unit_token_failure_test_LDFLAGS = $(failing_token_ldflags)

tests_unit_absurd_test_LDFLAGS = -Wl,--wrap=modules_for_uri

tests_unit_file_test_SOURCES = tests/unit/file_test.c nfstlskey/file.c nfstlskey/report.c
tests_unit_file_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey

tests_unit_idfile_test_SOURCES = tests/unit/idfile_test.c nfstlskey/idfile.c nfstlskey/idfile_list.c \
	nfstlskey/identity.c nfstlskey/keyring.c nfstlskey/keyring_open.c nfstlskey/netns.c nfstlskey/report.c
tests_unit_idfile_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
tests_unit_idfile_test_LDADD = $(LDADD) $(KEYUTILS_LIBS) $(ECONF_LIBS)

tests_unit_keyring_open_test_SOURCES = tests/unit/keyring_open_test.c nfstlskey/keyring_open.c
tests_unit_keyring_open_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
tests_unit_keyring_open_test_LDADD = $(LDADD) $(KEYUTILS_LIBS)

tests_unit_mount_options_test_SOURCES = tests/unit/mount_options_test.c nfstlskey/mount_options.c nfstlskey/identity.c \
	nfstlskey/keyring.c nfstlskey/keyring_open.c nfstlskey/report.c
tests_unit_mount_options_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
tests_unit_mount_options_test_LDADD = $(LDADD) $(KEYUTILS_LIBS) $(MOUNT_LIBS)

tests_unit_owner_test_SOURCES = tests/unit/owner_test.c nfstlskey/owner.c
tests_unit_owner_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey

tests_unit_report_test_SOURCES = tests/unit/report_test.c nfstlskey/report.c
tests_unit_report_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey

tests_unit_rpc_null_test_SOURCES = tests/unit/rpc_null_test.c nfstlskey/nfs_connect.c nfstlskey/rpc_null.c
tests_unit_rpc_null_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey
tests_unit_rpc_null_test_LDADD = $(LDADD) $(TIRPC_LIBS)
