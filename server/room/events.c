/* server/room/events.c: who hears of what. Hidden members hear everything and are never spoken of. */
#include <utlist.h>

#include "server/room/internal.h"

/* Told together: to say the same to each of a large room by itself costs its worker more than the room's media. */
#define TOGETHER 256

void room_broadcast(struct room_manager *m, struct room *r, const struct member *except, const char *name,
                    json_t *fields) {
  json_t *event = signaling_event_json(name, fields);
  const char *sessions[TOGETHER];
  size_t count = 0;
  struct member *to;
  if (!event) return;
  DL_FOREACH(r->members, to) {
    if (to == except || !session_hears(to->session)) continue;
    sessions[count++] = to->session->id;
    if (count < TOGETHER) continue;
    m->listener.event(m->arg, sessions, count, event);
    count = 0;
  }
  if (count) m->listener.event(m->arg, sessions, count, event);
  json_decref(event);
}

void member_announce(struct room_manager *m, const struct member *subject, const char *name, json_t *fields) {
  if (subject->hidden)
    json_decref(fields);
  else
    room_broadcast(m, subject->room, subject, name, fields);
}

void member_event(struct room_manager *m, const struct member *to, const char *name, json_t *fields) {
  json_t *event = signaling_event_json(name, fields);
  session_event(m, to->session, event);
  json_decref(event);
}
