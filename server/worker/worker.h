/* server/worker/worker.h: a media worker: one process, one loop, one UDP port, and the rooms placed on it.
 *
 * The supervisor starts it. It binds `media port + index`, listens for the gateway at `<runtime directory>/worker-N.sock`,
 * and runs until SIGTERM or SIGINT, or until the process that started it is gone. On SIGHUP it takes the log's level and format anew;
 * no other setting of media can change while people talk.
 */
#ifndef SERVER_WORKER_WORKER_H
#define SERVER_WORKER_WORKER_H

#include "conf/config.h"

struct worker_options {
  int index;                   /* 0, 1, …: which port and which socket name */
  const struct config *config; /* finished; borrowed for the whole run      */
  const char *name;            /* of the process in the log; borrowed, too  */
};

/* Runs the worker. Returns the process's exit status: 0 after an orderly end, 1 when it could not start (said in the log). */
int worker_main(const struct worker_options *options);

#endif
