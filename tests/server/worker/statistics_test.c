/* tests/server/worker/statistics_test.c: every number has its place and its name, and openapi.yaml knows the names. */
#include <stdio.h>

#include "server/worker/statistics.h"
#include "tests/server/worker/engine_harness.h"

static char *load_openapi(void) {
  FILE *file = fopen(OPENAPI_FILE, "rb");
  assert_non_null(file);
  char *text = calloc(1, 1 << 20);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 20) - 1, file) > 1000);
  fclose(file);
  return text;
}

static json_t *participant_of(json_t *room, const char *id) {
  size_t i;
  json_t *p;
  json_array_foreach(json_object_get(room, "participants"), i, p) {
    if (strcmp(json_string_value(json_object_get(p, "participant")), id) == 0) return p;
  }
  fail_msg("%s is not there", id);
  return NULL;
}

static json_int_t number(const json_t *object, const char *key) {
  assert_true(json_is_integer(json_object_get(object, key)));
  return json_integer_value(json_object_get(object, key));
}

static void expect_documented(const char *openapi, json_t *object) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    if (!strstr(openapi, key)) fail_msg("openapi.yaml does not know %s", key);
  }
}

static void a_room_shows_what_flows(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor"), *b = harness_connect(h, "patient");
  browser_publish(a, "1", "camera");
  struct source camera = source_video(a, "1", "h", 640, 360);
  for (int i = 0; i < 50; i++) {
    source_send(&camera, i == 0);
    harness_advance(h, 20 * MILLISECOND);
  }
  const struct room_decorator decorator = statistics_decorator(h->engine);
  json_t *room = room_manager_room(h->manager, "visit", &decorator);
  json_t *from = participant_of(room, a->id), *to = participant_of(room, b->id);

  json_t *track = json_array_get(json_object_get(from, "tracks"), 0);
  assert_int_equal(number(track, "receivers"), 1);
  assert_true(number(track, "bitrateBps") > 100000);
  assert_int_equal(json_array_size(json_object_get(track, "received")), 1);
  json_t *layer = json_array_get(json_object_get(track, "received"), 0);
  assert_string_equal(json_string_value(json_object_get(layer, "rid")), "h");
  assert_string_equal(json_string_value(json_object_get(layer, "codec")), "VP8");
  assert_true(json_is_true(json_object_get(layer, "live")));
  assert_int_equal(number(layer, "packets"), 50);
  assert_int_equal(number(layer, "lost"), 0);
  assert_int_equal(number(layer, "width"), 640);
  assert_int_equal(number(layer, "height"), 360);
  assert_int_equal(number(layer, "keyframes"), 1);

  json_t *sent = json_array_get(json_object_get(to, "sent"), 0);
  assert_int_equal(number(sent, "packets"), 50);
  assert_string_equal(json_string_value(json_object_get(sent, "layer")), "h");
  json_t *transport = json_object_get(to, "transport");
  assert_string_equal(json_string_value(json_object_get(transport, "state")), "connected");
  assert_true(number(transport, "bytesSent") > 40000);
  assert_true(number(transport, "packetsReceived") > 0);

  char *openapi = load_openapi();
  expect_documented(openapi, from);
  expect_documented(openapi, track);
  expect_documented(openapi, layer);
  expect_documented(openapi, sent);
  expect_documented(openapi, transport);
  free(openapi);
  json_decref(room);
  harness_free(h);
}

static void a_member_without_transport_has_no_numbers(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  const struct room_decorator decorator = statistics_decorator(h->engine);
  json_t *room = room_manager_room(h->manager, "visit", &decorator);
  assert_string_equal(json_string_value(json_object_get(participant_of(room, a->id), "transport")), "new");
  json_decref(room);
  harness_free(h);
}

static void the_worker_counts_everything(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor");
  harness_connect(h, "patient");
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  for (int i = 0; i < 10; i++)
    source_send(&mic, false);
  json_t *stats = statistics_worker(h->engine);
  assert_int_equal(number(stats, "rooms"), 1);
  assert_int_equal(number(stats, "participants"), 2);
  assert_int_equal(number(stats, "peers"), 2);
  assert_int_equal(number(stats, "addresses"), 2);
  assert_int_equal(number(stats, "rtpPacketsIn"), 10);
  assert_int_equal(number(stats, "rtpPacketsOut"), 10);
  assert_true(number(stats, "rtpBytesOut") > 800);
  static const char *const others[] = {
      "sessions",     "tracks",       "rtpBytesIn",         "rtcpPacketsIn",       "rtcpPacketsOut", "rtxPacketsOut",
      "nacksIn",      "nacksOut",     "keyframeRequestsIn", "keyframeRequestsOut", "dataMessages",   "sendCalls",
      "receiveCalls", "sendMessages", "gsoRefused",         "busyPercent",         "gatherUs"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_true(number(stats, others[i]) >= 0);
  /* One drop of each kind has a name of its own. */
  json_t *drops = json_object_get(stats, "drops");
  for (int i = 1; i < ENGINE_DROP_COUNT; i++)
    assert_int_equal(number(drops, engine_drop_name((enum engine_drop)i)), harness_drops(h, (enum engine_drop)i));
  for (int i = 1; i < RTP_DROP_COUNT; i++)
    (void)number(drops, rtp_drop_reason_name((enum rtp_drop_reason)i));
  for (int i = 1; i < ICE_DROP_REASONS; i++)
    (void)number(drops, ice_drop_reason_name((enum ice_drop_reason)i));
  harness_advance(h, 2 * SECOND);
  json_t *later = statistics_worker(h->engine);
  assert_int_equal(number(json_object_get(later, "qualityCauses"), "none"), 2);
  assert_int_equal(number(json_object_get(later, "qualityCauses"), "otherUplink"), 0);
  json_decref(later);
  assert_int_equal(json_object_size(drops), ENGINE_DROP_COUNT + RTP_DROP_COUNT + ICE_DROP_REASONS - 3 + 4);
  json_decref(stats);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_room_shows_what_flows),
      cmocka_unit_test(a_member_without_transport_has_no_numbers),
      cmocka_unit_test(the_worker_counts_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
