/* A participant against a scripted gateway: tokens, the messages of PROTOCOL.md in their order, and what is said in plain words
 * when one of them is refused. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/participant_world.h"

static void in_development_the_server_gives_the_token(void **state) {
  (void)state;
  assert_int_equal(world_create(), 0);
  assert_true(scripted.is_get);
  assert_string_equal(scripted.path, "/dev/token?room=r1&identity=load-1&name=load-1&role=doctor");
  scripted_answer(200, "{\"token\":\"abc\"}");
  assert_false(scripted.is_get);
  assert_string_equal(scripted.path, "/v1/ws");
  assert_int_equal(scripted.count, 0); /* nothing before it is open */
  scripted_open();
  json_t *hello = scripted_find("type", "hello");
  assert_string_equal(json_string_value(json_object_get(hello, "token")), "abc");
  assert_int_equal(json_integer_value(json_object_get(hello, "version")), 1);
  json_decref(hello);
}

static void a_server_without_dev_is_told_apart(void **state) {
  (void)state;
  assert_int_equal(world_create(), 0);
  scripted_answer(404, "not found");
  assert_int_equal(world.failed, 1);
  assert_non_null(strstr(world.why, "--dev"));
  assert_non_null(strstr(world.why, "--secret-file"));
  assert_int_equal(world_create(), 0);
  scripted_answer(503, "");
  assert_non_null(strstr(world.why, "HTTP 503"));
  assert_int_equal(world_create(), 0);
  scripted_answer(200, "{\"no\":1}");
  assert_int_equal(world.failed, 3);
  assert_int_equal(world_create(), 0);
  scripted.next_error = 0;
  scripted_close(0, "Connection refused");
  assert_string_equal(world.why, "Connection refused");
}

static void with_the_secret_it_signs_its_own(void **state) {
  (void)state;
  static const uint8_t secret[] = "0123456789abcdef0123456789abcdef";
  const struct token_key key = {secret, 32};
  struct token_claims claims;
  world.shared.key = key;
  assert_int_equal(world_create(), 0);
  assert_string_equal(scripted.path, "/v1/ws");
  scripted_open();
  json_t *hello = scripted_find("type", "hello");
  const char *token = json_string_value(json_object_get(hello, "token"));
  assert_int_equal(token_verify(token, strlen(token), &key, 1, time(NULL), &claims), TOKEN_OK);
  assert_string_equal(claims.room, "r1");
  assert_string_equal(claims.identity, "load-1");
  assert_int_equal(claims.role, SIGNALING_ROLE_DOCTOR);
  json_decref(hello);
}

static void everything_is_said_at_once(void **state) {
  (void)state;
  static const char *const order[] = {"hello", "join", "offer", "publish"};
  world_sign_in();
  assert_int_equal(scripted.count, 4);
  for (unsigned i = 0; i < 4; i++) {
    json_t *message = json_loads(scripted.sent[i], 0, NULL);
    assert_string_equal(json_string_value(json_object_get(message, "type")), order[i]);
    json_decref(message);
  }
  json_t *publish = scripted_find("type", "publish"), *tracks = json_object_get(publish, "tracks");
  assert_int_equal(json_array_size(tracks), 2);
  const json_t *camera = json_array_get(tracks, 1);
  assert_string_equal(json_string_value(json_object_get(camera, "mid")), "1");
  assert_string_equal(json_string_value(json_object_get(camera, "source")), "camera");
  json_decref(publish);
}

static void a_large_offer_waits_for_the_welcome(void **state) {
  (void)state;
  world.plan.video_slots = 16; /* over the 16 KiB that a stranger's message may have */
  world_sign_in();
  assert_int_equal(scripted.count, 1);
  scripted_text("{\"re\":1,\"ok\":{\"version\":1}}");
  assert_int_equal(scripted.count, 4);
  scripted_text("{\"re\":1,\"ok\":{\"version\":1}}");
  assert_int_equal(scripted.count, 4);
}

static void a_listener_publishes_nothing(void **state) {
  (void)state;
  world.plan.media.microphone = world.plan.media.camera = false;
  world_sign_in();
  assert_false(scripted_said("type", "publish"));
}

static void refusals_say_what_to_do(void **state) {
  (void)state;
  static const struct {
    int re;
    const char *code, *words;
  } rows[] = {{1, "token_invalid", "hello was refused: token_invalid (m); is this the secret"},
              {2, "room_full", "join was refused: room_full (m); raise rooms.max_participants"},
              {2, "busy", "raise limits.rooms"},
              {3, "bad_offer", "offer was refused: bad_offer"},
              {4, "forbidden", "publish was refused: forbidden"},
              {99, "internal", "a request was refused"}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    world_sign_in();
    scripted_text("{\"re\":%d,\"error\":{\"code\":\"%s\",\"message\":\"m\"}}", rows[i].re, rows[i].code);
    assert_int_equal(world.failed, i + 1);
    assert_non_null(strstr(world.why, rows[i].words));
    scripted_reset();
  }
}

static void a_view_of_a_track_that_has_gone_is_no_failure(void **state) {
  (void)state;
  world_sign_in();
  scripted_text("{\"re\":5,\"error\":{\"code\":\"track_not_found\",\"message\":\"\"}}");
  assert_int_equal(world.failed, 0);
}

