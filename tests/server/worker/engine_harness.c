/* tests/server/worker/engine_harness.c: the world and its signaling: see engine_harness.h. */
#include "tests/server/worker/engine_harness.h"

#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "signaling/sdp_json.h"
#include "tests/server/worker/harness_internal.h"

static int64_t virtual_now_us = 1000 * SECOND;
static struct harness *alive;

/* usrsctp and OpenSSL's client ask this clock; the program's symbol goes before the C library's. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
  (void)tz;
  tv->tv_sec = virtual_now_us / SECOND;
  tv->tv_usec = virtual_now_us % SECOND;
  return 0;
}

/* ---- what the room says to clients ---- */

static struct browser *find_session(struct harness *h, const char *session) {
  for (size_t i = 0; i < h->browser_count; i++) {
    if (strcmp(h->browsers[i].session, session) == 0) return &h->browsers[i];
  }
  return NULL;
}

static void on_reply(void *arg, const char *session, json_t *message) {
  struct browser *m = find_session(arg, session);
  assert_non_null(m);
  json_decref(m->last);
  m->last = json_incref(message);
  const char *code = json_string_value(json_object_get(json_object_get(message, "error"), "code"));
  m->error = code ? code : "";
}

static void on_event(void *arg, const char *const *sessions, size_t count, json_t *message) {
  for (size_t i = 0; i < count; i++) {
    struct browser *m = find_session(arg, sessions[i]);
    assert_non_null(m);
    json_array_append(m->events, message);
  }
}

static void on_close(void *arg, const char *session, int code, const char *reason) {
  struct browser *m = find_session(arg, session);
  (void)reason;
  assert_non_null(m);
  m->closed_code = code;
}

/* ---- the world ---- */

static void fill_random(void *arg, void *out, size_t bytes) {
  struct harness *h = arg;
  for (size_t i = 0; i < bytes; i++) {
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    ((uint8_t *)out)[i] = (uint8_t)h->random;
  }
}

static struct harness *make(const char *video_codecs, int64_t patience_us, uint64_t start_bps) {
  static const char *const candidates[] = {"127.0.0.1"};
  if (alive) { /* a test before this one failed: usrsctp allows one world at a time */
    alive->keep = true;
    harness_free(alive);
  }
  struct harness *h = alive = calloc(1, sizeof *h);
  assert_non_null(h);
  h->now_us = virtual_now_us;
  h->random = 88172645463325252u;
  assert_int_equal(udp_socket_open(&h->socket, "127.0.0.1", 0, 1), 0);
  struct engine_settings settings = {.sockets = &h->socket,
                                     .socket_count = 1,
                                     .candidate_addresses = candidates,
                                     .candidate_count = 1,
                                     .video_codecs = video_codecs,
                                     .unix_now_s = 1795334400,
                                     .bandwidth = {.start_bps = start_bps},
                                     .feedback_patience_us = patience_us};
  assert_int_equal(engine_create(&h->engine, &settings), 0);
  h->glue.engine = h->engine;
  h->listener = room_glue_listener;
  h->listener.reply = on_reply;
  h->listener.event = on_event;
  h->listener.close = on_close;
  struct room_settings rooms;
  room_settings_init(&rooms);
  rooms.random = fill_random;
  rooms.random_arg = h;
  assert_int_equal(room_manager_create(&h->manager, &rooms, &h->listener, h), 0);
  h->engine->manager = h->manager;
  h->engine->now_us = h->now_us;
  return h;
}

struct harness *harness_new_with(const char *video_codecs) {
  return make(video_codecs, -1, 0);
}

struct harness *harness_new_governed_with(const char *video_codecs) {
  return make(video_codecs, 0, 0);
}

struct harness *harness_new(void) {
  return harness_new_with(NULL);
}

struct harness *harness_new_governed(uint64_t start_bps) {
  return make(NULL, 0, start_bps);
}

static void free_browser(struct browser *m) {
  sctp_association_free(m->sctp);
  media_client_close(&m->media);
  dtls_client_free(&m->dtls);
  sdp_answer_free(m->answer);
  json_decref(m->last);
  json_decref(m->events);
  json_decref(m->offer);
  free(m->rtp);
  free(m->rtcp);
  close(m->fd);
  if (m->old_fd >= 0) close(m->old_fd);
}

void harness_dismiss(struct harness *h) {
  struct browser *m = &h->browsers[h->browser_count - 1];
  browser_leave(m);
  free_browser(m);
  memset(m, 0, sizeof *m);
  h->browser_count--;
}

void harness_free(struct harness *h) {
  alive = NULL; /* an assertion below must not lead back here */
  for (size_t i = 0; i < h->browser_count && !h->keep; i++)
    browser_leave(&h->browsers[i]);
  if (!h->keep) {
    assert_null(h->engine->peers);
    assert_null(h->engine->tracks);
    assert_null(h->engine->rooms);
    assert_null(h->engine->ufrags);
    assert_null(h->engine->touched);
    assert_int_equal(address_map_size(h->engine->addresses), 0);
  }
  for (size_t i = 0; i < h->browser_count; i++)
    free_browser(&h->browsers[i]);
  engine_free(h->engine);
  room_manager_free(h->manager);
  udp_socket_close(h->socket);
  free(h);
}

