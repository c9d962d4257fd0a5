/* tests/server/worker/harness_internal.h: what the harness's files share. */
#ifndef TESTS_SERVER_WORKER_HARNESS_INTERNAL_H
#define TESTS_SERVER_WORKER_HARNESS_INTERNAL_H

#include "ice/sctp_association.h"
#include "tests/server/worker/engine_harness.h"

/* Opens the member's socket. */
void harness_bind(struct browser *m);

#endif
