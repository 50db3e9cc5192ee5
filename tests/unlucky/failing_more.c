/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command calls that fails, and the library does not: more_failing_calls in local.mk. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <keyutils.h>
#include <libeconf.h>
#include <libeconf_ext.h>
#include <libmount.h>
#include <libsmartcols.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "failing_wrap.h"
#include "nfstls-p11.h"

#define GONE	  FAILS(FAILING_GONE, ENOKEY)
#define NO(error) FAILS(FAILING_SYSTEM, error)

/* clang-format off */
WRAP(FILE *, open_memstream, (char **text, size_t *size), (text, size), NO_MEMORY, NULL)
WRAP(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NO_MEMORY, NULL)
WRAP(DIR *, opendir, (const char *path), (path), NO_MEMORY, NULL)
WRAP(int, scandir, (const char *path, struct dirent ***list, int (*wanted)(const struct dirent *),
     int (*compare)(const struct dirent **, const struct dirent **)), (path, list, wanted, compare), NO_MEMORY, -1)
WRAP(int, vasprintf, (char **text, const char *format, va_list args), (text, format, args), NO_MEMORY, -1)
/* three names for one thing, of which the compiler chooses */
WRAP(ssize_t, getline, (char **line, size_t *room, FILE *file), (line, room, file), NO_MEMORY, -1)
WRAP(ssize_t, getdelim, (char **line, size_t *room, int end, FILE *file), (line, room, end, file), NO_MEMORY, -1)
WRAP(ssize_t, __getdelim, (char **line, size_t *room, int end, FILE *file), (line, room, end, file), NO_MEMORY, -1)

WRAP(econf_err, econf_readFile, (econf_file **file, const char *path, const char *delim, const char *comment),
     (file, path, delim, comment), NO_MEMORY, ECONF_NOMEM)
WRAP(econf_err, econf_getGroups, (econf_file *file, size_t *count, char ***groups), (file, count, groups), NO_MEMORY,
     ECONF_NOMEM)
WRAP(econf_err, econf_getKeys, (econf_file *file, const char *group, size_t *count, char ***keys),
     (file, group, count, keys), NO_MEMORY, ECONF_NOMEM)
WRAP(econf_err, econf_getStringValue, (econf_file *file, const char *group, const char *key, char **value),
     (file, group, key, value), NO_MEMORY, ECONF_NOMEM)
WRAP(econf_err, econf_getExtValue, (econf_file *file, const char *group, const char *key, econf_ext_value **value),
     (file, group, key, value), NO_MEMORY, ECONF_NOMEM)

WRAP(struct libscols_table *, scols_new_table, (void), (), NO_MEMORY, NULL)
WRAP(struct libscols_column *, scols_table_new_column, (struct libscols_table *table, const char *name, double width,
     int flags), (table, name, width, flags), NO_MEMORY, NULL)
WRAP(struct libscols_line *, scols_table_new_line, (struct libscols_table *table, struct libscols_line *parent),
     (table, parent), NO_MEMORY, NULL)
WRAP(int, scols_line_refer_data, (struct libscols_line *line, size_t column, char *text), (line, column, text),
     NO_MEMORY, -ENOMEM)
WRAP(int, scols_table_set_name, (struct libscols_table *table, const char *name), (table, name), NO_MEMORY, -ENOMEM)
WRAP(int, scols_print_table, (struct libscols_table *table), (table), NO_MEMORY, -ENOMEM)

WRAP(struct libmnt_table *, mnt_new_table, (void), (), NO_MEMORY, NULL)
WRAP(struct libmnt_iter *, mnt_new_iter, (int direction), (direction), NO_MEMORY, NULL)
WRAP(int, mnt_table_parse_mtab, (struct libmnt_table *table, const char *path), (table, path), NO_MEMORY, -ENOMEM)
WRAP(int, mnt_optstr_append_option, (char **options, const char *name, const char *value), (options, name, value),
     NO_MEMORY, -ENOMEM)
WRAP(int, mnt_optstr_deduplicate_option, (char **options, const char *name), (options, name), NO_MEMORY, -ENOMEM)
WRAP(int, mnt_optstr_remove_option, (char **options, const char *name), (options, name), NO_MEMORY, -ENOMEM)

WRAP(struct nl_sock *, nl_socket_alloc, (void), (), NO_MEMORY, NULL)
WRAP(int, genl_connect, (struct nl_sock *sock), (sock), NO_MEMORY, -NLE_NOMEM)
WRAP(int, genl_ctrl_resolve_grp, (struct nl_sock *sock, const char *family, const char *group), (sock, family, group),
     NO_MEMORY, -NLE_NOMEM)

