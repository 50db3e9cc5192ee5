/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two sides of a key agent: what it answers, and who asks. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_agent.h"
#include "latch.h"
#include "login.h"
#include "signer.h"
#include "token.h"

/* --- in the agent --- */

struct question {
	P11KitUri *uri;
	const struct nfstls_access *access;
	bool surroundings;
};

static void put_key(struct wire *answer, const struct signer *signer)
{
	gnutls_sign_algorithm_t scheme;
	unsigned int next = 0;

	wire_put_number(answer, signer_algorithm(signer));
	wire_put_number(answer, signer_bits(signer));
	while ((scheme = signer_scheme(signer, &next)) != GNUTLS_SIGN_UNKNOWN)
		wire_put_number(answer, scheme);
	wire_put_number(answer, GNUTLS_SIGN_UNKNOWN);
	wire_put_text(answer, signer->session.name);
	wire_put_number(answer, token_flags(&signer->session.token));
	wire_put_number(answer, signer->reauthenticate);
	wire_put_text(answer, signer->pin_id);
}

static int put_cert(struct wire *answer, const struct session *session, CK_OBJECT_HANDLE cert,
		    const gnutls_datum_t *key_id, struct nfstls_diag *diag)
{
	gnutls_datum_t der = { NULL, 0 }, id = { NULL, 0 };
	int ret;

	ret = session_get(session, cert, CKA_VALUE, &der, diag);
	if (ret == 0)
		ret = session_get(session, cert, CKA_ID, &id, diag);
	if (ret == 0) {
		wire_put(answer, der.data, der.size);
		wire_put_number(answer, key_id->size > 0 && id.size == key_id->size &&
						memcmp(id.data, key_id->data, id.size) == 0);
	}
	gnutls_free(der.data);
	gnutls_free(id.data);
	return ret;
}

static int put_certs(struct wire *answer, const struct session *session, const gnutls_datum_t *key_id,
		     struct nfstls_diag *diag)
{
	CK_OBJECT_HANDLE *objects;
	size_t count;
	int ret = session_find_certs(session, &objects, &count, diag);

	if (ret < 0)
		return ret;
	wire_put_number(answer, count);
	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = put_cert(answer, session, objects[i], key_id, diag);
	free(objects);
	return ret;
}

/* The URI that a handle will carry, with the id and label that the key itself has. */
static int key_uri(const struct signer *signer, const gnutls_datum_t *id, char **uri, struct nfstls_diag *diag)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	gnutls_datum_t label;
	int ret;

	/* one that a name stands for is loaded only because p11-kit's configuration says so */
	ret = signer->session.module.name ? 0 : module_check_path(signer->session.module.path, diag);
	if (ret == 0)
		ret = session_get(&signer->session, signer->key, CKA_LABEL, &label, diag);
	if (ret == 0 && id->size == 0 && label.size == 0)
		ret = diag_set(diag, NFSTLS_E_KEY_UNUSABLE, "%s: the key has neither an id nor a label to name it by",
			       signer->session.name);
	if (ret == 0) {
		const CK_ATTRIBUTE attrs[] = {
			{ CKA_CLASS, &class, sizeof(class) },
			{ CKA_ID, id->data, id->size },
			{ CKA_LABEL, label.data, label.size },
		};

		ret = uri_format(&signer->session.token, attrs, 3, &signer->session.module, signer->pin_source, uri);
		gnutls_free(label.data);
	}
	return ret;
}

static int put_surroundings(struct wire *answer, const struct signer *signer, struct nfstls_diag *diag)
{
	const struct session *session = &signer->session;
	gnutls_datum_t id = { NULL, 0 };
	char *uri = NULL, *label;
	int ret;

	ret = session_get(session, signer->key, CKA_ID, &id, diag);
	if (ret == 0)
		ret = key_uri(signer, &id, &uri, diag);
	if (ret == 0) {
		label = token_label(&session->token);
		wire_put_text(answer, uri);
		wire_put_text(answer, label);
		free(label);
		ret = put_certs(answer, session, &id, diag);
	}
	free(uri);
	gnutls_free(id.data);
	return ret;
}

