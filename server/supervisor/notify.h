/* server/supervisor/notify.h: systemd's notification protocol (sd_notify(3)), by hand: one datagram of KEY=VALUE lines to
 * the socket that $NOTIFY_SOCKET names. Without it every call is a no-op.
 */
#ifndef SERVER_SUPERVISOR_NOTIFY_H
#define SERVER_SUPERVISOR_NOTIFY_H

#include <stdint.h>

struct notify {
  int fd;              /* -1: nobody listens */
  int64_t watchdog_us; /* how often to send WATCHDOG=1: half of $WATCHDOG_USEC; 0: never */
};

/* Opens the socket. `path` is $NOTIFY_SOCKET ("@" at its start: abstract), `watchdog_usec` and `watchdog_pid` the
 * variables of these names; any may be NULL. Never fails: what cannot be opened is nobody. */
void notify_open(struct notify *n, const char *path, const char *watchdog_usec, const char *watchdog_pid);
void notify_close(struct notify *n);

/* Sends "READY=1\nSTATUS=…" and the like as they are. */
void notify_send(struct notify *n, const char *lines);

/* RELOADING=1 with the MONOTONIC_USEC that sd_notify(3) asks for. READY=1 must follow. */
void notify_reloading(struct notify *n);

#endif