#define WRAP_GNUTLS(name, parameters, arguments) WRAP(int, name, parameters, arguments, NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP_GNUTLS(gnutls_certificate_allocate_credentials, (gnutls_certificate_credentials_t *creds), (creds))
WRAP_GNUTLS(gnutls_certificate_set_x509_system_trust, (gnutls_certificate_credentials_t creds), (creds))
WRAP_GNUTLS(gnutls_certificate_set_x509_trust_file, (gnutls_certificate_credentials_t creds, const char *file,
     gnutls_x509_crt_fmt_t format), (creds, file, format))
WRAP_GNUTLS(gnutls_certificate_verify_peers2, (gnutls_session_t session, unsigned int *status), (session, status))
WRAP_GNUTLS(gnutls_certificate_verification_status_print, (unsigned int status, gnutls_certificate_type_t type,
     gnutls_datum_t *text, unsigned int flags), (status, type, text, flags))
WRAP_GNUTLS(gnutls_credentials_set, (gnutls_session_t session, gnutls_credentials_type_t type, void *creds),
     (session, type, creds))
WRAP_GNUTLS(gnutls_hash_fast, (gnutls_digest_algorithm_t algorithm, const void *text, size_t size, void *digest),
     (algorithm, text, size, digest))
WRAP_GNUTLS(gnutls_init, (gnutls_session_t *session, unsigned int flags), (session, flags))
WRAP_GNUTLS(gnutls_alpn_set_protocols, (gnutls_session_t session, const gnutls_datum_t *protocols, unsigned int count,
     unsigned int flags), (session, protocols, count, flags))
WRAP_GNUTLS(gnutls_server_name_set, (gnutls_session_t session, gnutls_server_name_type_t type, const void *name,
     size_t size), (session, type, name, size))
WRAP_GNUTLS(gnutls_priority_set_direct, (gnutls_session_t session, const char *text, const char **where),
     (session, text, where))
WRAP_GNUTLS(gnutls_pcert_import_x509_raw, (gnutls_pcert_st *pcert, const gnutls_datum_t *cert,
     gnutls_x509_crt_fmt_t format, unsigned int flags), (pcert, cert, format, flags))
WRAP_GNUTLS(gnutls_pcert_export_x509, (gnutls_pcert_st *pcert, gnutls_x509_crt_t *cert), (pcert, cert))
WRAP_GNUTLS(gnutls_pem_base64_encode2, (const char *label, const gnutls_datum_t *data, gnutls_datum_t *pem),
     (label, data, pem))
WRAP_GNUTLS(gnutls_privkey_import_x509_raw, (gnutls_privkey_t key, const gnutls_datum_t *data,
     gnutls_x509_crt_fmt_t format, const char *password, unsigned int flags), (key, data, format, password, flags))
WRAP_GNUTLS(gnutls_x509_crt_import, (gnutls_x509_crt_t cert, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format),
     (cert, data, format))
WRAP_GNUTLS(gnutls_x509_crt_list_import2, (gnutls_x509_crt_t **certs, unsigned int *count, const gnutls_datum_t *data,
     gnutls_x509_crt_fmt_t format, unsigned int flags), (certs, count, data, format, flags))
WRAP_GNUTLS(gnutls_x509_crt_get_dn3, (gnutls_x509_crt_t cert, gnutls_datum_t *name, unsigned int flags),
     (cert, name, flags))
WRAP_GNUTLS(gnutls_x509_crt_get_issuer_dn3, (gnutls_x509_crt_t cert, gnutls_datum_t *name, unsigned int flags),
     (cert, name, flags))
WRAP_GNUTLS(gnutls_x509_crt_get_raw_issuer_dn, (gnutls_x509_crt_t cert, gnutls_datum_t *name), (cert, name))
WRAP_GNUTLS(gnutls_x509_crt_get_subject_alt_name, (gnutls_x509_crt_t cert, unsigned int nth, void *name, size_t *size,
     unsigned int *critical), (cert, nth, name, size, critical))
WRAP_GNUTLS(gnutls_x509_crt_print, (gnutls_x509_crt_t cert, gnutls_certificate_print_formats_t format,
     gnutls_datum_t *text), (cert, format, text))
WRAP_GNUTLS(gnutls_x509_rdn_get2, (const gnutls_datum_t *name, gnutls_datum_t *text, unsigned int flags),
     (name, text, flags))
WRAP_GNUTLS(gnutls_x509_privkey_init, (gnutls_x509_privkey_t *key), (key))
WRAP_GNUTLS(gnutls_x509_privkey_import2, (gnutls_x509_privkey_t key, const gnutls_datum_t *data,
     gnutls_x509_crt_fmt_t format, const char *password, unsigned int flags), (key, data, format, password, flags))
