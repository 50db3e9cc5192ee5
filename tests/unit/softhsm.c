/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>

#include "softhsm.h"
#include "unit.h"

#define SO_PIN "security officer"

#define assert_ckr_ok(rv) assert_int_equal((rv), CKR_OK)

/* A template that grows. */
struct attrs {
	CK_ATTRIBUTE list[12];
	CK_ULONG count;
};

static void attrs_add(struct attrs *attrs, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG size)
{
	assert_true(attrs->count < sizeof(attrs->list) / sizeof(attrs->list[0]));
	attrs->list[attrs->count++] = (CK_ATTRIBUTE){ type, (void *)value, size };
}

static void attrs_add_name(struct attrs *attrs, const struct softhsm_name *name)
{
	if (name->id_size > 0)
		attrs_add(attrs, CKA_ID, name->id, name->id_size);
	if (name->label)
		attrs_add(attrs, CKA_LABEL, name->label, strlen(name->label));
}

const char *softhsm_module(void)
{
	static const char *const places[] = {
		"/usr/lib/softhsm/libsofthsm2.so",  /* Debian */
		"/usr/lib64/pkcs11/libsofthsm2.so", /* Fedora */
		"/usr/lib64/softhsm/libsofthsm2.so",	 "/usr/lib/pkcs11/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

void softhsm_need(void)
{
	if (!softhsm_module())
		skip_because("SoftHSM2 is not installed, or not where it is looked for");
}

void softhsm_make(struct softhsm *hsm)
{
	const char *conf;

	*hsm = (struct softhsm){ .module = softhsm_module() };
	assert_non_null(hsm->module);
	scratch_make(&hsm->scratch);
	assert_int_equal(mkdir(scratch_path(&hsm->scratch, "tokens"), 0700), 0);
	conf = scratch_join(&hsm->scratch, "directories.tokendir = ", hsm->scratch.dir, "/tokens\n",
			    "objectstore.backend = file\nlog.level = ERROR\n", NULL);
	scratch_file(&hsm->scratch, "softhsm2.conf", conf, strlen(conf), 0600);
	hsm->pin_file = scratch_file(&hsm->scratch, "pin", SOFTHSM_PIN "\n", strlen(SOFTHSM_PIN) + 1, 0600);
	softhsm_select(hsm);
}

void softhsm_select(const struct softhsm *hsm)
{
	char conf[4096];

	snprintf(conf, sizeof(conf), "%s/softhsm2.conf", hsm->scratch.dir);
	assert_int_equal(setenv("SOFTHSM2_CONF", conf, 1), 0);
	assert_int_equal(unsetenv("NFSTLS_PKCS11_MODULES"), 0);
}

void softhsm_remove(struct softhsm *hsm)
{
	scratch_remove(&hsm->scratch);
}

void softhsm_open(struct softhsm *hsm)
{
	hsm->funcs = p11_kit_module_load(hsm->module, 0);
	assert_non_null(hsm->funcs);
	assert_ckr_ok(p11_kit_module_initialize(hsm->funcs));
}

void softhsm_close(struct softhsm *hsm)
{
	assert_ckr_ok(p11_kit_module_finalize(hsm->funcs));
	p11_kit_module_release(hsm->funcs);
	hsm->funcs = NULL;
}

/* SoftHSM always shows one slot with a token that is not initialised yet. */
static CK_SLOT_ID find_free_slot(struct softhsm *hsm)
{
	CK_ULONG count = 0;
	CK_SLOT_ID slots[32];
	CK_TOKEN_INFO info;

	/* Asking for the count is what makes it add the next one. */
	assert_ckr_ok(hsm->funcs->C_GetSlotList(CK_TRUE, NULL, &count));
	assert_true(count <= sizeof(slots) / sizeof(slots[0]));
	assert_ckr_ok(hsm->funcs->C_GetSlotList(CK_TRUE, slots, &count));
	for (CK_ULONG i = 0; i < count; i++) {
		assert_ckr_ok(hsm->funcs->C_GetTokenInfo(slots[i], &info));
		if (!(info.flags & CKF_TOKEN_INITIALIZED))
			return slots[i];
	}
	fail_msg("SoftHSM shows no free slot");
	return 0;
}

CK_SESSION_HANDLE softhsm_token(struct softhsm *hsm, const char *label)
{
	CK_SLOT_ID slot = find_free_slot(hsm);
	CK_UTF8CHAR padded[32], so_pin[] = SO_PIN, pin[] = SOFTHSM_PIN;
	CK_SESSION_HANDLE session;

	assert_true(strlen(label) <= sizeof(padded));
	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	assert_ckr_ok(hsm->funcs->C_InitToken(slot, so_pin, strlen(SO_PIN), padded));
	assert_ckr_ok(hsm->funcs->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	assert_ckr_ok(hsm->funcs->C_Login(session, CKU_SO, so_pin, strlen(SO_PIN)));
	assert_ckr_ok(hsm->funcs->C_InitPIN(session, pin, strlen(SOFTHSM_PIN)));
	assert_ckr_ok(hsm->funcs->C_Logout(session));
	assert_ckr_ok(hsm->funcs->C_Login(session, CKU_USER, pin, strlen(SOFTHSM_PIN)));
	return session;
}

/* DER of the curves' object identifiers (RFC 5480 section 2.1.1.1, RFC 8410 section 3) */
static const unsigned char oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const unsigned char oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const unsigned char oid_p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const unsigned char oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

static const struct {
	CK_MECHANISM_TYPE generate;
	const unsigned char *oid;
	CK_ULONG oid_size;
	CK_ULONG bits; /* of an RSA key, which has no curve */
} kinds[] = {
	[KEY_RSA_2048] = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 2048 },
	[KEY_RSA_3072] = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 3072 },
	[KEY_RSA_4096] = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 4096 },
	[KEY_P256] = { CKM_EC_KEY_PAIR_GEN, oid_p256, sizeof(oid_p256), 0 },
	[KEY_P384] = { CKM_EC_KEY_PAIR_GEN, oid_p384, sizeof(oid_p384), 0 },
	[KEY_P521] = { CKM_EC_KEY_PAIR_GEN, oid_p521, sizeof(oid_p521), 0 },
	[KEY_ED25519] = { CKM_EC_EDWARDS_KEY_PAIR_GEN, oid_ed25519, sizeof(oid_ed25519), 0 },
};

