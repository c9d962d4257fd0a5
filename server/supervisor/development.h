/* server/supervisor/development.h: what --dev and --lan add: generated settings, a certificate, links to click.
 */
#ifndef SERVER_SUPERVISOR_DEVELOPMENT_H
#define SERVER_SUPERVISOR_DEVELOPMENT_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/config.h"

#define DEVELOPMENT_ADDRESSES_MAX 16

/* Numeric addresses of this machine's interfaces that others can reach; loopback and link-local are left out. */
struct development_addresses {
  char text[DEVELOPMENT_ADDRESSES_MAX][46];
  size_t count;
};
void development_find_addresses(struct development_addresses *out);

/* YAML with fresh random secrets and a runtime directory's name; with `lan` also public listening, the announced
 * addresses and the certificate's descriptors as paths. malloc'd; NULL and words in `why` when it cannot be made. */
char *development_settings(const struct development_addresses *addresses, bool lan, char *why, size_t capacity);

/* A self-signed ECDSA P-256 certificate for localhost and `addresses`, valid for 30 days, and its key, both as PEM in
 * memfds. Returns 0 and the descriptors, or -1. Nothing is written to a disk. */
int development_certificate(const struct development_addresses *addresses, int *certificate_fd, int *key_fd);

/* --dev without --lan must not be reachable from elsewhere. Returns 0, or -1 and words in `why`. */
int development_refuse_public(const struct config *c, char *why, size_t capacity);

/* The links: doctor, patient, second doctor, administrator, for `base` ("http://localhost:8080"). */
void development_print_links(const struct config *c, const char *base, FILE *to);

/* "http://localhost:8080" for what the first http.listen address and TLS make of it. */
void development_base_url(const struct config *c, char *url, size_t capacity);

#endif
