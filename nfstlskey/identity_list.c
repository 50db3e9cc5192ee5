/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "identity.h"

int list_identities(const struct keyring *keyring, struct identity_list *list)
{
	bool finished = false;
	int ret = keyring_list(keyring, list);

	for (size_t i = 0; ret == 0 && i < list->count; i++) {
		if (list->keys[i].serial[PART_NEXT] == 0)
			continue;
		/* a name that is gone by now is for the second look */
		lookup_identity(keyring, list->names[i], &list->keys[i]);
		finished = true;
	}
	if (!finished)
		return ret;
	identity_list_clear(list);
	return keyring_list(keyring, list);
}
