/* server/child.h: what the supervisor's children (gateway, workers) find when they start.
 *
 * The supervisor runs `consilium gateway` and `consilium worker N` from its own binary. Settings, secrets included, come
 * as YAML in a memfd at CHILD_CONFIG_FD, never by argument or environment. CHILD_STATUS_FD is a SOCK_SEQPACKET socket to
 * the supervisor; the gateway tells it, one short text a packet:
 *   ready                  it listens and every worker said hello (once a life)
 *   alive ROOMS PEOPLE     once a second; a gateway silent for CHILD_SILENCE_SECONDS is killed and started again
 *   stalled N              worker N has not answered for as long: the supervisor kills it
 * On SIGHUP the memfd already holds the new settings. A child starts with SIGHUP blocked, so that none comes too early.
 */
#ifndef SERVER_CHILD_H
#define SERVER_CHILD_H

#include "conf/config.h"

#define CHILD_CONFIG_FD       3
#define CHILD_STATUS_FD       4
#define CHILD_CERTIFICATE_FD  5 /* --lan only: PEM in memfds, which the settings name as /proc/self/fd/5 and 6 */
#define CHILD_KEY_FD          6
#define CHILD_SILENCE_SECONDS 5

/* Exit code of a child that cannot work with its settings (a port in use): at the first start the server ends. */
#define CHILD_EXIT_SETTINGS   2

/* First thing in a child: dies with the supervisor, cannot be traced or dumped, takes `name` (for ps). Returns 0, or -1
 * when the supervisor is gone already or the inherited descriptors are missing. */
int child_begin(const char *name);

/* Reads the settings from CHILD_CONFIG_FD. Same results as config_load_text. */
int child_read_config(struct config **out, char message[CONFIG_MESSAGE_BYTES]);

/* What SIGHUP asks for: reads them again and sets the log to its level and format under this process's name. NULL when they
 * cannot be read (which is logged): the caller keeps what it has. The result is the caller's, to be freed with config_free(). */
struct config *child_reload(const char *process);

/* Call once SIGHUP has its handler; one that came before is delivered now. */
void child_hear_reload(void);

/* Tells the supervisor; never blocks, and what does not fit is lost (the next `alive` comes in a second). */
void child_tell(const char *text);

#endif
