/* tests/server/room/snapshot_test.c: the shapes of signaling/PROTOCOL.md, key by key. */
#include "conf/config.h"
#include "tests/server/room/harness.h"

static void has_keys(const json_t *object, const char *const *keys) {
  size_t count = 0;
  for (; keys[count]; count++)
    if (!json_object_get(object, keys[count])) fail_msg("%s is missing", keys[count]);
  assert_int_equal(json_object_size(object), count);
}

static void shapes(void **state) {
  (void)state;
  static const char *const room[] = {"id",   "locked",       "topology", "createdAt", "maxParticipants",
                                     "self", "participants", "chat",     "slots",     "policy",
                                     NULL};
  static const char *const participant[] = {"participant", "identity",  "name",   "role", "joinedAt",
                                            "handRaised",  "connected", "tracks", NULL};
  static const char *const track[] = {"track", "source", "kind", "muted", "layers", "width", "height", NULL};
  static const char *const slot[] = {"mid", "participant", "track", "source", NULL};
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "interpreter", 1, 1);
  (void)harness_request(
      h, a, "publish",
      json_pack("{s:[{s:s, s:s, s:i, s:i}]}", "tracks", "mid", "cam", "source", "camera", "width", 640, "height", 480));
  json_t *s = snapshot_json(h->m, harness_member(h, b));
  has_keys(s, room);
  assert_string_equal(json_string_value(json_object_get(s, "id")), "r");
  assert_string_equal(json_string_value(json_object_get(s, "topology")), "sfu");
  const json_t *people = json_object_get(s, "participants");
  assert_int_equal(json_array_size(people), 2); /* itself too */
  has_keys(json_array_get(people, 0), participant);
  assert_string_equal(json_string_value(json_object_get(json_array_get(people, 1), "role")), "interpreter");
  const json_t *t = json_array_get(json_object_get(json_array_get(people, 0), "tracks"), 0);
  has_keys(t, track);
  assert_int_equal(json_array_size(json_object_get(t, "layers")), 3);
  const json_t *slots = json_object_get(s, "slots");
  assert_int_equal(json_array_size(slots), 2);
  has_keys(json_array_get(slots, 0), slot);
  assert_true(json_is_null(json_object_get(json_array_get(slots, 0), "track")));
  assert_string_equal(json_string_value(json_object_get(json_array_get(slots, 1), "source")), "camera");
  json_decref(s);
  json_t *doctors = snapshot_json(h->m, harness_member(h, a));
  assert_true(json_is_array(json_object_get(doctors, "waiting"))); /* who may admit, sees who waits */
  json_decref(doctors);
  harness_free(h);
}

static void hidden_ones_see_themselves_only(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *a = harness_join(h, 0, "doctor"), *o = harness_join(h, 1, "observer"),
                    *p = harness_join(h, 2, "observer");
  assert_int_equal(json_array_size(json_object_get(a->model, "participants")), 1);
  assert_int_equal(json_array_size(json_object_get(o->model, "participants")), 2);
  assert_int_equal(json_array_size(json_object_get(p->model, "participants")), 2);
  harness_check(h);
  harness_free(h);
}

/* Everybody with the longest name, all their tracks, a full waiting room and the longest chat: the settings check has counted
 * on no more (conf/config.h), or a room full of it would keep everybody else out. */
static void the_largest(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  char name[257], text[4097];
  memset(name, '"', 256);
  memset(text, '\\', 4096);
  name[256] = text[4096] = '\0';
  struct seat *first = NULL;
  const int64_t people = 16;
  for (int i = 0; i < people; i++) {
    struct seat *s = harness_connect(h, (size_t)i, "doctor", ROOM_MAX_SLOTS / 2, ROOM_MAX_SLOTS / 2);
    if (!first) first = s;
    static const char *const sources[] = {"microphone", "screenAudio", "camera", "screen"};
    static const char *const mids[] = {"mic", "sound", "cam", "screen"};
    for (int k = 0; k < 4; k++)
      (void)harness_publish(h, s, mids[k], sources[k]);
    assert_string_equal(harness_request(h, s, "setName", json_pack("{s:s}", "name", name)), "");
    for (int k = 0; k < 16; k++)
      assert_string_equal(harness_request(h, s, "chat", json_pack("{s:s}", "text", text)), "");
  }
  for (size_t i = 0; i < h->settings.waiting_room && (size_t)people + i < SEATS; i++) {
    h->seats[(size_t)people + i].wait_next = true;
    struct seat *s = harness_open(h, (size_t)people + i, "patient");
    (void)harness_request(h, s, "setName", json_pack("{s:s}", "name", name));
    (void)harness_request(h, s, "join", NULL);
  }
  json_t *s = snapshot_json(h->m, harness_member(h, first));
  const json_t *parts[] = {json_object_get(s, "chat"), json_object_get(s, "participants"),
                           json_object_get(s, "waiting")};
  size_t bytes = json_dumpb(s, NULL, 0, JSON_COMPACT);
  /* What could be more than here: twice the tracks, more people waiting, longer identities. */
  size_t waiters = json_array_size(parts[2]);
  assert_true(waiters > 10);
  assert_true(json_dumpb(parts[0], NULL, 0, JSON_COMPACT) > (size_t)480 << 10); /* the chat is full */
  size_t person = json_dumpb(json_array_get(parts[1], 0), NULL, 0, JSON_COMPACT) + SIGNALING_IDENTIFIER_BYTES;
  for (size_t i = 0; i < 4; i++)
    person +=
        json_dumpb(json_array_get(json_object_get(json_array_get(parts[1], 0), "tracks"), 2), NULL, 0, JSON_COMPACT);
  assert_in_range(person, 1500, CONFIG_SNAPSHOT_PARTICIPANT_BYTES);
  size_t waiter = json_dumpb(json_array_get(parts[2], 0), NULL, 0, JSON_COMPACT) + SIGNALING_IDENTIFIER_BYTES;
  size_t rest = bytes - json_dumpb(parts[1], NULL, 0, JSON_COMPACT) + (h->settings.waiting_room - waiters) * waiter;
  assert_in_range(rest, (size_t)500 << 10, CONFIG_SNAPSHOT_BYTES - (32 << 10));
  json_decref(s);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(hidden_ones_see_themselves_only),
                                     cmocka_unit_test(the_largest)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
