# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# The token software of the matrix. A file matrix/NAME.sh is one of them: it sets up a token with keys and certificates, for
# the test matrix_NAME.t as well as for the benchmark, and says the following. This is to be sourced before it, after
# lib.sh, and once there is a CA "root".
#
#   SOFTWARE, VERSION      what people call it, and which one it was
#   MODULE                 its PKCS#11 module, a path
#   RESERVED               what its C_Initialize is to be given, where it cannot do without
#   NO_GNUTLS              why GnuTLS finds no key on it by itself, where it does not
#   NAMES                  the objects on it, each a key with its certificate, named by the key's type
#   token_up               sets it up
#   token_uri NAME         what add is given for it
#   token_away, token_back takes the token away; brings it back
#   client_up              a client that has it, after token_up
#   tries, TRIED           what it tells of wrong PINs; and what it must tell after one. Nothing where it does not tell
#   NOTES                  for its row, with what it cannot do and a test has shown
#
# Its PIN is $PIN.

# pkcsconf takes eight digits and no more, and so does a smartcard
PIN=27182818
RESERVED=''
NO_GNUTLS=''
NOTES=''
TRIED=''
tries() { :; }
client_up() { client_start root; }

# version_of PACKAGE: without the distribution's part
version_of() { dpkg-query -W -f '${source:Upstream-Version}' "$1" | sed 's/+dfsg.*//'; }

# made_by_pkcs11_tool TOKEN: the two usual keys
made_by_pkcs11_tool() {
	token_made "$1" P-256 root EC:prime256v1 01 && token_made "$1" RSA-2048 root rsa:2048 02
}

# bus_up: the D-Bus that some daemons of token software need
bus_up() { mkdir -p /run/dbus && dbus-daemon --system --fork; }
