/* The room logic of a simulated server: see tests/sim/control.h. */
#include "tests/sim/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sfu.h"

#define MICROPHONE "mic"
#define CAMERA     "cam"
#define AUDIO_SLOT "a"
#define VIDEO_SLOT "v"

static int64_t now(const struct sim_control *c) {
  return c->sfu->clock->now_us;
}

static void session_name(char out[16], int member) {
  (void)snprintf(out, 16, "s_%d", member);
}

/* ---- what the room says ---- */

static void on_reply(void *arg, const char *session, json_t *message) {
  (void)arg;
  const json_t *error = json_object_get(message, "error");
  if (!error) return;
  fprintf(stderr, "%s: %s\n", session, json_string_value(json_object_get(error, "code")));
  abort();
}

static void on_event(void *arg, const char *session, json_t *message) {
  struct sim_control *c = arg;
  (void)session;
  const char *name = json_string_value(json_object_get(message, "event"));
  c->audio_only_told += strcmp(name, "audioOnly") == 0;
}

static void on_close(void *arg, const char *session, int code, const char *reason) {
  (void)arg;
  (void)session;
  (void)code;
  (void)reason;
}

static void on_wait(void *arg, const char *session, bool wait) {
  (void)arg;
  (void)session;
  (void)wait;
}

static void on_acted(void *arg, const struct room_act *act) {
  (void)arg;
  (void)act;
}

static void on_participant_opened(void *arg, const struct room_participant *p) {
  struct sim_control *c = arg;
  if (c->member_count == CONTROL_MEMBERS) abort();
  c->members[c->member_count++] = p->participant;
}

static void on_offer(void *arg, uint32_t participant, const json_t *offer) {
  (void)offer;
  struct sim_control *c = arg;
  bool publishes = participant == c->members[0];
  struct room_sender senders[2] = {
      {.mid = MICROPHONE, .kind = ROOM_AUDIO, .codec = "opus"},
      {.mid = CAMERA, .kind = ROOM_VIDEO, .rid_count = SIM_LAYERS, .rids = {"q", "h", "f"}, .codec = "VP8"}};
  struct room_slot slots[2] = {{.mid = AUDIO_SLOT, .kind = ROOM_AUDIO}, {.mid = VIDEO_SLOT, .kind = ROOM_VIDEO}};
  struct room_negotiation n = {
      .senders = senders, .sender_count = publishes ? 2 : 0, .slots = slots, .slot_count = publishes ? 0 : 2};
  json_t *answer = json_pack("{s:s}", "setup", "passive");
  if (room_manager_media_negotiated(c->manager, participant, answer, &n, now(c))) abort();
  json_decref(answer);
}

static void on_media_close(void *arg, uint32_t participant) {
  (void)arg;
  (void)participant;
}

static void on_track_opened(void *arg, const struct room_track *track) {
  struct sim_control *c = arg;
  if (track->kind == ROOM_AUDIO) c->microphone = track->track;
  if (track->kind == ROOM_AUDIO) return;
  c->camera = track->track;
  (void)snprintf(c->camera_id, sizeof c->camera_id, "%s", track->id);
}

static void on_track_closed(void *arg, uint32_t track) {
  (void)arg;
  (void)track;
}

static void on_forwarding(void *arg, uint32_t track, bool on) {
  (void)arg;
  (void)track;
  if (!on) abort(); /* nobody mutes here */
}

static struct sfu_receiver *receiver_of(struct sim_control *c, uint32_t handle) {
  for (int i = 1; i < c->member_count; i++) {
    if (c->members[i] == handle) return &c->sfu->receivers[i - 1];
  }
  abort();
}

static void on_slot_assign(void *arg, uint32_t receiver, const char *mid, uint32_t track) {
  struct sim_control *c = arg;
  struct sfu_receiver *r = receiver_of(c, receiver);
  bool video = strcmp(mid, VIDEO_SLOT) == 0;
  if (track && track != (video ? c->camera : c->microphone)) abort();
  if (video)
    r->has_camera = track != 0;
  else
    rtp_outgoing_stream_select(r->audio, track ? c->sfu->audio : NULL);
  r->allocate_us = 0;
}

static void on_view(void *arg, uint32_t receiver, uint32_t track, const struct room_view *view) {
  struct sim_control *c = arg;
  struct sfu_receiver *r = receiver_of(c, receiver);
  if (track != c->camera) return;
  r->width = view->visible ? view->width : 0;
  r->height = view->visible ? view->height : 0;
  r->allocate_us = 0;
}

static void on_pause(void *arg, uint32_t participant, bool on) {
  (void)arg;
  (void)participant;
  if (on) abort(); /* the room may not talk directly */
}

