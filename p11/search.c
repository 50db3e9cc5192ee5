/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>

#include "agent.h"
#include "search.h"

/* No module comes near it; it bounds what one gone wrong makes us take. */
#define SLOTS_MAX 100000

/*
 * Of the module and the slot a URI seldom says anything, and then it matches one that nothing is known of. Each question
 * that is not asked is a round trip less to a token behind a network.
 */
static bool module_matches(P11KitUri *uri, CK_FUNCTION_LIST *funcs)
{
	/* the version that p11-kit has for none; 0.0 may be asked for */
	CK_INFO info = { .libraryVersion = { 0xff, 0xff } };

	return p11_kit_uri_match_module_info(uri, &info) ||
	       (funcs->C_GetInfo(&info) == CKR_OK && p11_kit_uri_match_module_info(uri, &info));
}

static bool slot_matches(P11KitUri *uri, CK_FUNCTION_LIST *funcs, CK_SLOT_ID slot)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
	CK_SLOT_INFO info = { .flags = 0 };

	if (wanted != (CK_SLOT_ID)-1 && wanted != slot)
		return false;
	return p11_kit_uri_match_slot_info(uri, &info) ||
	       (funcs->C_GetSlotInfo(slot, &info) == CKR_OK && p11_kit_uri_match_slot_info(uri, &info));
}

static int list_slots(const struct module *module, CK_SLOT_ID **slots, CK_ULONG *count, struct nfstls_diag *diag)
{
	CK_ULONG room = 0, found;
	CK_SLOT_ID *list;
	CK_RV rv;

	agent_step(module->path, "C_GetSlotList");
	rv = module->funcs->C_GetSlotList(CK_TRUE, NULL, &room);
	if (rv == CKR_OK && room > SLOTS_MAX)
		rv = CKR_GENERAL_ERROR;
	if (rv != CKR_OK)
		return diag_rv(diag, rv, module->path, "C_GetSlotList");
	list = calloc(room + 1, sizeof(*list));
	if (!list)
		return NFSTLS_E_MEMORY;
	found = room;
	rv = module->funcs->C_GetSlotList(CK_TRUE, list, &found);
	if (rv != CKR_OK) {
		free(list);
		return diag_rv(diag, rv, module->path, "C_GetSlotList");
	}
	*slots = list;
	/* a module that says more than there was room for is not believed */
	*count = found < room ? found : room;
	return 0;
}

/* *visited gets what the visitor returned. */
static int visit_module(P11KitUri *uri, const struct module *module, token_visitor *visit, void *arg, int *visited,
			struct nfstls_diag *diag)
{
	CK_ULONG count = 0;
	CK_SLOT_ID *slots = NULL;
	int ret;

	if (!module_matches(uri, module->funcs))
		return 0;
	ret = list_slots(module, &slots, &count, diag);
	if (ret < 0)
		return ret;
	for (CK_ULONG i = 0; *visited == 0 && i < count; i++) {
		struct token token = { .module = *module, .slot = slots[i] };

		if (slot_matches(uri, module->funcs, slots[i]) &&
		    module->funcs->C_GetTokenInfo(slots[i], &token.info) == CKR_OK &&
		    p11_kit_uri_match_token_info(uri, &token.info))
			*visited = visit(&token, arg, diag);
	}
	free(slots);
	return 0;
}

int tokens_visit(P11KitUri *uri, token_visitor *visit, void *arg, size_t *modules, struct nfstls_diag *diag)
{
	struct module *list = NULL;
	int ret, first = 0, visited = 0;

	*modules = 0;
	ret = modules_for_uri(uri, &list, modules, diag);
	for (size_t i = 0; ret == 0 && visited == 0 && i < *modules; i++) {
		int failed = visit_module(uri, &list[i], visit, arg, &visited, first ? NULL : diag);

		if (first == 0)
			first = failed;
	}
	free(list);
	if (ret < 0)
		return ret;
	return visited < 0 ? visited : first;
}
