# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Databases of NSS, with $PIN. To be sourced after lib.sh.

# nss_database FOLDER
nss_database() {
	mkdir "$1"
	(umask 077 && echo "$PIN" >/run/nss.pin && head -c 64 /dev/urandom >/run/nss.noise)
	certutil -N -d "sql:$1" -f /run/nss.pin
}

# nss_key FOLDER NAME CA CERTUTIL-OPTION...: a key, and its certificate, NAME.pem
nss_key() {
	local folder=$1 name=$2 ca=$3
	shift 3
	certutil -R -d "sql:$folder" -f /run/nss.pin -z /run/nss.noise -s "CN=$name" "$@" -o "$PKI/$name.req" >>"$LOGS/token" 2>&1
	openssl req -inform DER -in "$PKI/$name.req" -out "$PKI/$name.csr"
	template "$name"
	cert_sign "$name" "$ca" --load-request "$PKI/$name.csr"
	certutil -A -d "sql:$folder" -f /run/nss.pin -n "$name" -t u,u,u -i "$PKI/$name.der"
}
