/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network namespaces that have a name, and our own. */
#ifndef NETNS_LIST_H
#define NETNS_LIST_H

#include <stddef.h>

/* What ip-netns(8) calls the namespace that we are in; NULL: nothing, or errno is not 0. For free(). */
char *netns_own_name(void);

/* The names of the other ones, in their order. 0 or a negative errno value; none is no error. */
int netns_others(char ***names, size_t *count);
void netns_names_free(char **names, size_t count);

#endif
