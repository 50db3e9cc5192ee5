/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conduct.h"

static const struct word {
	const char *name;
	size_t place;
} words[] = {
	{ "answer", offsetof(struct conduct, answer) },	  { "tls", offsetof(struct conduct, tls) },
	{ "cut", offsetof(struct conduct, cut) },	  { "versions", offsetof(struct conduct, versions) },
	{ "schemes", offsetof(struct conduct, schemes) }, { "cert", offsetof(struct conduct, cert) },
	{ "ca", offsetof(struct conduct, ca) },		  { "ask", offsetof(struct conduct, ask) },
	{ "alpn", offsetof(struct conduct, alpn) },	  { "inside", offsetof(struct conduct, inside) },
	{ "leaves", offsetof(struct conduct, leaves) },	  { "tickets", offsetof(struct conduct, tickets) },
};

static int take(char *text, struct conduct *conduct)
{
	const char *value = strsep(&text, "=");

	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i].name) != 0)
			continue;
		*(const char **)((char *)conduct + words[i].place) = text;
		return 0;
	}
	fprintf(stderr, "odd_server: what is '%s'?\n", value);
	return -1;
}

static char *first_line(const char *file)
{
	FILE *stream = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;

	if (!stream || getline(&line, &size, stream) < 0) {
		perror(file);
		free(line);
		line = NULL;
	}
	if (stream)
		fclose(stream);
	return line;
}

int conduct_read(const char *file, struct conduct *conduct, char **line)
{
	char *rest, *word;
	int ret = 0;

	*line = rest = first_line(file);
	if (!rest)
		return -1;
	rest[strcspn(rest, "\n")] = '\0';
	*conduct = (struct conduct){ .answer = "starttls",
				     .versions = "+VERS-TLS1.3",
				     .schemes = "+SIGN-ALL",
				     .ask = "may",
				     .alpn = "sunrpc",
				     .inside = "plain" };
	while (ret == 0 && (word = strsep(&rest, ",")))
		ret = take(word, conduct);
	return ret;
}