/* The first answer, without being asked: whether the key is open. */
static int answer_open(int fd, const struct question *question, struct signer **signer)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct wire answer = WIRE_INIT, rest = WIRE_INIT;
	int ret;

	ret = signer_open(question->uri, question->access, signer, &diag);
	if (ret == 0 && signer_algorithm(*signer) == GNUTLS_PK_UNKNOWN)
		ret = diag_set(&diag, NFSTLS_E_KEY_UNUSABLE, "%s: the key is neither RSA, EC nor Ed25519",
			       (*signer)->session.name);
	if (ret == 0)
		put_key(&rest, *signer);
	if (ret == 0 && question->surroundings)
		ret = put_surroundings(&rest, *signer, &diag);
	wire_put_outcome(&answer, ret, &diag);
	if (ret == 0)
		wire_append(&answer, &rest);
	agent_reply(fd, &answer);
	wire_clear(&answer);
	wire_clear(&rest);
	nfstls_diag_clear(&diag);
	return ret;
}

static void answer_sign(int fd, const struct signer *signer, struct wire *request)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_datum_t data, signature = { NULL, 0 };
	struct wire answer = WIRE_INIT;
	gnutls_sign_algorithm_t scheme = wire_get_number(request);
	int ret;

	wire_get(request, &data);
	ret = signer_sign(signer, scheme, &data, &signature, &diag);
	wire_put_outcome(&answer, ret, &diag);
	if (ret == 0)
		wire_put(&answer, signature.data, signature.size);
	agent_reply(fd, &answer);
	wire_clear(&answer);
	gnutls_free(signature.data);
	nfstls_diag_clear(&diag);
}

static void serve(int fd, void *arg)
{
	const struct question *question = arg;
	struct wire request = WIRE_INIT;
	struct signer *signer = NULL;

	if (answer_open(fd, question, &signer) == 0) {
		while (agent_receive(fd, &request)) {
			answer_sign(fd, signer, &request);
			wire_clear(&request);
		}
	}
	if (signer)
		signer_free(signer);
}

/* --- the one who asks --- */

static void get_key(struct wire *answer, struct key_agent *key)
{
	gnutls_sign_algorithm_t scheme;
	unsigned int count = 0;
	char *text;

	key->algorithm = wire_get_number(answer);
	key->bits = (int)wire_get_number(answer);
	while ((scheme = wire_get_number(answer)) != GNUTLS_SIGN_UNKNOWN && count < KEY_SCHEMES_MAX - 1)
		key->schemes[count++] = scheme;
	key->schemes[count] = GNUTLS_SIGN_UNKNOWN;

	text = wire_get_text(answer);
	if (text)
		strncat(key->info.token, text, sizeof(key->info.token) - 1);
	free(text);
	key->info.flags = wire_get_number(answer);
	key->info.always_authenticates = wire_get_number(answer);
	text = wire_get_text(answer);
	if (text)
		strncat(key->info.pin_id, text, sizeof(key->info.pin_id) - 1);
	free(text);
}

static void get_surroundings(struct wire *answer, struct key_surroundings *surroundings)
{
	unsigned int count;

	surroundings->uri = wire_get_text(answer);
	surroundings->token = wire_get_text(answer);
	count = wire_get_number(answer);
	for (unsigned int i = 0; !answer->broken && i < count; i++) {
		void *grown = reallocarray(surroundings->certs, i + 1, sizeof(*surroundings->certs));

		if (!grown) {
			answer->broken = true;
			break;
		}
		surroundings->certs = grown;
		wire_get_copy(answer, &surroundings->certs[i].der);
		surroundings->certs[i].same_id = wire_get_number(answer);
		surroundings->ncerts = i + 1;
	}
}

void key_surroundings_clear(struct key_surroundings *surroundings)
{
	for (unsigned int i = 0; i < surroundings->ncerts; i++)
		gnutls_free(surroundings->certs[i].der.data);
	free(surroundings->certs);
	free(surroundings->uri);
	free(surroundings->token);
	*surroundings = (struct key_surroundings){ .uri = NULL };
}

