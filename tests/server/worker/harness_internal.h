/* tests/server/worker/harness_internal.h: what the harness's files share. */
#ifndef TESTS_SERVER_WORKER_HARNESS_INTERNAL_H
#define TESTS_SERVER_WORKER_HARNESS_INTERNAL_H

#include "ice/sctp_association.h"
#include "tests/server/worker/engine_harness.h"

/* Opens the member's socket. */
void harness_bind(struct browser *m);
/* A packet meets the member's link. False: it never arrives. */
bool link_carries(struct browser *m, const struct rtp_extension_values *x, size_t len);
/* What has arrived by now is noted, and reported when that is due. */
void link_report(struct browser *m);

#endif
