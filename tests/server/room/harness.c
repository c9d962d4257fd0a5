/* tests/server/room/harness.c: see harness.h. The invariants are in invariants.c. */
#include "tests/server/room/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/server/room/client_model.h"

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

uint32_t harness_random(struct harness *h, uint32_t below) {
  return (uint32_t)(next_random(&h->random) >> 32) % below;
}

static void give_random(void *arg, void *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    ((uint8_t *)out)[i] = (uint8_t)(next_random(arg) >> 24);
}

/* ---- listener: clients -------------------------------------------------------------------------------------------- */

static struct seat *find_seat(struct harness *h, const char *session) {
  for (size_t i = 0; i < SEATS; i++)
    if (h->seats[i].open && strcmp(h->seats[i].session, session) == 0) return &h->seats[i];
  fail_msg("something for the unknown session %s", session);
  return NULL;
}

static void on_reply(void *arg, const char *session, json_t *message) {
  struct seat *s = find_seat(arg, session);
  assert_true(s->connected);
  char key[24];
  (void)snprintf(key, sizeof key, "%lld", (long long)json_integer_value(json_object_get(message, "re")));
  json_t *ok = json_object_get(message, "ok");
  assert_true((ok != NULL) != (json_object_get(message, "error") != NULL));
  json_t *request = json_object_get(s->outstanding, key);
  if (!request && json_object_get(s->stale, key)) {
    json_object_del(s->stale, key); /* asked for before the socket broke */
    return;
  }
  if (!request) fail_msg("%s: a reply to %s, which is not open", session, key);
  if (ok) {
    bool joined = strcmp(json_string_value(json_object_get(request, "type")), "join") == 0;
    if (joined && json_is_true(json_object_get(ok, "waiting"))) {
      assert_int_equal(json_object_size(ok), 3); /* nothing of the room */
      s->waiting = true;
    } else if (joined) {
      s->waiting = false;
      (void)snprintf(s->participant, sizeof s->participant, "%s",
                     json_string_value(json_object_get(ok, "participant")));
      s->handle = room_manager_find_participant(((struct harness *)arg)->m, s->participant);
      assert_int_not_equal(s->handle, 0);
    }
    client_model_reply(&s->model, request, ok);
    if (!s->model) s->handle = 0;
    if (strcmp(json_string_value(json_object_get(request, "type")), "leave") == 0) s->waiting = false;
  }
  json_object_del(s->outstanding, key);
  json_decref(s->last);
  s->last = json_deep_copy(message);
}

static void take_event(struct harness *h, const char *session, json_t *message) {
  struct seat *s = find_seat(h, session);
  assert_true(s->connected);
  client_model_event(&s->model, message);
  const char *name = json_string_value(json_object_get(message, "event"));
  if (strcmp(name, "sentBack") == 0 || strcmp(name, "waitingState") == 0) s->waiting = true;
  if (strcmp(name, "admitted") == 0 || strcmp(name, "waitDeclined") == 0) s->waiting = false;
  if (s->waiting || strcmp(name, "sentBack") == 0) s->handle = 0;
  json_array_append(s->events, message);
}

static void on_event(void *arg, const char *const *sessions, size_t count, json_t *message) {
  struct harness *h = arg;
  assert_true(count > 0);
  h->event_calls++;
  for (size_t i = 0; i < count; i++)
    take_event(h, sessions[i], message);
}

static void on_close(void *arg, const char *session, int code, const char *reason) {
  struct seat *s = find_seat(arg, session);
  assert_non_null(reason);
  if (s->connected) assert_int_equal(json_object_size(s->outstanding), 0); /* all were answered before */
  json_decref(s->model);
  s->model = NULL;
  s->closed_code = code;
  s->open = s->connected = s->waiting = false;
  s->handle = 0;
}

/* ---- listener: media ---------------------------------------------------------------------------------------------- */

static bool is_member(const struct harness *h, uint32_t handle) {
  for (size_t i = 0; i < h->member_count; i++)
    if (h->members[i] == handle) return true;
  return false;
}

static struct engine_track *find_engine_track(struct harness *h, uint32_t track) {
  for (size_t i = 0; i < h->track_count; i++)
    if (h->tracks[i].track == track) return &h->tracks[i];
  return NULL;
}

static void on_participant_opened(void *arg, const struct room_participant *p) {
  struct harness *h = arg;
  assert_false(is_member(h, p->participant));
  assert_true(h->member_count < 256);
  h->paused[h->member_count] = false;
  h->members[h->member_count++] = p->participant;
}

