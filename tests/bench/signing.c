/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to open a key and sign once, in several ways. Each time in a child of its own, as in tlshd, and one way
 * after the other, in an order that changes, so that what else the machine does falls on all of them. Prints a line for
 * each run: the way, the ms from the fork (unless the way says from when on) until there was a signature, and until all
 * was closed and the child gone, and the ms of a processor that the child and its own children had.
 */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ways.h"

struct key key;
struct times *times;

double clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double usage_ms(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/* WAY[+TEXT]=WHAT */
static const struct way *find_way(const char *word)
{
	for (size_t i = 0; i < ways_count; i++) {
		size_t len = strlen(ways[i].name);

		if (strncmp(word, ways[i].name, len) == 0 && (word[len] == '=' || word[len] == '+'))
			return &ways[i];
	}
	errx(2, "%s is no way", word);
}

static void measure(const char *word)
{
	const struct way *way = find_way(word);
	const char *what = strchr(word, '=');
	struct rusage usage;
	pid_t child;
	int status;

	if (!what)
		errx(1, "%s", word);
	if (way->prepare)
		way->prepare(what + 1);
	times->begin = clock_ms();
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		way->run(what + 1);
		_exit(0);
	}
	if (wait4(child, &status, 0, &usage) < 0 || status != 0)
		errx(1, "%s has failed", word);
	printf("%.*s %.3f %.3f %.3f\n", (int)(what - word), word, times->signature - times->begin,
	       clock_ms() - times->begin, usage_ms(&usage));
}

static void read_key(char **words)
{
	gnutls_datum_t pin;

	key.scheme = strcmp(words[0], "rsa") == 0 ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_ECDSA_SHA256;
	key.text = words[1];
	key.uri = p11_kit_uri_new();
	if (p11_kit_uri_parse(key.text, P11_KIT_URI_FOR_ANY, key.uri) != P11_KIT_URI_OK)
		errx(2, "%s is no URI", key.text);
	key.pin_file = words[2];
	need(key.pin_file, gnutls_load_file(key.pin_file, &pin));
	snprintf(key.pin, sizeof(key.pin), "%.*s", (int)strcspn((char *)pin.data, "\n"), (char *)pin.data);
}

/* What one way leaves behind, such as a server that ends, is not to fall on the same next one each time. */
static void shuffle(char **words, int count)
{
	for (int i = count - 1; i > 0; i--) {
		int other = random() % (i + 1);
		char *word = words[i];

		words[i] = words[other];
		words[other] = word;
	}
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		fprintf(stderr, "signing ROUNDS rsa|ecdsa URI PIN-FILE WAY[+TEXT]=WHAT...\n");
		return 2;
	}
	read_key(argv + 2);
	times = mmap(NULL, sizeof(*times), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (times == MAP_FAILED)
		err(1, "mmap");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int round = atoi(argv[1]); round > 0; round--) {
		shuffle(argv + 5, argc - 5);
		for (int i = 5; i < argc; i++)
			measure(argv[i]);
	}
	return 0;
}
