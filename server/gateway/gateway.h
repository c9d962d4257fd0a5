/* server/gateway/gateway.h: the process that browsers and administrators talk to.
 *
 * It terminates WebSocket and HTTP, checks tokens, turns SDP into JSON and back, and routes messages between a session and
 * the worker where its room lives. It holds nothing it could not rebuild: started again, it asks the workers who is there,
 * and clients resume with their resume keys.
 */
#ifndef SERVER_GATEWAY_GATEWAY_H
#define SERVER_GATEWAY_GATEWAY_H

#include <stdbool.h>

#include "conf/config.h"

/* Runs the gateway until SIGTERM (and, with limits.drain_seconds, until the last call is over). Takes over `config`. `dev`
 * opens /dev/token. Returns the exit status: 0 in order, CHILD_EXIT_SETTINGS when it cannot listen. */
int gateway_main(struct config *config, bool dev);

#endif
