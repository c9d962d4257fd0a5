/* tests/server/room/simulation_test.c: up to twenty members in two rooms do thousands of random things; after each,
 * harness_check() holds. A failure names its seed and step: run it again with CONSILIUM_SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "tests/server/room/harness.h"

#define STEPS  2000
#define PEOPLE 20

static struct seat *any_seat(struct harness *h) {
  return &h->seats[harness_random(h, PEOPLE)];
}

/* The id of some track: mostly of the seat's room, sometimes of another, sometimes of none. */
static const char *any_track(struct harness *h) {
  size_t count = HASH_CNT(hh, h->m->tracks);
  if (!count || harness_random(h, 20) == 0) return "t_none";
  size_t skip = harness_random(h, (uint32_t)count);
  const struct track *t = h->m->tracks;
  while (skip--)
    t = t->hh.next;
  return t->id;
}

static const char *any_participant(struct harness *h) {
  const struct seat *s = any_seat(h);
  return s->participant[0] ? s->participant : "p_none";
}

static void enter(struct harness *h) {
  static const char *const roles[] = {"doctor", "patient", "patient", "patient", "interpreter", "observer", "admin"};
  size_t i = harness_random(h, PEOPLE);
  struct seat *s = &h->seats[i];
  if (!s->open) {
    char identity[32];
    /* sometimes somebody else's identity: the newer one replaces the older */
    (void)snprintf(identity, sizeof identity, "u%u", harness_random(h, 10) ? (unsigned)i : harness_random(h, PEOPLE));
    s->wait_next = harness_random(h, 4) == 0;
    s = harness_open_as(h, i, roles[harness_random(h, 7)], harness_random(h, 4) ? "r" : "other", identity);
  }
  if (!s->connected) return;
  json_t *fields = harness_random(h, 4) ? json_object() : json_pack("{s:b}", "hidden", 1);
  (void)harness_request(h, s, "join", fields);
}

static void publish(struct harness *h, struct seat *s) {
  static const char *const mids[] = {"mic", "cam", "screen", "sound", "a0"};
  static const char *const sources[] = {"microphone", "camera", "screen", "screenAudio", "camera"};
  uint32_t i = harness_random(h, 5);
  json_t *track =
      json_pack("{s:s, s:s, s:b}", "mid", mids[i], "source", sources[i], "muted", (int)(harness_random(h, 4) == 0));
  if (harness_random(h, 2)) {
    json_object_set_new(track, "width", json_integer(1280));
    json_object_set_new(track, "height", json_integer(720));
  }
  (void)harness_request(h, s, "publish", json_pack("{s:[o]}", "tracks", track));
}

static void view(struct harness *h, struct seat *s) {
  static const char *const priorities[] = {"high", "normal", "low"};
  json_t *list = json_array();
  for (uint32_t n = harness_random(h, 4); n > 0; n--)
    json_array_append_new(
        list, json_pack("{s:s, s:i, s:i, s:b, s:s}", "track", any_track(h), "width", (int)harness_random(h, 1400),
                        "height", (int)harness_random(h, 800), "visible", (int)(harness_random(h, 3) > 0), "priority",
                        priorities[harness_random(h, 3)]));
  (void)harness_request(h, s, "view", json_pack("{s:o}", "requests", list));
}

static void client_media_step(struct harness *h, struct seat *s) {
  switch (harness_random(h, 8)) {
    case 0:
    case 1:
      (void)harness_request(
          h, s, "offer",
          harness_offer(harness_random(h, 10), harness_random(h, 18), harness_random(h, 4) ? 15 : harness_random(h, 16),
                        harness_random(h, 6) ? "VP8 H264" : "H264"));
      break;
    case 2:
    case 3:
    case 4:
      publish(h, s);
      break;
    case 5:
      (void)harness_request(h, s, "unpublish", json_pack("{s:[s]}", "tracks", any_track(h)));
      break;
    case 6:
      (void)harness_request(h, s, "mute",
                            json_pack("{s:s, s:b}", "track", any_track(h), "muted", (int)harness_random(h, 2)));
      break;
    default:
      view(h, s);
  }
}