WRAP_GNUTLS(gnutls_x509_privkey_export2_pkcs8, (gnutls_x509_privkey_t key, gnutls_x509_crt_fmt_t format,
     const char *password, unsigned int flags, gnutls_datum_t *out), (key, format, password, flags, out))
WRAP_GNUTLS(gnutls_x509_trust_list_init, (gnutls_x509_trust_list_t *list, unsigned int size), (list, size))
WRAP(int, gnutls_x509_trust_list_add_cas, (gnutls_x509_trust_list_t list, const gnutls_x509_crt_t *certs,
     unsigned int count, unsigned int flags), (list, certs, count, flags), NO_MEMORY, 0)
WRAP_GNUTLS(gnutls_x509_trust_list_add_system_trust, (gnutls_x509_trust_list_t list, unsigned int flags,
     unsigned int verify), (list, flags, verify))
WRAP_GNUTLS(gnutls_x509_trust_list_verify_crt, (gnutls_x509_trust_list_t list, gnutls_x509_crt_t *certs,
     unsigned int count, unsigned int flags, unsigned int *status, gnutls_verify_output_function *output),
     (list, certs, count, flags, status, output))

#define WRAP_P11(name, parameters, arguments) WRAP(int, name, parameters, arguments, NO_MEMORY, NFSTLS_E_MEMORY)
WRAP_P11(nfstls_handle_encode, (const char *uri, gnutls_datum_t *handle), (uri, handle))
WRAP_P11(nfstls_handle_decode, (const gnutls_datum_t *handle, char **uri), (handle, uri))
WRAP_P11(nfstls_handle_token, (const gnutls_datum_t *handle, char **label), (handle, label))
WRAP_P11(nfstls_handle_pin_source, (const gnutls_datum_t *handle, char **source), (handle, source))
WRAP_P11(nfstls_handle_module, (const gnutls_datum_t *handle, char **module), (handle, module))
WRAP_P11(nfstls_handle_from_pem, (const gnutls_datum_t *pem, gnutls_datum_t *handle), (pem, handle))
WRAP_P11(nfstls_uri_with_pin_file, (const char *uri, const char *path, char **with_file, struct nfstls_diag *diag),
     (uri, path, with_file, diag))
WRAP_P11(nfstls_uri_check, (const char *uri, char **path, struct nfstls_diag *diag), (uri, path, diag))
WRAP_P11(nfstls_token_key_find, (const char *uri, const struct nfstls_access *access, const gnutls_x509_crt_t *certs,
     unsigned int ncerts, struct nfstls_token_key *key, struct nfstls_diag *diag),
     (uri, access, certs, ncerts, key, diag))
WRAP_P11(nfstls_token_list, (const char *uri, struct nfstls_token **tokens, size_t *count, struct nfstls_diag *diag),
     (uri, tokens, count, diag))
WRAP_P11(nfstls_privkey_import_handle, (gnutls_privkey_t key, const gnutls_datum_t *handle,
     const struct nfstls_access *access, struct nfstls_diag *diag), (key, handle, access, diag))
WRAP_P11(nfstls_cert_match, (gnutls_privkey_t key, const gnutls_x509_crt_t *certs, unsigned int ncerts,
     unsigned int *index, struct nfstls_diag *diag), (key, certs, ncerts, index, diag))
WRAP_P11(nfstls_cert_schemes, (gnutls_x509_crt_t cert, gnutls_sign_algorithm_t *schemes, unsigned int *count,
     struct nfstls_diag *diag), (cert, schemes, count, diag))
WRAP_P11(nfstls_cert_prove, (gnutls_privkey_t key, gnutls_x509_crt_t cert, gnutls_sign_algorithm_t scheme,
     struct nfstls_diag *diag), (key, cert, scheme, diag))
WRAP_P11(nfstls_chain_build, (gnutls_x509_crt_t leaf, const gnutls_x509_crt_t *pool, unsigned int npool,
     gnutls_datum_t *chain), (leaf, pool, npool, chain))
WRAP_P11(nfstls_keyring_identity, (int serial, char **identity, char **part), (serial, identity, part))
WRAP_P11(nfstls_keys_load, (struct nfstls_keys *keys), (keys))
WRAP_P11(nfstls_keys_pack, (const struct nfstls_keys *keys, gnutls_datum_t *next), (keys, next))
WRAP_P11(nfstls_keys_unpack, (const gnutls_datum_t *next, struct nfstls_keys *keys), (next, keys))
WRAP_P11(nfstls_latch_set, (const struct nfstls_identity *identity, const char *pin_id, const char *cause),
     (identity, pin_id, cause))
