/* server/version.h: what this binary is and what it runs with. */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#include <stdio.h>

struct argp_state;

extern const char version_number[]; /* "0.1.0" */
extern const char version_commit[]; /* "cad08d6", "unknown" outside a checkout */

/* `--version`: number, commit, and the versions of the libraries that are loaded, a line each. */
void version_print(FILE *to, struct argp_state *state);

#endif
