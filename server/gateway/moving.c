/* Gives a session another room: by a call that it makes or accepts; or none, when its room is closed. It leaves the worker of
 * the old room and is opened, with the same id and resume key, where the new one lives. */
#include <stdlib.h>
#include <string.h>

#include "server/gateway/internal.h"
#include "server/log.h"

struct barrier {
  struct gateway *g;
  char session[SESSION_ID_BYTES];
};

static void passed(void *arg, json_t *value, const char *code, const char *message) {
  struct barrier *b = arg;
  struct session *s = session_table_find(&b->g->sessions, b->session);
  (void)value;
  (void)code;
  (void)message;
  if (s && s->deaf > 0) s->deaf--;
  free(b);
}

/* Old and new room live on the same worker: what it said of the old one before it heard of the move must not be taken for
 * the new one's. Lines keep their order, so all of that has come when this question is answered. */
static void raise_barrier(struct gateway *g, struct session *s) {
  struct barrier *b = calloc(1, sizeof *b);
  if (!b) return;
  b->g = g;
  (void)snprintf(b->session, sizeof b->session, "%s", s->id);
  s->deaf++;
  query_send(g, s->worker, "barrier", NULL, passed, b);
}

static void leave_room(struct gateway *g, struct session *s, int target) {
  int64_t ids[SESSION_PENDING_MAX];
  size_t count = session_pending_drop(s, ids);
  for (size_t i = 0; i < count; i++)
    clients_send(s, signaling_error_encode(ids[i], SIGNALING_NOT_JOINED, NULL));
  if (s->worker < 0) return;
  workers_tell(g, s, "end");
  room_directory_session_removed(g->directory, s->room, gateway_now_us());
  if (s->worker == target) raise_barrier(g, s);
  s->worker = -1;
}

enum signaling_error sessions_move(struct gateway *g, struct session *s, const char *room, bool admitted) {
  if (s->joined && strcmp(s->room, room) == 0) return SIGNALING_OK;
  if (g->draining && room_directory_find(g->directory, room) < 0) return SIGNALING_DRAINING;
  int target = room_directory_place(g->directory, room);
  if (target == ROOM_DIRECTORY_FULL) return SIGNALING_BUSY;
  if (target == ROOM_DIRECTORY_MEMORY) return SIGNALING_INTERNAL;
  if (target < 0 || !worker_link_is_up(g->workers[target].link)) return SIGNALING_WORKER_LOST;
  leave_room(g, s, target);
  (void)snprintf(s->room, sizeof s->room, "%s", room);
  s->admitted = admitted;
  s->wait = s->home_wait && !admitted;
  s->joined = false;
  /* Its worker was there a moment ago; if it died since, the session waits for the next one as all others do. */
  if (workers_open_session(g, s) != SIGNALING_OK) s->media_lost = true;
  log_info("session_moved", log_text("session", s->id), log_number("worker", s->worker));
  return SIGNALING_OK;
}

bool sessions_return(struct gateway *g, struct session *s) {
  if (*s->home || !s->client) return false;
  leave_room(g, s, -1); /* the worker has said its last of the room: no barrier */
  s->room[0] = '\0';
  s->admitted = false;
  s->wait = s->home_wait;
  workers_session_left(g, s);
  if (workers_open_session(g, s) != SIGNALING_OK) s->media_lost = true;
  log_info("session_returned", log_text("session", s->id), log_number("worker", s->worker));
  return true;
}
