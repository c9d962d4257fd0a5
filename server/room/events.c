/* server/room/events.c: who hears of what. Hidden members hear everything and are never spoken of. */
#include <utlist.h>

#include "server/room/internal.h"

void room_broadcast(struct room_manager *m, struct room *r, const struct member *except, const char *name,
                    json_t *fields) {
  json_t *event = signaling_event_json(name, fields);
  struct member *to;
  DL_FOREACH(r->members, to) {
    if (to != except) session_event(m, to->session, event);
  }
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
