# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# OpenSSL with pkcs11-provider. To be sourced after lib.sh.

# provider_configure [LINE...]: more lines for the provider. no-deinit: version 1.0 crashes where it finalises the module
provider_configure() {
	cat >/tmp/openssl.cnf <<-EOF
		openssl_conf = init
		[init]
		providers = providers
		[providers]
		default = default_provider
		pkcs11 = pkcs11_provider
		[default_provider]
		activate = 1
		[pkcs11_provider]
		activate = 1
		pkcs11-module-quirks = no-deinit
	EOF
	printf '%s\n' "$@" >>/tmp/openssl.cnf
}

# with_provider OPENSSL-ARGUMENT...
with_provider() { OPENSSL_CONF=/tmp/openssl.cnf timeout 20 openssl "$@" </dev/null; }