static void answers_that_cannot_be_used_are_named(void **state) {
  (void)state;
  world_sign_in();
  scripted_text("{\"re\":3,\"ok\":{}}");
  assert_string_equal(world.why, "the answer cannot be used: there is none");
  scripted_reset();
  world_sign_in();
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"v=0\"}}");
  assert_string_equal(world.why, "the answer cannot be used: the answer has no ICE credentials");
  scripted_reset();
  world_sign_in();
  scripted_text(
      "{\"re\":3,\"ok\":{\"sdp\":\"a=ice-ufrag:u\\r\\na=ice-pwd:p\\r\\na=fingerprint:sha-256 AA\\r\\n"
      "a=candidate:1 1 udp 1 nowhere 9 typ host\"}}");
  assert_non_null(strstr(world.why, "no UDP socket to the server's candidate"));
}

static void tracks_and_events_reach_the_media(void **state) {
  (void)state;
  world_sign_in();
  scripted_text(
      "{\"re\":4,\"ok\":{\"tracks\":[{\"track\":\"t_mic\",\"mid\":\"0\"},{\"track\":\"t_cam\",\"mid\":\"1\"}]}}");
  assert_string_equal(participant_camera_track(world.p), "t_cam");
  scripted_text("{\"event\":\"participantJoined\", not JSON at all, and not read");
  scripted_text(
      "{\"event\":\"slots\",\"slots\":[{\"mid\":\"2\",\"track\":\"t_1\"},{\"mid\":\"3\",\"track\":\"t_2\"},"
      "{\"mid\":\"77\",\"track\":\"t_3\"}]}");
  scripted_text("{\"event\":\"slots\",\"slots\":[{\"mid\":\"3\",\"track\":null}]}");
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", world_answer_sdp());
  unsigned assigned = 0;
  assert_int_equal(participant_starved(world.p, &assigned, virtual_loop_now_us + 1), 0);
  assert_int_equal(assigned, 1); /* it was told before there was a receiver */
  assert_int_equal(world.failed, 0);
}

static void a_layer_that_nobody_wants_is_not_sent(void **state) {
  (void)state;
  world_sign_in();
  scripted_text("{\"re\":4,\"ok\":{\"tracks\":[{\"track\":\"t_cam\",\"mid\":\"1\"}]}}");
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", world_answer_sdp());
  scripted_text("{\"event\":\"layersWanted\",\"track\":\"t_cam\",\"layers\":[{\"rid\":\"f\",\"active\":false}]}");
  world_run(1000000);
  assert_int_equal(world.ready, 1);
  assert_true(world.rtp > 40);
  assert_int_equal(world.voice_packets, world.rtp); /* only the microphone */
  scripted_text("{\"event\":\"layersWanted\",\"track\":\"t_other\",\"layers\":[{\"rid\":\"f\",\"active\":true}]}");
  world_run(1000000);
  assert_int_equal(world.voice_packets, world.rtp);
  scripted_text("{\"event\":\"layersWanted\",\"track\":\"t_cam\",\"layers\":[{\"rid\":\"f\",\"active\":true}]}");
  world_run(1000000);
  assert_true(world.rtp > world.voice_packets + 25);
}

static void ends_are_said_in_words(void **state) {
  (void)state;
  world_sign_in();
  scripted_text("{\"event\":\"mediaLost\",\"reason\":\"worker_lost\"}");
  assert_string_equal(world.why, "the server lost a media worker");
  scripted_reset();
  world_sign_in();
  scripted_text("{\"event\":\"negotiate\",\"reason\":\"transport\"}");
  assert_non_null(strstr(world.why, "negotiate again"));
  scripted_reset();
  world_sign_in();
  scripted_close(4003, "the server closed the connection (4003, replaced)");
  assert_non_null(strstr(world.why, "4003"));
  assert_int_equal(world.failed, 3);
}

static void what_is_looked_at_is_said(void **state) {
  (void)state;
  world_sign_in();
  const struct participant_view views[] = {{"t_1", 320, 180}, {"", 320, 180}, {"t_2", 640, 360}};
  participant_view(world.p, views, 3);
  json_t *view = scripted_find("type", "view"), *requests = json_object_get(view, "requests");
  assert_int_equal(json_array_size(requests), 2); /* one of the cameras is not published yet */
  assert_int_equal(json_integer_value(json_object_get(json_array_get(requests, 1), "width")), 640);
  assert_true(json_is_true(json_object_get(json_array_get(requests, 0), "visible")));
  json_decref(view);
}

static void who_has_joined_says_goodbye(void **state) {
  (void)state;
  assert_int_equal(world_create(), 0);
  participant_free(world.p);
  world.p = NULL;
  assert_false(scripted_said("type", "leave"));
  world_sign_in();
  participant_free(world.p);
  world.p = NULL;
  assert_true(scripted_said("type", "leave"));
  assert_true(scripted.freed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(in_development_the_server_gives_the_token),
      CASE(a_server_without_dev_is_told_apart),
      CASE(with_the_secret_it_signs_its_own),
      CASE(everything_is_said_at_once),
      CASE(a_large_offer_waits_for_the_welcome),
      CASE(a_listener_publishes_nothing),
      CASE(refusals_say_what_to_do),
      CASE(a_view_of_a_track_that_has_gone_is_no_failure),
      CASE(answers_that_cannot_be_used_are_named),
      CASE(tracks_and_events_reach_the_media),
      CASE(a_layer_that_nobody_wants_is_not_sent),
      CASE(ends_are_said_in_words),
      CASE(what_is_looked_at_is_said),
      CASE(who_has_joined_says_goodbye),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