static void client_room_step(struct harness *h, struct seat *s) {
  switch (harness_random(h, 12)) {
    case 0:
      (void)harness_request(h, s, "leave", NULL);
      break;
    case 1:
      (void)harness_request(h, s, "kick", json_pack("{s:s}", "participant", any_participant(h)));
      break;
    case 2:
    case 3:
      (void)harness_request(h, s, "lock", json_pack("{s:b}", "locked", (int)(harness_random(h, 4) == 0)));
      break;
    case 4:
      if (harness_random(h, 10) == 0) (void)harness_request(h, s, "close", NULL);
      break;
    case 5:
      (void)harness_request(h, s, "setName", json_pack("{s:s}", "name", harness_random(h, 2) ? "Ada" : "Bo"));
      break;
    case 6:
      (void)harness_request(h, s, "raiseHand", json_pack("{s:b}", "raised", (int)harness_random(h, 2)));
      break;
    case 7:
      (void)harness_request(h, s, "check", json_pack("{s:s}", "room", harness_random(h, 2) ? "r" : "other"));
      break;
    case 8:
      (void)harness_request(h, s, harness_random(h, 2) ? "ping" : "nonsense", NULL);
      break;
    case 9:
      (void)harness_request(h, s, "chat", json_pack("{s:s, s:s}", "text", "psst", "to", any_participant(h)));
      break;
    default:
      (void)harness_request(h, s, "chat", json_pack("{s:s}", "text", "hello"));
  }
}

/* Who waits, mostly; sometimes nobody. */
static const char *any_waiter(struct harness *h) {
  for (const struct room *r = h->m->rooms; r; r = r->hh.next)
    if (r->waiters && harness_random(h, 2)) return r->waiters->id;
  return "w_none";
}

static void waiting_step(struct harness *h, struct seat *s) {
  switch (harness_random(h, 6)) {
    case 0:
    case 1:
      (void)harness_request(h, s, "admit", json_pack("{s:s}", "waiting", any_waiter(h)));
      break;
    case 2:
      (void)harness_request(h, s, "admitAll", NULL);
      break;
    case 3:
      (void)harness_request(h, s, "declineWaiting", json_pack("{s:s}", "waiting", any_waiter(h)));
      break;
    case 4:
      (void)harness_request(h, s, "sendBack", json_pack("{s:s}", "participant", any_participant(h)));
      break;
    default:
      (void)harness_request(h, s, "setPolicy",
                            json_pack("{s:s, s:b}", "topology", harness_random(h, 6) ? "auto" : "never", "patientsWait",
                                      (int)(harness_random(h, 4) == 0)));
  }
}

static void direct_step(struct harness *h, struct seat *s) {
  static const char *const states[] = {"connected", "connected", "connected", "swapped",
                                       "swapped",   "failed",    "stalled"};
  json_t *mine = json_object_get(s->model, "direct");
  json_int_t attempt = mine ? json_integer_value(json_object_get(mine, "attempt")) : 1;
  if (harness_random(h, 10) == 0) attempt = 1 + harness_random(h, 20);
  if (harness_random(h, 4))
    (void)harness_request(h, s, "directState",
                          json_pack("{s:I, s:s, s:i}", "attempt", attempt, "state", states[harness_random(h, 7)],
                                    "gapMs", (int)harness_random(h, 300)));
  else
    (void)harness_request(h, s, "signal",
                          json_pack("{s:I, s:{s:s}}", "attempt", attempt, "candidate", "candidate", "candidate:1"));
}

/* Two alone in a room, connected: the soil of direct connections, which the other steps would seldom leave alone. */
static void two_step(struct harness *h) {
  for (size_t i = 0; i < PEOPLE; i++)
    if (h->seats[i].open) harness_end(h, &h->seats[i]);
  for (size_t i = 0; i < 2; i++) {
    h->seats[i].wait_next = false;
    (void)harness_open(h, i, i ? "patient" : "doctor");
    (void)harness_request(h, &h->seats[i], "join", NULL);
    if (i == 0) (void)harness_request(h, &h->seats[0], "lock", json_pack("{s:b}", "locked", 0));
    if (i == 0)
      (void)harness_request(h, &h->seats[0], "setPolicy",
                            json_pack("{s:s, s:b}", "topology", "auto", "patientsWait", 0));
    if (h->seats[i].handle)
      (void)room_manager_transport_state(h->m, h->seats[i].handle, ROOM_TRANSPORT_CONNECTED, h->now_us);
  }
  harness_advance(h, 6 * SECOND); /* until the room has forgotten that others were here */
  for (uint32_t n = harness_random(h, 20); n > 0; n--) {
    struct seat *s = &h->seats[harness_random(h, 2)];
    if (harness_random(h, 4) == 0) harness_advance(h, harness_random(h, 3000000));
    if (s->connected) direct_step(h, s);
    harness_check(h);
  }
}

