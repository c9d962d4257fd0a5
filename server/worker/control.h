/* server/worker/control.h: the gateway's lines, understood: sessions, requests, queries (server/README.md has the protocol). */
#ifndef SERVER_WORKER_CONTROL_H
#define SERVER_WORKER_CONTROL_H

#include <jansson.h>

#include "server/worker/room_glue.h"

struct control {
  struct room_glue *glue;
  struct room_manager *manager;
  int worker_index;
  bool draining;
};

/* One line from the gateway. Lines that make no sense are ignored and logged: the gateway is ours. */
void control_handle(struct control *control, const json_t *line, int64_t now_us);

/* The first line to a gateway that connected. */
void control_say_hello(const struct control *control, int64_t now_us);

#endif