void harness_advance(struct harness *h, int64_t us) {
  const int64_t end_us = h->now_us + us;
  while (h->now_us < end_us) {
    h->now_us += 5 * MILLISECOND;
    virtual_now_us = h->now_us;
    engine_tick(h->engine, h->now_us);
    if (room_manager_deadline(h->manager) <= h->now_us) room_manager_tick(h->manager, h->now_us);
    for (size_t i = 0; i < h->browser_count; i++)
      link_report(&h->browsers[i]);
    for (size_t i = 0; i < h->browser_count && h->now_us % (2 * SECOND) == 0; i++) {
      if (h->browsers[i].media.profile) browser_check(&h->browsers[i], true);
    }
    harness_pump(h);
  }
}

uint64_t harness_drops(const struct harness *h, enum engine_drop reason) {
  return h->engine->counters.drops[reason];
}

/* ---- signaling ---- */

struct browser *harness_open(struct harness *h, const char *role) {
  assert_true(h->browser_count < HARNESS_SEATS);
  struct browser *m = &h->browsers[h->browser_count];
  m->harness = h;
  m->old_fd = -1;
  m->events = json_array();
  m->rtp = calloc(BROWSER_PACKETS, sizeof *m->rtp);
  m->rtcp = calloc(BROWSER_PACKETS, sizeof *m->rtcp);
  assert_true(m->rtp && m->rtcp);
  snprintf(m->session, sizeof m->session, "s_%zu", h->browser_count);
  snprintf(m->ufrag, sizeof m->ufrag, "browser%zu", h->browser_count);
  rtp_extension_map_init(&m->extensions);
  harness_bind(m);
  const struct dtls_client_options options = {.srtp_profiles = h->srtp_profiles ? h->srtp_profiles : ICE_SRTP_PROFILES,
                                              .hello_padding = 1216};
  assert_true(dtls_client_init(&m->dtls, &options));
  h->browser_count++;
  browser_open_session(m, role);
  return m;
}

void browser_open_session(struct browser *m, const char *role) {
  const struct room_session_info info = {
      .session = m->session, .room = "visit", .identity = m->ufrag, .name = m->ufrag, .role = role, .expires_s = 1};
  assert_int_equal(room_manager_session_open(m->harness->manager, &info, m->harness->now_us), ROOM_OK);
}

struct browser *harness_join(struct harness *h, const char *role) {
  struct browser *m = harness_open(h, role);
  browser_join(m);
  return m;
}

struct browser *harness_connect(struct harness *h, const char *role) {
  struct browser *m = harness_join(h, role);
  browser_offer(m, "chromium");
  browser_connect(m);
  harness_advance(h, 5 * MILLISECOND);
  return m;
}

void browser_join(struct browser *m) {
  assert_string_equal(browser_request(m, "join", json_pack("{s:s}", "topology", "never")), "");
  const char *id = json_string_value(json_object_get(json_object_get(m->last, "ok"), "participant"));
  assert_non_null(id);
  snprintf(m->id, sizeof m->id, "%s", id);
  m->handle = room_manager_find_participant(m->harness->manager, id);
  assert_int_not_equal(m->handle, 0);
}

const char *browser_request(struct browser *m, const char *type, json_t *fields) {
  json_t *request = json_pack("{s:I, s:s}", "id", (json_int_t)++m->next_id, "type", type);
  json_object_update(request, fields);
  json_decref(fields);
  json_decref(m->last);
  m->last = NULL;
  m->error = NULL;
  m->harness->engine->now_us = m->harness->now_us;
  assert_int_equal(room_manager_request(m->harness->manager, m->session, request, m->harness->now_us), ROOM_OK);
  json_decref(request);
  return m->error;
}