static void negotiate(struct harness *h, uint32_t participant, const json_t *offer) {
  struct room_sender senders[8] = {0};
  struct room_slot slots[ROOM_MAX_SLOTS] = {0};
  struct room_negotiation n = {.senders = senders, .slots = slots};
  size_t i;
  json_t *line;
  json_array_foreach(json_object_get(offer, "media"), i, line) {
    const char *mid = json_string_value(json_object_get(line, "mid"));
    enum room_kind kind =
        strcmp(json_string_value(json_object_get(line, "kind")), "audio") == 0 ? ROOM_AUDIO : ROOM_VIDEO;
    if (strcmp(json_string_value(json_object_get(line, "direction")), "recvonly") == 0) {
      struct room_slot *slot = &slots[n.slot_count++];
      slot->kind = kind;
      (void)snprintf(slot->mid, sizeof slot->mid, "%s", mid);
      continue;
    }
    struct room_sender *sender = &senders[n.sender_count++];
    sender->kind = kind;
    (void)snprintf(sender->mid, sizeof sender->mid, "%s", mid);
    const char *names[4] = {""};
    (void)room_manager_codecs(h->m, participant, kind, names, 4);
    (void)snprintf(sender->codec, sizeof sender->codec, "%s", names[0]);
    if (strcmp(mid, "cam") != 0) continue;
    sender->rid_count = 3;
    for (size_t k = 0; k < 3; k++)
      sender->rids[k][0] = "qhf"[k];
  }
  json_t *answer = json_pack("{s:s}", "setup", "passive");
  assert_int_equal(room_manager_media_negotiated(h->m, participant, answer, &n, h->now_us), 0);
  json_decref(answer);
}

static void on_media_offer(void *arg, uint32_t participant, const json_t *offer) {
  struct harness *h = arg;
  assert_true(is_member(h, participant));
  if (h->refuse_with)
    assert_int_equal(room_manager_media_refused(h->m, participant, h->refuse_with, "no", h->now_us), 0);
  else if (!h->defer_answers)
    negotiate(h, participant, offer);
}

void harness_answer(struct harness *h, struct seat *s) {
  const char *key;
  json_t *request;
  json_object_foreach(s->outstanding, key, request) {
    json_t *offer = json_object_get(request, "offer");
    if (!offer) continue;
    offer = json_incref(offer);
    negotiate(h, s->handle, offer);
    json_decref(offer);
    return;
  }
}

static void on_media_close(void *arg, uint32_t participant) {
  struct harness *h = arg;
  for (size_t i = 0; i < h->track_count; i++)
    assert_int_not_equal(h->tracks[i].participant, participant);
  for (size_t i = 0; i < h->slot_count; i++)
    assert_int_not_equal(h->slots[i].receiver, participant);
  for (size_t i = 0; i < h->member_count; i++) {
    if (h->members[i] != participant) continue;
    h->members[i] = h->members[--h->member_count];
    h->paused[i] = h->paused[h->member_count];
    return;
  }
  fail_msg("media_close of an unknown participant");
}

static void on_track_opened(void *arg, const struct room_track *t) {
  struct harness *h = arg;
  assert_true(is_member(h, t->participant));
  assert_null(find_engine_track(h, t->track));
  struct engine_track *made = &h->tracks[h->track_count++];
  *made = (struct engine_track){.track = t->track, .participant = t->participant, .forwarding = true, .rids = 7};
  (void)snprintf(made->mid, sizeof made->mid, "%s", t->mid);
}

static void on_track_closed(void *arg, uint32_t track) {
  struct harness *h = arg;
  struct engine_track *t = find_engine_track(h, track);
  assert_non_null(t);
  for (size_t i = 0; i < h->slot_count; i++)
    assert_int_not_equal(h->slots[i].track, track);
  *t = h->tracks[--h->track_count];
}

static void on_track_forwarding(void *arg, uint32_t track, bool on) {
  struct engine_track *t = find_engine_track(arg, track);
  assert_non_null(t);
  assert_int_not_equal(t->forwarding, on);
  t->forwarding = on;
}

static void on_slot_assign(void *arg, uint32_t receiver, const char *mid, uint32_t track) {
  struct harness *h = arg;
  h->assigns++;
  assert_true(is_member(h, receiver));
  if (track) {
    const struct engine_track *t = find_engine_track(h, track);
    assert_non_null(t);
    assert_int_not_equal(t->participant, receiver);
  }
  size_t i = 0;
  while (i < h->slot_count && (h->slots[i].receiver != receiver || strcmp(h->slots[i].mid, mid) != 0))
    i++;
  if (i == h->slot_count) {
    assert_int_not_equal(track, 0); /* an empty slot was emptied again */
    h->slots[h->slot_count++].receiver = receiver;
    (void)snprintf(h->slots[i].mid, sizeof h->slots[i].mid, "%s", mid);
  } else {
    assert_int_not_equal(h->slots[i].track, track);
  }
  h->slots[i].track = track;
  if (!track) h->slots[i] = h->slots[--h->slot_count];
}

