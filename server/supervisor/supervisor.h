/* server/supervisor/supervisor.h: the process that starts the others and starts again what dies.
 *
 * It parses nothing from the network, holds no call state and is the only one that knows the secrets' origin. It watches
 * three things: SIGCHLD (a child died: back-off, restart), the gateway's status socket (silent for 5 s: killed; it also
 * names workers that no longer answer), and signals: SIGINT and SIGTERM end (with limits.drain_seconds the first one lets
 * calls finish, the second ends at once), SIGHUP reads the settings again, hands them to the gateway and says which ones
 * need a restart.
 */
#ifndef SERVER_SUPERVISOR_SUPERVISOR_H
#define SERVER_SUPERVISOR_SUPERVISOR_H

#include "server/options.h"

/* Runs until told to end. Returns the exit status: 0 in order, 1 when something could not be started, 2 for settings. */
int supervisor_main(struct options *options);

#endif
