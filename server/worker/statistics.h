/* server/worker/statistics.h: the engine's numbers as JSON: for the admin API's rooms and for the metrics.
 *
 * Units are in the names: Bps is bits per second, Us microseconds. Keys are those of server/gateway/openapi.yaml.
 */
#ifndef SERVER_WORKER_STATISTICS_H
#define SERVER_WORKER_STATISTICS_H

#include <jansson.h>

#include "server/worker/engine.h"

/* Adds what the engine knows to each object of room_manager_room(). */
struct room_decorator statistics_decorator(struct engine *engine);

/* All counters and gauges of the worker, flat, for /metrics; a new reference, NULL without memory. */
json_t *statistics_worker(const struct engine *engine);

#endif
