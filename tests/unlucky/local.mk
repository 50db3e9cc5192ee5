# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command and the mount helper, linked once more with calls that fail: see unlucky.c. The objects are the same.

unlucky_calls = $(failing_calls) \
	open_memstream fdopen opendir scandir vasprintf getline getdelim __getdelim \
	econf_readFile econf_getGroups econf_getKeys econf_getStringValue econf_getExtValue \
	scols_new_table scols_table_new_column scols_table_new_line scols_line_refer_data scols_table_set_name \
	scols_print_table \
	mnt_new_table mnt_new_iter mnt_table_parse_mtab mnt_optstr_append_option mnt_optstr_deduplicate_option \
	mnt_optstr_remove_option \
	nl_socket_alloc genl_connect genl_ctrl_resolve_grp \
	gnutls_certificate_allocate_credentials gnutls_certificate_set_x509_system_trust \
	gnutls_certificate_set_x509_trust_file gnutls_certificate_verify_peers2 \
	gnutls_certificate_verification_status_print gnutls_credentials_set gnutls_hash_fast gnutls_init \
	gnutls_alpn_set_protocols gnutls_server_name_set gnutls_priority_set_direct gnutls_pcert_import_x509_raw \
	gnutls_pcert_export_x509 gnutls_pem_base64_encode2 gnutls_privkey_import_x509_raw gnutls_x509_crt_import \
	gnutls_x509_crt_list_import2 gnutls_x509_crt_get_dn3 gnutls_x509_crt_get_issuer_dn3 \
	gnutls_x509_crt_get_raw_issuer_dn gnutls_x509_crt_get_subject_alt_name gnutls_x509_crt_print gnutls_x509_rdn_get2 \
	gnutls_x509_privkey_init gnutls_x509_privkey_import2 gnutls_x509_privkey_export2_pkcs8 \
	gnutls_x509_trust_list_init gnutls_x509_trust_list_add_cas gnutls_x509_trust_list_add_system_trust \
	gnutls_x509_trust_list_verify_crt \
	nfstls_handle_encode nfstls_handle_decode nfstls_handle_token nfstls_handle_pin_source nfstls_handle_module \
	nfstls_handle_from_pem nfstls_uri_with_pin_file nfstls_uri_check nfstls_token_key_find nfstls_token_list \
	nfstls_privkey_import_handle nfstls_cert_match nfstls_cert_schemes nfstls_cert_prove nfstls_chain_build \
	nfstls_keyring_identity nfstls_keys_load nfstls_keys_pack nfstls_keys_unpack nfstls_latch_set nfstls_latch_get \
	nfstls_latch_clear \
	add_key request_key keyctl_join_session_keyring keyctl_update keyctl_setperm keyctl_set_timeout keyctl_link \
	keyctl_unlink keyctl_search keyctl_read keyctl_read_alloc keyctl_describe_alloc \
	fopen fclose fflush fsync link rename unlink mkdir chmod mkostemp stat lstat fstat fstatat getcwd setns unshare \
	sethostname uname execv fsopen socket connect send setsockopt getaddrinfo tcgetattr tcsetattr

check_LTLIBRARIES += tests/unlucky/libunlucky.la
tests_unlucky_libunlucky_la_SOURCES = tests/unlucky/unlucky.c tests/unlucky/failing_more.c $(failing)
tests_unlucky_libunlucky_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/nfstlskey -I$(srcdir)/tests/unit
unlucky_ldadd = tests/unlucky/libunlucky.la $(nfstlskey_nfstlskey_LDADD)
unlucky_ldflags = $(AM_LDFLAGS) -Wl,--wrap=main $(unlucky_calls:%=-Wl,--wrap=%)

check_PROGRAMS += tests/unlucky/nfstlskey tests/unlucky/mount.nfstls
installed_tests += tests/unlucky/nfstlskey tests/unlucky/mount.nfstls
tests_unlucky_nfstlskey_SOURCES = $(nfstlskey_nfstlskey_SOURCES)
tests_unlucky_nfstlskey_LDADD = $(unlucky_ldadd)
tests_unlucky_nfstlskey_LDFLAGS = $(unlucky_ldflags)
tests_unlucky_mount_nfstls_SOURCES = $(nfstlskey_mount_nfstls_SOURCES)
tests_unlucky_mount_nfstls_LDADD = $(unlucky_ldadd)
tests_unlucky_mount_nfstls_LDFLAGS = $(unlucky_ldflags)
