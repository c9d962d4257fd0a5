/* server/calls/notice.c: the words of calls, and their events as JSON. */
#include "server/calls/calls.h"

const char *calls_state_name(enum calls_state state) {
  static const char *const names[CALLS_STATE_COUNT] = {"unreachable", "ringing",   "accepted",  "declined",
                                                       "busy",        "cancelled", "timed_out", "caller_gone"};
  return (unsigned)state < CALLS_STATE_COUNT ? names[state] : "unknown";
}

const char *calls_end_name(enum calls_end end) {
  static const char *const names[CALLS_END_COUNT] = {"answered",  "accepted_elsewhere", "declined",   "busy",
                                                     "cancelled", "timed_out",          "caller_gone"};
  return (unsigned)end < CALLS_END_COUNT ? names[end] : "unknown";
}

static json_t *invitees_json(const struct calls_view *view) {
  json_t *list = json_array();
  for (size_t i = 0; i < view->invitee_count; i++)
    json_array_append_new(list, json_pack("{s:s, s:s}", "identity", view->invitees[i].identity, "state",
                                          calls_state_name(view->invitees[i].state)));
  return list;
}

static json_t *incoming_json(const struct calls_view *view, int64_t wall_us) {
  return json_pack("{s:s, s:{s:s, s:s, s:s}, s:s, s:b, s:s*, s:I}", "call", view->call, "from", "identity",
                   view->identity, "name", view->name, "role", view->role, "room", view->room, "video",
                   (int)view->video, "message", view->message, "expiresAt",
                   (json_int_t)((view->expires_us + wall_us) / 1000));
}

static json_t *outgoing_json(const struct calls_view *view, int64_t wall_us) {
  return json_pack("{s:s, s:s, s:b, s:I, s:o}", "call", view->call, "room", view->room, "video", (int)view->video,
                   "expiresAt", (json_int_t)((view->expires_us + wall_us) / 1000), "to", invitees_json(view));
}

static json_t *sync_json(const struct calls_notice *n, int64_t wall_us) {
  json_t *incoming = json_array(), *outgoing = json_array();
  if (n->incoming) json_array_append_new(incoming, incoming_json(n->incoming, wall_us));
  for (size_t i = 0; i < n->outgoing_count; i++)
    json_array_append_new(outgoing, outgoing_json(&n->outgoing[i], wall_us));
  return json_pack("{s:o, s:o}", "incoming", incoming, "outgoing", outgoing);
}

json_t *calls_notice_json(const struct calls_notice *n, int64_t wall_us) {
  switch (n->kind) {
    case CALLS_INCOMING:
      return signaling_event_json("incomingCall", incoming_json(n->view, wall_us));
    case CALLS_RINGS:
      return signaling_event_json("callRinging", json_pack("{s:s, s:s}", "call", n->call, "to", n->identity));
    case CALLS_ACCEPT:
      return signaling_event_json("callAccepted", json_pack("{s:s, s:s, s:s*, s:b}", "call", n->call, "by", n->identity,
                                                            "name", n->name, "video", (int)n->video));
    case CALLS_DECLINE:
      return signaling_event_json("callDeclined", json_pack("{s:s, s:s, s:b, s:s*}", "call", n->call, "by", n->identity,
                                                            "busy", (int)n->busy, "reason", n->reason));
    case CALLS_ENDED:
      return signaling_event_json("callEnded",
                                  json_pack("{s:s, s:s, s:o*}", "call", n->call, "reason", calls_end_name(n->end), "to",
                                            n->view ? invitees_json(n->view) : NULL));
    case CALLS_SYNC:
      return signaling_event_json("callSync", sync_json(n, wall_us));
  }
  return NULL;
}
