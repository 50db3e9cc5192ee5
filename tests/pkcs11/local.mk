# SPDX-License-Identifier: GPL-2.0-or-later
#
# A PKCS#11 module that goes wrong on demand, for the end-to-end tests. No package has it: it is built by make check and
# installed by make install-tests, which ./dev does for the virtual machine.

faultdir = $(libdir)/nfstls-tests
check_LTLIBRARIES += tests/pkcs11/fault.la
tests_pkcs11_fault_la_SOURCES = tests/pkcs11/fault.c
tests_pkcs11_fault_la_LDFLAGS = -module -avoid-version -shared -rpath $(faultdir) \
	-export-symbols-regex '^C_GetFunctionList$$'

install-tests: tests/pkcs11/fault.la
	$(MKDIR_P) $(DESTDIR)$(faultdir)
	$(LIBTOOL) $(AM_LIBTOOLFLAGS) $(LIBTOOLFLAGS) --mode=install $(INSTALL) tests/pkcs11/fault.la $(DESTDIR)$(faultdir)
	rm $(DESTDIR)$(faultdir)/fault.la
.PHONY: install-tests