bool softhsm_can(struct softhsm *hsm, enum softhsm_key kind)
{
	CK_MECHANISM_INFO info;

	return hsm->funcs->C_GetMechanismInfo(find_free_slot(hsm), kinds[kind].generate, &info) == CKR_OK;
}

/* The value of an attribute that is surely there, of at most 1 KiB. */
static gnutls_datum_t get_value(struct softhsm *hsm, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
				CK_ATTRIBUTE_TYPE type, unsigned char *buffer)
{
	CK_ATTRIBUTE attr = { type, buffer, 1024 };

	assert_ckr_ok(hsm->funcs->C_GetAttributeValue(session, object, &attr, 1));
	return (gnutls_datum_t){ buffer, attr.ulValueLen };
}

static gnutls_pubkey_t read_public_key(struct softhsm *hsm, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
				       enum softhsm_key kind)
{
	bool is_rsa = kinds[kind].bits > 0;
	unsigned char buffers[2][1024];
	gnutls_datum_t first = get_value(hsm, session, object, is_rsa ? CKA_MODULUS : CKA_EC_PARAMS, buffers[0]);
	gnutls_datum_t second =
		get_value(hsm, session, object, is_rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, buffers[1]);
	gnutls_pubkey_t key;

	assert_int_equal(gnutls_pubkey_init(&key), 0);
	if (is_rsa) {
		assert_int_equal(gnutls_pubkey_import_rsa_raw(key, &first, &second), 0);
	} else if (kind == KEY_ED25519) {
		/* PKCS#11 v3.0 section 2.3.10: the point stands in an OCTET STRING, of 32 bytes */
		const gnutls_datum_t x = { second.data + 2, 32 };

		assert_int_equal(second.size, 34);
		assert_int_equal(gnutls_pubkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x, NULL), 0);
	} else {
		assert_int_equal(gnutls_pubkey_import_ecc_x962(key, &first, &second), 0);
	}
	return key;
}

