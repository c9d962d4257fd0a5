/* server/worker/room_glue.c: see the header. */
#include "server/worker/room_glue.h"

#include <string.h>

#include "server/log.h"

static int64_t now(const struct room_glue *glue) {
  return glue->engine->now_us;
}

/* ---- to the gateway ---- */

static void send_line(struct room_glue *glue, const char *op, const char *session, json_t *message) {
  json_t *line = json_pack("{s:s, s:s, s:O}", "op", op, "session", session, "msg", message);
  if (line) control_socket_send(glue->control, line);
  json_decref(line);
}

static void on_reply(void *arg, const char *session, json_t *message) {
  send_line(arg, "reply", session, message);
}

static void on_event(void *arg, const char *const *sessions, size_t count, json_t *message) {
  const struct room_glue *glue = arg;
  if (count == 1) {
    send_line(arg, "event", sessions[0], message);
    return;
  }
  json_t *all = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(all, json_string(sessions[i]));
  json_t *line = json_pack("{s:s, s:o, s:O}", "op", "event", "sessions", all, "msg", message);
  if (line) control_socket_send(glue->control, line);
  json_decref(line);
}

static void on_close(void *arg, const char *session, int code, const char *reason) {
  struct room_glue *glue = arg;
  json_t *line = json_pack("{s:s, s:s, s:i, s:s}", "op", "close", "session", session, "code", code, "reason", reason);
  if (line) control_socket_send(glue->control, line);
  json_decref(line);
}

static void on_session_wait(void *arg, const char *session, bool wait) {
  struct room_glue *glue = arg;
  json_t *line = json_pack("{s:s, s:s, s:b}", "op", "wait", "session", session, "wait", (int)wait);
  if (line) control_socket_send(glue->control, line);
  json_decref(line);
}

/* ---- to the engine ---- */

/* A name for each act, because each has a rate of its own: nobody can lock and unlock until the log leaves out a kick. */
static void on_acted(void *arg, const struct room_act *act) {
  static const struct {
    const char *act, *event;
  } events[] = {{"kick", "audit_kick"},        {"lock", "audit_lock"},
                {"unlock", "audit_unlock"},    {"close", "audit_close"},
                {"mute", "audit_mute"},        {"admit", "audit_admit"},
                {"admitAll", "audit_admit"},   {"declineWaiting", "audit_decline"},
                {"sendBack", "audit_decline"}, {"setPolicy", "audit_policy"}};
  (void)arg;
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    if (strcmp(events[i].act, act->act) != 0) continue;
    log_info(events[i].event, log_text("room", act->room), log_text("by", act->by), log_text("role", act->role),
             log_text("target", act->target ? act->target : ""));
  }
}

static void on_participant_opened(void *arg, const struct room_participant *participant) {
  struct room_glue *glue = arg;
  peer_open(glue->engine, participant); /* without memory its offer is refused below */
}

static void on_media_offer(void *arg, uint32_t participant, const json_t *offer) {
  struct room_glue *glue = arg;
  struct peer *peer = engine_find_peer(glue->engine, participant);
  if (peer) {
    peer_negotiate(peer, offer, now(glue));
  } else {
    room_manager_media_refused(glue->engine->manager, participant, "busy", "out of memory", now(glue));
  }
}

static void on_media_close(void *arg, uint32_t participant) {
  struct room_glue *glue = arg;
  struct peer *peer = engine_find_peer(glue->engine, participant);
  if (peer) peer_close(peer, now(glue));
}

static void on_track_opened(void *arg, const struct room_track *track) {
  struct room_glue *glue = arg;
  track_open(glue->engine, track);
}

static void on_track_closed(void *arg, uint32_t handle) {
  struct room_glue *glue = arg;
  struct track *track = engine_find_track(glue->engine, handle);
  if (track) track_close(track);
}

static void on_track_forwarding(void *arg, uint32_t handle, bool on) {
  struct room_glue *glue = arg;
  struct track *track = engine_find_track(glue->engine, handle);
  if (track) track_set_forwarding(track, on, now(glue));
}

static struct slot *find_slot(const struct room_glue *glue, uint32_t receiver, const char *mid) {
  struct peer *peer = engine_find_peer(glue->engine, receiver);
  struct section *section = peer ? peer_find_section(peer, mid, strlen(mid)) : NULL;
  return section ? section->slot : NULL;
}

static void on_slot_assign(void *arg, uint32_t receiver, const char *mid, uint32_t handle) {
  struct room_glue *glue = arg;
  struct slot *slot = find_slot(glue, receiver, mid);
  if (!slot) return;
  if (handle) slot->view = room_manager_view(glue->engine->manager, receiver, handle);
  slot_assign(slot, handle ? engine_find_track(glue->engine, handle) : NULL, now(glue));
}

static void on_track_view(void *arg, uint32_t receiver, uint32_t handle, const struct room_view *view) {
  struct room_glue *glue = arg;
  struct track *track = engine_find_track(glue->engine, handle);
  for (size_t i = 0; track && i < track->subscriber_count; i++) {
    struct slot *slot = track->subscribers[i];
    if (slot->peer->participant != receiver) continue;
    slot->view = *view;
    slot_choose_layer(slot, now(glue));
  }
}

static void on_forwarding_pause(void *arg, uint32_t participant, bool on) {
  struct room_glue *glue = arg;
  struct peer *peer = engine_find_peer(glue->engine, participant);
  if (peer) peer_pause_tracks(peer, on, now(glue));
}

static void on_layers_wanted(void *arg, uint32_t handle, uint8_t rids) {
  /* The client stops or starts encoding; the engine notices by the packets, and layer choice follows what is live. Only whether
   * a layer that is not there should be is asked of this. */
  struct room_glue *glue = arg;
  struct track *track = engine_find_track(glue->engine, handle);
  if (track) track->wanted = rids;
}

const struct room_listener room_glue_listener = {
    .reply = on_reply,
    .event = on_event,
    .close = on_close,
    .session_wait = on_session_wait,
    .acted = on_acted,
    .participant_opened = on_participant_opened,
    .media_offer = on_media_offer,
    .media_close = on_media_close,
    .track_opened = on_track_opened,
    .track_closed = on_track_closed,
    .track_forwarding = on_track_forwarding,
    .slot_assign = on_slot_assign,
    .track_view = on_track_view,
    .forwarding_pause = on_forwarding_pause,
    .layers_wanted = on_layers_wanted,
};