static json_t *load_offer(const char *name) {
  static char text[SDP_MAX_BYTES];
  char path[512];
  snprintf(path, sizeof path, SDP_OFFERS_DIR "/%s.sdp", name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  const size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  struct sdp_offer *offer;
  assert_int_equal(sdp_offer_parse(&offer, text, len, NULL), SDP_OK);
  json_t *json = sdp_offer_to_json(offer);
  sdp_offer_free(offer);
  assert_non_null(json);
  return json;
}

json_t *browser_offer_make(struct browser *m, const char *name) {
  const struct ice_fingerprint f = dtls_client_fingerprint(&m->dtls, "sha-256");
  char value[ICE_FINGERPRINT_TEXT_BYTES];
  for (size_t i = 0; i < f.len; i++)
    snprintf(value + 3 * i, 4, i + 1 < f.len ? "%02X:" : "%02X", f.bytes[i]);
  json_t *offer = load_offer(name);
  json_object_set_new(offer, "ice", json_pack("{s:s, s:s}", "ufrag", m->ufrag, "pwd", BROWSER_PWD));
  json_object_set_new(
      offer, "dtls",
      json_pack("{s:s, s:[{s:s, s:s}]}", "setup", "actpass", "fingerprints", "algorithm", "sha-256", "value", value));
  return offer;
}

json_t *offer_media(json_t *offer, const char *mid) {
  size_t i;
  json_t *media;
  json_array_foreach(json_object_get(offer, "media"), i, media) {
    if (strcmp(json_string_value(json_object_get(media, "mid")), mid) == 0) return media;
  }
  fail_msg("no m-line %s", mid);
  return NULL;
}

static void take_answer(struct browser *m) {
  sdp_answer_free(m->answer);
  m->answer = NULL;
  const json_t *json = json_object_get(json_object_get(m->last, "ok"), "answer");
  struct sdp_json_fault fault = {""};
  assert_int_equal(sdp_answer_from_json(&m->answer, json, &fault), SDP_OK);
  snprintf(m->server_ufrag, sizeof m->server_ufrag, "%s", m->answer->ice_ufrag);
  snprintf(m->server_pwd, sizeof m->server_pwd, "%s", m->answer->ice_pwd);
  stun_client_init(&m->ice, m->ufrag, BROWSER_PWD, m->server_ufrag, m->server_pwd);
  for (size_t i = 0; i < m->answer->media_count; i++) {
    for (size_t k = 0; k < m->answer->media[i].extension_count; k++) {
      const struct sdp_extension *x = &m->answer->media[i].extensions[k];
      (void)rtp_extension_map_add(&m->extensions, x->id, rtp_extension_from_uri(x->uri, strlen(x->uri)));
    }
  }
}

const char *browser_offer_json(struct browser *m, json_t *offer) {
  json_incref(offer);
  const char *error = browser_request(m, "offer", json_pack("{s:o}", "offer", offer));
  if (error && !*error) {
    take_answer(m);
    json_decref(m->offer);
    m->offer = offer;
  } else {
    json_decref(offer);
  }
  harness_pump(m->harness);
  return error;
}

void browser_offer(struct browser *m, const char *name) {
  assert_string_equal(browser_offer_json(m, browser_offer_make(m, name)), "");
}

void browser_leave(struct browser *m) {
  m->harness->engine->now_us = m->harness->now_us;
  room_manager_session_end(m->harness->manager, m->session, m->harness->now_us);
  harness_pump(m->harness);
}

const char *browser_publish(struct browser *m, const char *mid, const char *source) {
  assert_string_equal(
      browser_request(m, "publish", json_pack("{s:[{s:s, s:s}]}", "tracks", "mid", mid, "source", source)), "");
  const json_t *tracks = json_object_get(json_object_get(m->last, "ok"), "tracks");
  const char *track = json_string_value(json_object_get(json_array_get(tracks, 0), "track"));
  assert_non_null(track);
  return track;
}

void browser_view(struct browser *m, const char *track, unsigned width, unsigned height) {
  assert_string_equal(
      browser_request(m, "view",
                      json_pack("{s:[{s:s, s:i, s:i, s:b, s:s}]}", "requests", "track", track, "width", (int)width,
                                "height", (int)height, "visible", width > 0, "priority", "normal")),
      "");
}

const char *browser_slot_of(struct browser *m, const char *track) {
  const uint32_t handle = room_manager_find_track(m->harness->manager, track);
  const struct peer *peer = browser_peer(m);
  for (size_t i = 0; peer && i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (slot && slot->track && slot->track->handle == handle) return peer->sections[i]->mid;
  }
  return NULL;
}

size_t browser_event_count(const struct browser *m, const char *event) {
  size_t i, count = 0;
  json_t *e;
  json_array_foreach(m->events, i, e) count += strcmp(json_string_value(json_object_get(e, "event")), event) == 0;
  return count;
}

json_t *browser_event_last(const struct browser *m, const char *event) {
  for (size_t i = json_array_size(m->events); i > 0; i--) {
    json_t *e = json_array_get(m->events, i - 1);
    if (strcmp(json_string_value(json_object_get(e, "event")), event) == 0) return e;
  }
  return NULL;
}

struct peer *browser_peer(const struct browser *m) {
  return engine_find_peer(m->harness->engine, m->handle);
}

struct section *browser_section(const struct browser *m, const char *mid) {
  return peer_find_section(browser_peer(m), mid, strlen(mid));
}

void browser_forget(struct browser *m) {
  m->rtp_count = m->rtcp_count = m->messages = 0;
  json_array_clear(m->events);
}

void harness_forget(struct harness *h) {
  for (size_t i = 0; i < h->browser_count; i++)
    browser_forget(&h->browsers[i]);
}