gnutls_pubkey_t softhsm_special_key(struct softhsm *hsm, CK_SESSION_HANDLE session, enum softhsm_key kind,
				    const struct softhsm_name *name, CK_BBOOL always_authenticate, CK_BBOOL sign)
{
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	static const unsigned char exponent[] = { 0x01, 0x00, 0x01 };
	CK_MECHANISM mechanism = { kinds[kind].generate, NULL, 0 };
	struct attrs public = { .count = 0 }, private = { .count = 0 };
	CK_OBJECT_HANDLE public_key, private_key;
	gnutls_pubkey_t key;

	attrs_add(&public, CKA_TOKEN, &no, sizeof(no));
	attrs_add(&public, CKA_VERIFY, &yes, sizeof(yes));
	if (kinds[kind].oid) {
		attrs_add(&public, CKA_EC_PARAMS, kinds[kind].oid, kinds[kind].oid_size);
	} else {
		attrs_add(&public, CKA_MODULUS_BITS, &kinds[kind].bits, sizeof(kinds[kind].bits));
		attrs_add(&public, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
	}
	attrs_add(&private, CKA_TOKEN, &yes, sizeof(yes));
	attrs_add(&private, CKA_PRIVATE, &yes, sizeof(yes));
	attrs_add(&private, CKA_SENSITIVE, &yes, sizeof(yes));
	attrs_add(&private, CKA_SIGN, &sign, sizeof(sign));
	attrs_add(&private, CKA_ALWAYS_AUTHENTICATE, &always_authenticate, sizeof(always_authenticate));
	attrs_add_name(&private, name);
	assert_ckr_ok(hsm->funcs->C_GenerateKeyPair(session, &mechanism, public.list, public.count, private.list,
						    private.count, &public_key, &private_key));
	key = read_public_key(hsm, session, public_key, kind);
	assert_ckr_ok(hsm->funcs->C_DestroyObject(session, public_key));
	return key;
}

gnutls_pubkey_t softhsm_key(struct softhsm *hsm, CK_SESSION_HANDLE session, enum softhsm_key kind,
			    const struct softhsm_name *name)
{
	return softhsm_special_key(hsm, session, kind, name, CK_FALSE, CK_TRUE);
}

void softhsm_cert(struct softhsm *hsm, CK_SESSION_HANDLE session, gnutls_x509_crt_t cert,
		  const struct softhsm_name *name)
{
	static const CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	static const CK_CERTIFICATE_TYPE type = CKC_X_509;
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	gnutls_datum_t der = cert_der(cert), subject;
	struct attrs attrs = { .count = 0 };
	CK_OBJECT_HANDLE object;

	assert_int_equal(gnutls_x509_crt_get_raw_dn(cert, &subject), 0);
	attrs_add(&attrs, CKA_CLASS, &class, sizeof(class));
	attrs_add(&attrs, CKA_CERTIFICATE_TYPE, &type, sizeof(type));
	attrs_add(&attrs, CKA_TOKEN, &yes, sizeof(yes));
	attrs_add(&attrs, CKA_PRIVATE, &no, sizeof(no));
	attrs_add(&attrs, CKA_SUBJECT, subject.data, subject.size);
	attrs_add(&attrs, CKA_VALUE, der.data, der.size);
	attrs_add_name(&attrs, name);
	assert_ckr_ok(hsm->funcs->C_CreateObject(session, attrs.list, attrs.count, &object));
	gnutls_free(subject.data);
	gnutls_free(der.data);
}

const char *softhsm_uri(struct softhsm *hsm, const char *attributes)
{
	return scratch_join(&hsm->scratch, "pkcs11:", attributes, "?module-path=", hsm->module,
			    "&pin-source=file:", hsm->pin_file, NULL);
}
