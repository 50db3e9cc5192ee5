/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What identities there are: one pass over the keys of the .nfs keyring. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "keyring.h"
#include "nfstls-p11.h"

/* One key that belongs to an identity. */
struct entry {
	char *name;
	enum part part;
	int32_t serial;
};

/* Whose key it is. A key that is none of ours, or that went while we look, gives no name. */
static int read_entry(int32_t serial, struct entry *entry)
{
	char *part;
	int ret;

	*entry = (struct entry){ .serial = serial };
	ret = nfstls_keyring_identity(serial, &entry->name, &part);
	if (ret < 0)
		return ret == NFSTLS_E_MEMORY ? -ENOMEM : 0;
	while (entry->part < PART_COUNT && strcmp(part, keyring_part_names[entry->part]) != 0)
		entry->part++;
	free(part);
	if (entry->part == PART_COUNT) {
		free(entry->name);
		entry->name = NULL;
	}
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int read_entries(const key_serial_t *serials, size_t count, struct entry **entries, size_t *nentries)
{
	struct entry *list = calloc(count + 1, sizeof(*list));
	size_t have = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int ret = read_entry(serials[i], &list[have]);

		if (ret < 0) {
			while (have > 0)
				free(list[--have].name);
			free(list);
			return ret;
		}
		have += list[have].name != NULL;
	}
	qsort(list, have, sizeof(*list), compare_entries);
	*entries = list;
	*nentries = have;
	return 0;
}

/* Entries with one name, which stand together, become one identity. Takes the names over. */
static int merge_entries(struct entry *entries, size_t nentries, struct identity_list *list)
{
	list->count = 0;
	list->names = calloc(nentries + 1, sizeof(*list->names));
	list->keys = calloc(nentries + 1, sizeof(*list->keys));
	if (!list->names || !list->keys) {
		for (size_t i = 0; i < nentries; i++)
			free(entries[i].name);
		identity_list_clear(list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nentries; i++) {
		if (list->count > 0 && strcmp(list->names[list->count - 1], entries[i].name) == 0)
			free(entries[i].name);
		else
			list->names[list->count++] = entries[i].name;
		list->keys[list->count - 1].serial[entries[i].part] = entries[i].serial;
	}
	return 0;
}

int keyring_list(const struct keyring *keyring, struct identity_list *list)
{
	struct entry *entries;
	void *serials;
	size_t nentries;
	int size, ret;

	size = keyctl_read_alloc(keyring->serial, &serials);
	if (size < 0)
		return -errno;
	ret = read_entries(serials, size / sizeof(key_serial_t), &entries, &nentries);
	free(serials);
	if (ret < 0)
		return ret;
	ret = merge_entries(entries, nentries, list);
	free(entries);
	return ret;
}

void identity_list_clear(struct identity_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	free(list->keys);
	*list = (struct identity_list){ .count = 0 };
}