WRAP_P11(nfstls_latch_get, (const struct nfstls_identity *identity, bool *by_person), (identity, by_person))
WRAP_P11(nfstls_latch_clear, (const struct nfstls_identity *identity, const char *pin_id), (identity, pin_id))

WRAP(key_serial_t, add_key, (const char *type, const char *name, const void *data, size_t size, key_serial_t keyring),
     (type, name, data, size, keyring), NO(EDQUOT), -1)
WRAP(key_serial_t, request_key, (const char *type, const char *name, const char *info, key_serial_t keyring),
     (type, name, info, keyring), NO(EACCES), -1)
WRAP(key_serial_t, keyctl_join_session_keyring, (const char *name), (name), NO(EDQUOT), -1)
WRAP(long, keyctl_update, (key_serial_t key, const void *data, size_t size), (key, data, size), NO(EDQUOT) || GONE, -1)
WRAP(long, keyctl_setperm, (key_serial_t key, key_perm_t perm), (key, perm), NO(EACCES) || GONE, -1)
WRAP(long, keyctl_set_timeout, (key_serial_t key, unsigned int timeout), (key, timeout), NO(EACCES) || GONE, -1)
WRAP(long, keyctl_link, (key_serial_t key, key_serial_t keyring), (key, keyring), NO(EDQUOT) || GONE, -1)
WRAP(long, keyctl_unlink, (key_serial_t key, key_serial_t keyring), (key, keyring), NO(EACCES) || GONE, -1)
WRAP(long, keyctl_search, (key_serial_t keyring, const char *type, const char *name, key_serial_t into),
     (keyring, type, name, into), NO(EACCES), -1)
WRAP(long, keyctl_read, (key_serial_t key, char *data, size_t size), (key, data, size), GONE, -1)
WRAP(int, keyctl_read_alloc, (key_serial_t key, void **data), (key, data), NO_MEMORY || NO(EACCES) || GONE, -1)
WRAP(int, keyctl_describe_alloc, (key_serial_t key, char **text), (key, text), NO_MEMORY || NO(EACCES) || GONE, -1)

WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), NO(ENFILE), NULL)
/* also of one in memory, which has come to its end then; the descriptor is closed all the same */
WRAP(int, fclose, (FILE *file), (file), NO(ENOSPC), (__real_fclose(file), EOF))
WRAP(int, fflush, (FILE *file), (file), NO(ENOSPC), EOF)
WRAP(int, fsync, (int fd), (fd), NO(EIO), -1)
WRAP(int, link, (const char *from, const char *to), (from, to), NO(EMLINK), -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), NO(ENOSPC), -1)
WRAP(int, unlink, (const char *path), (path), NO(EIO), -1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), NO(ENOSPC), -1)
WRAP(int, chmod, (const char *path, mode_t mode), (path, mode), NO(EIO), -1)
WRAP(int, mkostemp, (char *path, int flags), (path, flags), NO(ENOSPC), -1)
WRAP(int, stat, (const char *path, struct stat *info), (path, info), NO(EIO), -1)
WRAP(int, lstat, (const char *path, struct stat *info), (path, info), NO(EIO), -1)
WRAP(int, fstat, (int fd, struct stat *info), (fd, info), NO(EIO), -1)
WRAP(int, fstatat, (int fd, const char *path, struct stat *info, int flags), (fd, path, info, flags), NO(EIO), -1)
WRAP(char *, getcwd, (char *path, size_t size), (path, size), NO(ENOENT), NULL)
WRAP(int, setns, (int fd, int type), (fd, type), NO(EPERM), -1)
WRAP(int, unshare, (int flags), (flags), NO(ENOSPC), -1)
WRAP(int, sethostname, (const char *name, size_t size), (name, size), NO(EPERM), -1)
WRAP(int, uname, (struct utsname *name), (name), NO(EFAULT), -1)
WRAP(int, execv, (const char *path, char *const *argv), (path, argv), NO(ENOENT), -1)
WRAP(int, fsopen, (const char *type, unsigned int flags), (type, flags), NO(ENFILE), -1)
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), NO(ENFILE), -1)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size), NO(ECONNREFUSED), -1)
WRAP(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags), NO(EPIPE), -1)
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size), (fd, level, name, value, size),
     NO(ENOMEM), -1)
WRAP(int, getaddrinfo, (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list),
     (host, service, hints, list), NO_MEMORY, EAI_MEMORY)
WRAP(int, tcgetattr, (int fd, struct termios *mode), (fd, mode), NO(EIO), -1)
WRAP(int, tcsetattr, (int fd, int when, const struct termios *mode), (fd, when, mode), NO(EIO), -1)
/* clang-format on */
