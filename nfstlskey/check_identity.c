/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks say of an identity that is on the keyring. */
#include "config.h"

#include <string.h>

#include "checks.h"

static int read_material(const struct identity_keys *keys, struct material *material)
{
	static const enum part parts[] = { PART_CERT, PART_PRIVKEY, PART_CHAIN };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (keys->serial[parts[i]] > 0)
			ret = keyring_read(keys->serial[parts[i]], &material->part[parts[i]]);
	return ret;
}

void check_identity(const struct keyring *keyring, const char *name, const struct identity_keys *keys,
		    enum anchor anchor, const struct cert_list *roots, struct findings *findings)
{
	struct nfstls_identity identity = { (char *)name, keyring->serial };
	const struct nfstls_access access = { .identity = &identity };
	struct material material = { .part = { { NULL, 0 } } };
	const struct check_request request = {
		.material = &material, .access = &access, .anchor = anchor, .roots = *roots
	};
	struct nfstls_key_info info;
	int ret = read_material(keys, &material);

	*findings = (struct findings){ .is_on_token = nfstls_handle_detect(&material.part[PART_PRIVKEY]) };
	if (ret < 0)
		findings_add(findings, CHECK_IDENTITY, VERDICT_FAILED, EXIT_OTHER, "its keys cannot be read: %s",
			     strerror(-ret));
	else if (material.part[PART_CERT].size == 0 || material.part[PART_PRIVKEY].size == 0)
		findings_add(findings, CHECK_IDENTITY, VERDICT_FAILED, EXIT_NOT_FOUND,
			     "half of it is missing; use nfstlskey update, or remove it and add it again");
	else
		checks_run(&request, findings, &info);
	material_clear(&material);
}
