/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identities, with their modules, tokens, PINs and certificates: as verify has it, but only what is not well. */
#include "config.h"

#include "doctor.h"
#include "idfile.h"

static void say_none(struct doctor *doctor)
{
	const char *identity = doctor->args->identity;
	struct idfile_list files = { .files = NULL };

	if (identity)
		doctor_say(doctor, "identity", identity, VERDICT_FAILED, EXIT_NOT_FOUND,
			   "it is not on the keyring; nfstlskey add it, or nfstlskey load %s where it has a file",
			   identity);
	else if (idfile_list(idfile_folders, &files) == 0 && files.count > 0)
		doctor_say(doctor, "identity", NULL, VERDICT_FAILED, EXIT_NOT_FOUND,
			   "there is none on the keyring, but %zu file(s); nfstlskey load --all", files.count);
	else
		doctor_say(doctor, "identity", NULL, VERDICT_FAILED, EXIT_NOT_FOUND,
			   "there is none; nfstlskey add makes one");
	idfile_list_clear(&files);
}

void doctor_check(struct doctor *doctor)
{
	static const struct cert_list no_roots = { .count = 0 };
	const struct identity_list *list = &doctor->identities;

	/* whom the server trusts it says itself, if it is asked */
	for (size_t i = 0; i < list->count; i++) {
		struct findings *findings = &doctor->findings[i];

		check_identity(&doctor->keyring, list->names[i], &list->keys[i], ANCHOR_NONE, &no_roots, findings);
		doctor->has_handles |= findings->is_on_token;
	}
}

static void say_findings(struct doctor *doctor, const char *identity, const struct findings *findings)
{
	bool is_fine = true;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		if (finding->verdict == VERDICT_OK)
			continue;
		is_fine = false;
		doctor_say(doctor, check_names[finding->check], identity, finding->verdict, finding->code, "%s",
			   finding->detail ? finding->detail : "out of memory");
	}
	if (is_fine)
		doctor_say(doctor, "identity", identity, VERDICT_OK, EXIT_OK,
			   "key and certificate work; see nfstlskey verify %s", identity);
}

void doctor_identities(struct doctor *doctor)
{
	const struct identity_list *list = &doctor->identities;

	if (doctor->keyring.serial > 0 && list->count == 0)
		say_none(doctor);
	for (size_t i = 0; i < list->count; i++)
		say_findings(doctor, list->names[i], &doctor->findings[i]);
	if (list->count == 1 && findings_code(&doctor->findings[0]) == EXIT_OK)
		doctor->presented = list->names[0];
}
