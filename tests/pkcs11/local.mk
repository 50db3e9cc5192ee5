# SPDX-License-Identifier: GPL-2.0-or-later
#
# A PKCS#11 module that goes wrong on demand, for the end-to-end tests.

check_LTLIBRARIES += tests/pkcs11/fault.la
installed_tests += tests/pkcs11/fault.la
tests_pkcs11_fault_la_SOURCES = tests/pkcs11/fault.c
tests_pkcs11_fault_la_LDFLAGS = -module -avoid-version -shared -rpath $(testsdir) \
	-export-symbols-regex '^C_GetFunctionList$$'