static int first_answer(struct key_agent *key, struct key_surroundings *surroundings, struct nfstls_diag *diag)
{
	struct wire answer = WIRE_INIT;
	int ret = agent_call(key->agent, NULL, &answer, diag);

	latch_give_room_back();
	if (ret == 0)
		ret = wire_get_outcome(&answer, diag);
	if (ret == 0) {
		get_key(&answer, key);
		latch_forget_refusal(key->info.pin_id);
		if (surroundings)
			get_surroundings(&answer, surroundings);
		if (answer.broken)
			ret = diag_set(diag, NFSTLS_E_MODULE_CRASHED, "the PKCS#11 agent answered nonsense");
	}
	wire_clear(&answer);
	return ret;
}

static int copy_owner(const struct nfstls_identity *identity, const gnutls_datum_t *handle, struct errand_owner *copy)
{
	if (identity && identity->name) {
		copy->identity.keyring = identity->keyring;
		copy->identity.name = strdup(identity->name);
		if (!copy->identity.name)
			return NFSTLS_E_MEMORY;
	}
	return handle ? bytes_copy(handle, &copy->handle) : 0;
}

static void owner_clear(struct errand_owner *owner)
{
	nfstls_identity_clear(&owner->identity);
	bytes_wipe(&owner->handle);
}

int key_agent_open(P11KitUri *uri, const struct nfstls_access *access, const gnutls_datum_t *handle,
		   struct key_surroundings *surroundings, struct key_agent **key, struct nfstls_diag *diag)
{
	static const struct nfstls_access nobody = { .identity = NULL };
	struct question question = { uri, access ? access : &nobody, surroundings != NULL };
	unsigned int timeout_ms = access && access->timeout_ms ? access->timeout_ms : AGENT_TIMEOUT_MS;
	struct key_surroundings found = { .uri = NULL };
	struct key_agent *opened = calloc(1, sizeof(*opened));
	int ret;

	if (!opened)
		return NFSTLS_E_MEMORY;
	ret = copy_owner(question.access->identity, handle, &opened->owner);
	if (ret == 0)
		ret = agent_start(serve, &question, timeout_ms, &opened->agent, diag);
	if (ret < 0) {
		owner_clear(&opened->owner);
		free(opened);
		return ret;
	}
	agent_serve_errands(opened->agent, errand_run, &opened->owner);
	ret = first_answer(opened, surroundings ? &found : NULL, diag);
	if (ret < 0) {
		key_agent_free(opened);
		key_surroundings_clear(&found);
		return ret;
	}
	if (surroundings)
		*surroundings = found;
	*key = opened;
	return 0;
}

void key_agent_free(struct key_agent *key)
{
	agent_release(key->agent);
	owner_clear(&key->owner);
	free(key);
}

int key_agent_sign(struct key_agent *key, gnutls_sign_algorithm_t scheme, const gnutls_datum_t *data,
		   gnutls_datum_t *signature, struct nfstls_diag *diag)
{
	struct wire request = WIRE_INIT, answer = WIRE_INIT;
	int ret;

	wire_put_number(&request, scheme);
	wire_put(&request, data->data, data->size);
	ret = agent_call(key->agent, &request, &answer, diag);
	latch_give_room_back();
	if (ret == 0)
		ret = wire_get_outcome(&answer, diag);
	if (ret == 0) {
		wire_get_copy(&answer, signature);
		if (answer.broken)
			ret = diag_set(diag, NFSTLS_E_MODULE_CRASHED, "the PKCS#11 agent answered nonsense");
	}
	wire_clear(&request);
	wire_clear(&answer);
	return ret;
}

bool key_agent_can(const struct key_agent *key, gnutls_sign_algorithm_t scheme)
{
	for (const gnutls_sign_algorithm_t *can = key->schemes; *can != GNUTLS_SIGN_UNKNOWN; can++)
		if (*can == scheme)
			return true;
	return false;
}
