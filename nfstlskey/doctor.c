/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why does it not mount? The whole way, step by step, with what to do about each that is not well. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

enum column { COL_STEP, COL_SUBJECT, COL_RESULT, COL_DETAIL, COL_COUNT };

static const struct table_column columns[COL_COUNT] = {
	[COL_STEP] = { "STEP" },
	[COL_SUBJECT] = { "SUBJECT" },
	[COL_RESULT] = { "RESULT" },
	[COL_DETAIL] = { "DETAIL" },
};

static void (*const steps[])(struct doctor *doctor) = {
	doctor_kernel, doctor_keyring, doctor_check,	  doctor_tlshd,
	doctor_mount,  doctor_clock,   doctor_identities, doctor_server,
};

void doctor_say(struct doctor *doctor, const char *step, const char *subject, enum verdict verdict, enum exit_code code,
		const char *format, ...)
{
	struct libscols_line *line = scols_table_new_line(doctor->table, NULL);
	char *detail = NULL;
	va_list args;

	if (verdict == VERDICT_FAILED && doctor->code == EXIT_OK)
		doctor->code = code;
	va_start(args, format);
	if (!line || vasprintf(&detail, format, args) < 0)
		detail = NULL;
	va_end(args);
	/* an empty field, or no line, where there was no memory: the exit status stands */
	if (!line)
		return;
	table_set(line, COL_STEP, strdup(step));
	if (subject)
		table_set(line, COL_SUBJECT, strdup(subject));
	table_set(line, COL_RESULT, strdup(verdict_names[verdict]));
	table_set(line, COL_DETAIL, detail);
}

static void doctor_clear(struct doctor *doctor)
{
	for (size_t i = 0; doctor->findings && i < doctor->identities.count; i++)
		findings_clear(&doctor->findings[i]);
	free(doctor->findings);
	scols_unref_table(doctor->table);
	identity_list_clear(&doctor->identities);
	free(doctor->trust_name);
	free(doctor->trust_file);
}

enum exit_code cmd_doctor(const struct arguments *args)
{
	struct doctor doctor = { .args = args };
	enum exit_code code, printed;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, args->identity, "the .nfs keyring belongs to root; run it as root");
	code = table_new("steps", columns, COL_COUNT, COL_COUNT, args, &doctor.table);
	if (code != EXIT_OK)
		return code;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i](&doctor);
	printed = table_print(doctor.table, "steps", args);
	code = doctor.code;
	doctor_clear(&doctor);
	return printed != EXIT_OK ? printed : code;
}
