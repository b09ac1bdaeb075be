/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device in a process of its own: it includes one header and links nothing.
 *
 * poster SOCKET VECTOR... - take the page that the VMM sends over the
 * descriptor SOCKET, and raise each VECTOR.  Plain C, and C++ as it stands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <virq/poster.h>

int main(int argc, char **argv)
{
	struct virq_poster poster;
	int rc, i;

	if (argc < 2)
		return 2;
	rc = virq_poster_open(&poster, atoi(argv[1]));
	if (rc) {
		fprintf(stderr, "page: %s\n", strerror(-rc));
		return 1;
	}
	for (i = 2; i < argc; i++) {
		rc = virq_poster_raise(&poster, (uint32_t)atoi(argv[i]));
		if (rc < 0) {
			fprintf(stderr, "vector %s: %s\n", argv[i],
				strerror(-rc));
			return 1;
		}
	}
	virq_poster_close(&poster);
	return 0;
}