static void on_track_view(void *arg, uint32_t receiver, uint32_t track, const struct room_view *view) {
  struct harness *h = arg;
  assert_true(is_member(h, receiver));
  assert_non_null(find_engine_track(h, track));
  h->views++;
  h->last_view = *view;
}

static void on_forwarding_pause(void *arg, uint32_t participant, bool on) {
  struct harness *h = arg;
  for (size_t i = 0; i < h->member_count; i++) {
    if (h->members[i] != participant) continue;
    assert_int_not_equal(h->paused[i], on);
    h->paused[i] = on;
    return;
  }
  fail_msg("forwarding_pause of an unknown participant");
}

static void on_session_wait(void *arg, const char *session, bool wait) {
  find_seat(arg, session)->wait = wait;
}

static void on_acted(void *arg, const struct room_act *act) {
  struct harness *h = arg;
  size_t used = strlen(h->acts);
  if (used > sizeof h->acts / 2) used = 0; /* the simulation reads none of it */
  (void)snprintf(h->acts + used, sizeof h->acts - used, "%s %s %s %s %s\n", act->act, act->room, act->by, act->role,
                 act->target ? act->target : "-");
}

static void on_layers_wanted(void *arg, uint32_t track, uint8_t rids) {
  struct engine_track *t = find_engine_track(arg, track);
  assert_non_null(t);
  t->rids = rids;
}

static const struct room_listener listener = {on_reply,
                                              on_event,
                                              on_close,
                                              on_session_wait,
                                              on_acted,
                                              on_participant_opened,
                                              on_media_offer,
                                              on_media_close,
                                              on_track_opened,
                                              on_track_closed,
                                              on_track_forwarding,
                                              on_slot_assign,
                                              on_track_view,
                                              on_forwarding_pause,
                                              on_layers_wanted};

/* ---- life --------------------------------------------------------------------------------------------------------- */

struct harness *harness_new_with(uint64_t seed, void (*adjust)(struct room_settings *settings)) {
  struct harness *h = calloc(1, sizeof *h);
  assert_non_null(h);
  h->random = seed * 0x9e3779b97f4a7c15u | 1;
  h->now_us = 5 * SECOND;
  room_settings_init(&h->settings);
  h->settings.wall_us = INT64_C(1795334400000000);
  h->settings.random = give_random;
  h->settings.random_arg = &h->random;
  if (adjust) adjust(&h->settings);
  assert_int_equal(room_manager_create(&h->m, &h->settings, &listener, h), 0);
  return h;
}

struct harness *harness_new(uint64_t seed) {
  return harness_new_with(seed, NULL);
}

static void clear_seat(struct seat *s) {
  json_decref(s->outstanding);
  json_decref(s->stale);
  json_decref(s->model);
  json_decref(s->last);
  json_decref(s->events);
  *s = (struct seat){0};
}

void harness_free(struct harness *h) {
  room_manager_free(h->m);
  for (size_t i = 0; i < SEATS; i++)
    clear_seat(&h->seats[i]);
  free(h);
}

struct seat *harness_open_as(struct harness *h, size_t i, const char *role, const char *room, const char *identity) {
  struct seat *s = &h->seats[i];
  bool wait = s->wait_next, admitted = s->admitted_next;
  clear_seat(s);
  s->wait = wait;
  (void)snprintf(s->session, sizeof s->session, "s_%zu_%u", i, harness_random(h, 1u << 30));
  (void)snprintf(s->identity, sizeof s->identity, "%s", identity);
  (void)snprintf(s->room, sizeof s->room, "%s", room);
  s->open = s->connected = true;
  s->outstanding = json_object();
  s->stale = json_object();
  s->events = json_array();
  struct room_session_info info = {.session = s->session,
                                   .room = room,
                                   .identity = identity,
                                   .name = identity,
                                   .role = role,
                                   .jti = s->session + 2,
                                   .resume_hash = "00ff",
                                   .expires_s = 1795334400 + 600,
                                   .wait = s->wait,
                                   .admitted = admitted};
  assert_int_equal(room_manager_session_open(h->m, &info, h->now_us), 0);
  return s;
}

struct seat *harness_open(struct harness *h, size_t i, const char *role) {
  char identity[32];
  (void)snprintf(identity, sizeof identity, "u%zu", i);
  return harness_open_as(h, i, role, "r", identity);
}

struct seat *harness_join(struct harness *h, size_t i, const char *role) {
  struct seat *s = harness_open(h, i, role);
  assert_string_equal(harness_request(h, s, "join", NULL), "");
  return s;
}

struct seat *harness_connect(struct harness *h, size_t i, const char *role, unsigned audio, unsigned video) {
  struct seat *s = harness_join(h, i, role);
  assert_string_equal(harness_send_offer(h, s, audio, video), "");
  return s;
}

