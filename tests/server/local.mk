# SPDX-License-Identifier: GPL-2.0-or-later
#
# A server that does not do what an NFS server with TLS does, for the end-to-end tests.

check_PROGRAMS += tests/server/odd_server
installed_tests += tests/server/odd_server
tests_server_odd_server_SOURCES = \
	tests/server/conduct.c tests/server/conduct.h \
	tests/server/odd_server.c \
	tests/server/peer.c tests/server/peer.h
tests_server_odd_server_LDADD = $(GNUTLS_LIBS)
