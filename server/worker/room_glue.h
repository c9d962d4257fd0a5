/* server/worker/room_glue.h: the room logic's orders, carried out: to the engine, and as control lines to the gateway. */
#ifndef SERVER_WORKER_ROOM_GLUE_H
#define SERVER_WORKER_ROOM_GLUE_H

#include "server/room/room_manager.h"
#include "server/worker/control_socket.h"
#include "server/worker/engine.h"

/* What the listener functions get as `arg`; filled before the first room_manager call. */
struct room_glue {
  struct engine *engine;
  struct control_socket *control;
};

extern const struct room_listener room_glue_listener;

#endif