void harness_lost(struct harness *h, struct seat *s) {
  s->connected = false;
  json_object_update(s->stale, s->outstanding);
  json_object_clear(s->outstanding);
  assert_int_equal(room_manager_session_lost(h->m, s->session, h->now_us), 0);
}

void harness_resumed(struct harness *h, struct seat *s) {
  s->connected = true;
  assert_int_equal(room_manager_session_resumed(h->m, s->session, h->now_us), 0);
}

void harness_end(struct harness *h, struct seat *s) {
  s->connected = false; /* nothing more may come */
  assert_int_equal(room_manager_session_end(h->m, s->session, h->now_us), 0);
  s->open = s->waiting = false;
  s->handle = 0;
  json_decref(s->model);
  s->model = NULL;
}

/* ---- what clients do ---------------------------------------------------------------------------------------------- */

const char *harness_request(struct harness *h, struct seat *s, const char *type, json_t *fields) {
  if (!fields) fields = json_object();
  json_object_set_new(fields, "id", json_integer(++s->next_id));
  json_object_set_new(fields, "type", json_string(type));
  char key[24];
  (void)snprintf(key, sizeof key, "%lld", (long long)s->next_id);
  json_object_set_new(s->outstanding, key, json_deep_copy(fields));
  assert_int_equal(room_manager_request(h->m, s->session, fields, h->now_us), 0);
  json_decref(fields);
  if (json_object_get(s->outstanding, key)) return NULL;
  const json_t *error = json_object_get(s->last, "error");
  return error ? json_string_value(json_object_get(error, "code")) : "";
}

static void add_line(json_t *media, const char *mid, const char *kind, const char *direction, const char *codecs) {
  json_t *list = json_array();
  char copy[64], *rest = copy;
  (void)snprintf(copy, sizeof copy, "%s", strcmp(kind, "audio") == 0 ? "opus" : codecs);
  for (const char *name; (name = strsep(&rest, " "));)
    json_array_append_new(list, json_pack("{s:i, s:s}", "pt", 96, "name", name));
  json_array_append_new(
      media, json_pack("{s:s, s:s, s:s, s:o}", "mid", mid, "kind", kind, "direction", direction, "codecs", list));
}

json_t *harness_offer(unsigned audio, unsigned video, unsigned senders, const char *codecs) {
  static const char *const mids[] = {"mic", "cam", "screen", "sound"};
  static const char *const kinds[] = {"audio", "video", "video", "audio"};
  json_t *media = json_array();
  for (size_t i = 0; i < 4; i++)
    if (senders >> i & 1) add_line(media, mids[i], kinds[i], "sendonly", codecs);
  char mid[16];
  for (unsigned i = 0; i < audio + video; i++) {
    (void)snprintf(mid, sizeof mid, "%c%u", i < audio ? 'a' : 'v', i < audio ? i : i - audio);
    add_line(media, mid, i < audio ? "audio" : "video", "recvonly", codecs);
  }
  return json_pack("{s:{s:o}}", "offer", "media", media);
}

const char *harness_send_offer(struct harness *h, struct seat *s, unsigned audio, unsigned video) {
  return harness_request(h, s, "offer", harness_offer(audio, video, 15, "VP8 H264"));
}

const char *harness_publish(struct harness *h, struct seat *s, const char *mid, const char *source) {
  assert_string_equal(
      harness_request(h, s, "publish", json_pack("{s:[{s:s, s:s}]}", "tracks", "mid", mid, "source", source)), "");
  const json_t *tracks = json_object_get(json_object_get(s->last, "ok"), "tracks");
  return json_string_value(json_object_get(json_array_get(tracks, 0), "track"));
}

void harness_advance(struct harness *h, int64_t us) {
  int64_t until = h->now_us + us;
  int64_t due;
  while ((due = room_manager_deadline(h->m)) <= until) {
    if (due > h->now_us) h->now_us = due;
    room_manager_tick(h->m, h->now_us);
    assert_true(room_manager_deadline(h->m) > h->now_us); /* or the caller's loop would spin */
  }
  h->now_us = until;
}

void harness_speak(struct harness *h, const uint32_t *tracks, size_t count, int64_t us) {
  struct room_speaker list[16];
  for (size_t i = 0; i < count; i++)
    list[i] = (struct room_speaker){tracks[i], (uint8_t)(20 + i)};
  for (int64_t done = 0; done <= us; done += SECOND / 10) {
    const struct member *owner = harness_member(h, &h->seats[0]);
    if (owner) (void)room_manager_speakers(h->m, owner->room->handle, list, count, h->now_us);
    harness_advance(h, SECOND / 10);
  }
}