static void engine_step(struct harness *h) {
  const struct seat *s = any_seat(h);
  uint32_t track = room_manager_find_track(h->m, any_track(h));
  const struct member *member = harness_member(h, s);
  struct room_speaker speakers[3];
  uint32_t count = harness_random(h, 4);
  for (uint32_t i = 0; i < count; i++)
    speakers[i] = (struct room_speaker){room_manager_find_track(h->m, any_track(h)), (uint8_t)harness_random(h, 128)};
  struct room_track_media media = {.flowing = true, .width = 640, .height = 360, .codec = "VP8"};
  if (harness_random(h, 4)) media.codec[0] = '\0';
  switch (harness_random(h, 4)) {
    case 0:
      if (track) assert_int_equal(room_manager_track_media(h->m, track, &media, h->now_us), 0);
      break;
    case 1:
      if (member)
        (void)room_manager_transport_state(h->m, s->handle, (enum room_transport)harness_random(h, 3), h->now_us);
      break;
    default:
      if (member) (void)room_manager_speakers(h->m, member->room->handle, speakers, count, h->now_us);
  }
}

static void socket_step(struct harness *h, struct seat *s) {
  if (!s->connected)
    harness_resumed(h, s);
  else if (harness_random(h, 3))
    harness_lost(h, s);
  else
    harness_end(h, s);
}

static void step(struct harness *h) {
  struct seat *s = any_seat(h);
  uint32_t dice = harness_random(h, 100);
  h->defer_answers = harness_random(h, 3) == 0;
  if (harness_random(h, 100) == 0)
    two_step(h);
  else if (dice < 15)
    enter(h);
  else if (dice < 30)
    harness_advance(h, harness_random(h, 50) ? harness_random(h, 400000) : 31 * SECOND);
  else if (dice < 40)
    engine_step(h);
  else if (dice < 45 && s->open)
    socket_step(h, s);
  else if (!s->connected)
    return; /* nobody is there to ask for anything */
  else if (dice < 55)
    harness_answer(h, s);
  else if (dice < 60)
    waiting_step(h, s);
  else if (dice < 70)
    direct_step(h, s);
  else if (dice < 88)
    client_media_step(h, s);
  else
    client_room_step(h, s);
}

static void run(uint64_t seed) {
  struct harness *h = harness_new(seed);
  size_t most = 0;
  for (int i = 0; i < STEPS; i++) {
    step(h);
    harness_check(h);
    harness_forget(h);
    if (h->member_count > most) most = h->member_count;
  }
  assert_true(most >= 8); /* or the run has tested little */
  assert_true(room_manager_direct_stats(h->m)->attempts > 0);
  for (size_t i = 0; i < PEOPLE; i++)
    if (h->seats[i].open) harness_end(h, &h->seats[i]);
  harness_advance(h, 60 * SECOND);
  struct room_counts counts = room_manager_counts(h->m);
  assert_int_equal(counts.rooms + counts.sessions + counts.participants + counts.tracks, 0);
  assert_int_equal(h->member_count + h->track_count + h->slot_count, 0);
  assert_true(room_manager_deadline(h->m) == INT64_MAX);
  harness_free(h);
}

static void random_operations(void **state) {
  (void)state;
  const char *given = getenv("CONSILIUM_SEED");
  uint64_t first = given ? strtoull(given, NULL, 10) : 1, last = given ? first : 4;
  for (uint64_t seed = first; seed <= last; seed++) {
    print_message("seed %llu\n", (unsigned long long)seed);
    run(seed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