/* The publisher's page has heard of it. */
static void follow(void *arg, void *data) {
  struct sim_control *c = arg;
  (void)data;
  for (int i = 0; i < SIM_LAYERS; i++)
    publisher_use_layer(c->sfu->publisher, i, c->wanted >> i & 1);
  if (c->wanted == 1) c->paused_us = now(c);
  if (c->wanted == (1U << SIM_LAYERS) - 1) c->resumed_us = now(c);
}

static void on_layers_wanted(void *arg, uint32_t track, uint8_t rids) {
  struct sim_control *c = arg;
  if (track != c->camera) return;
  c->wanted = rids;
  sim_at(c->sfu->clock, now(c) + CONTROL_SIGNALING_US, follow, c, NULL);
}

/* ---- what browsers ask ---- */

static void request(struct sim_control *c, int member, const char *type, json_t *fields) {
  char session[16];
  session_name(session, member);
  json_object_set_new(fields, "id", json_integer(++c->next_id));
  json_object_set_new(fields, "type", json_string(type));
  if (room_manager_request(c->manager, session, fields, now(c))) abort();
  json_decref(fields);
}

static json_t *media_line(const char *mid, const char *kind, const char *direction, const char *codec) {
  return json_pack("{s:s, s:s, s:s, s:[{s:i, s:s}]}", "mid", mid, "kind", kind, "direction", direction, "codecs", "pt",
                   96, "name", codec);
}

/* Joins and offers; the answer comes at once, and ICE is done. */
static void enter(struct sim_control *c, const char *role, const char *audio, const char *video,
                  const char *direction) {
  int member = c->member_count;
  char session[16];
  session_name(session, member);
  struct room_session_info info = {
      .session = session, .room = "ward", .identity = session, .role = role, .expires_s = INT32_MAX};
  if (room_manager_session_open(c->manager, &info, now(c))) abort();
  request(c, member, "join", json_object());
  json_t *media = json_array();
  json_array_append_new(media, media_line(audio, "audio", direction, "opus"));
  json_array_append_new(media, media_line(video, "video", direction, "VP8"));
  request(c, member, "offer", json_pack("{s:{s:o}}", "offer", "media", media));
  room_manager_transport_state(c->manager, c->members[member], ROOM_TRANSPORT_CONNECTED, now(c));
}

void control_join(struct sim_control *c) {
  enter(c, "patient", AUDIO_SLOT, VIDEO_SLOT, "recvonly");
  control_show(c, c->member_count - 2, 1280, 720);
}

void control_show(struct sim_control *c, int receiver, uint32_t width, uint32_t height) {
  request(c, receiver + 1, "view",
          json_pack("{s:[{s:s, s:i, s:i, s:b, s:s}]}", "requests", "track", c->camera_id, "width", (int)width, "height",
                    (int)height, "visible", width > 0, "priority", "normal"));
}

void control_audio_only(struct sim_control *c, int receiver, const char *reason) {
  room_manager_audio_only(c->manager, c->members[receiver + 1], reason, now(c));
}

void control_tick(struct sim_control *c) {
  if (now(c) >= room_manager_deadline(c->manager)) room_manager_tick(c->manager, now(c));
}

/* ---- life ---- */

static void give_random(void *arg, void *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    ((uint8_t *)out)[i] = (uint8_t)sim_random_bits(arg);
}

void control_open(struct sim_control *c, struct sfu *sfu, uint64_t seed) {
  static const struct room_listener listener = {
      .reply = on_reply,
      .event = on_event,
      .close = on_close,
      .session_wait = on_wait,
      .acted = on_acted,
      .participant_opened = on_participant_opened,
      .media_offer = on_offer,
      .media_close = on_media_close,
      .track_opened = on_track_opened,
      .track_closed = on_track_closed,
      .track_forwarding = on_forwarding,
      .slot_assign = on_slot_assign,
      .track_view = on_view,
      .forwarding_pause = on_pause,
      .layers_wanted = on_layers_wanted,
  };
  struct room_settings settings;
  *c = (struct sim_control){.sfu = sfu, .wanted = (1U << SIM_LAYERS) - 1};
  sim_random_init(&c->random, seed, 400);
  room_settings_init(&settings);
  settings.policy.never_direct = true;
  settings.random = give_random;
  settings.random_arg = &c->random;
  if (room_manager_create(&c->manager, &settings, &listener, c)) abort();
  enter(c, "doctor", MICROPHONE, CAMERA, "sendonly");
  request(c, 0, "publish",
          json_pack("{s:[{s:s, s:s}, {s:s, s:s, s:i, s:i}]}", "tracks", "mid", MICROPHONE, "source", "microphone",
                    "mid", CAMERA, "source", "camera", "width", 1280, "height", 720));
  struct room_track_media seen = {.flowing = true, .width = 1280, .height = 720, .codec = "VP8"};
  room_manager_track_media(c->manager, c->camera, &seen, now(c));
}

void control_close(struct sim_control *c) {
  room_manager_free(c->manager);
}
