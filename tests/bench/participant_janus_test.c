/* The same participant as a client of Janus's videoroom: the steps of a sender and of a receiver, and its refusals. */
#include "tests/bench/participant_world.h"

#define SECOND 1000000

static void begin(unsigned subscriptions) {
  world.plan.janus.room = 7;
  world.plan.janus.feed = 3;
  world.plan.janus.count = subscriptions;
  world.plan.audio_slots = world.plan.video_slots = 0;
  for (unsigned i = 0; i < subscriptions; i++)
    world.plan.janus.from[i] = (struct janus_subscription){.feed = 10 + i, .audio = i == 0, .video = true};
  if (subscriptions) world.plan.media.microphone = world.plan.media.camera = false;
  assert_int_equal(world_create(), 0);
  assert_string_equal(scripted.protocol, "janus-protocol");
  scripted_open();
  assert_true(scripted_said("janus", "create"));
  scripted_text("{\"janus\":\"success\",\"transaction\":\"1\",\"data\":{\"id\":111}}");
  json_t *attach = scripted_find("janus", "attach");
  assert_int_equal(json_integer_value(json_object_get(attach, "session_id")), 111);
  json_decref(attach);
  scripted_text("{\"janus\":\"success\",\"transaction\":\"2\",\"data\":{\"id\":222}}");
}

/* The body of the last "message" with this request. */
static json_t *last_request(const char *request) {
  json_t *message = json_loads(scripted.sent[scripted.count - 1], 0, NULL);
  const json_t *body = json_object_get(message, "body");
  assert_string_equal(json_string_value(json_object_get(body, "request")), request);
  assert_int_equal(json_integer_value(json_object_get(message, "handle_id")), 222);
  assert_int_equal(json_integer_value(json_object_get(body, "room")), 7);
  return message;
}

static void a_sender_joins_with_its_offer(void **state) {
  (void)state;
  begin(0);
  json_t *join = last_request("joinandconfigure");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(join, "body"), "id")), 3);
  const json_t *jsep = json_object_get(join, "jsep");
  assert_non_null(strstr(json_string_value(json_object_get(jsep, "sdp")), "m=video"));
  assert_non_null(strstr(json_string_value(json_object_get(jsep, "sdp")), "a=setup:active"));
  json_decref(join);
  scripted_text(
      "{\"janus\":\"event\",\"transaction\":\"4\",\"jsep\":{\"type\":\"answer\",\"sdp\":\"a=ice-ufrag:u\\r\\n"
      "a=ice-pwd:p\\r\\na=fingerprint:sha-256 AA\\r\\na=candidate:1 1 udp 1 127.0.0.1 %u typ host\\r\\n\"}}",
      world.port);
  assert_true(scripted_said("janus", "trickle")); /* it is told that there are no more candidates */
}

static void list(bool second) {
  scripted_text(
      "{\"janus\":\"success\",\"transaction\":\"3\",\"plugindata\":{\"data\":{\"participants\":["
      "{\"id\":10,\"publisher\":true},{\"id\":11,\"publisher\":%s},{\"id\":99,\"publisher\":true}]}}}",
      second ? "true" : "false");
}

static void a_receiver_waits_until_all_its_feeds_are_there(void **state) {
  (void)state;
  begin(2);
  json_decref(last_request("listparticipants"));
  unsigned said = scripted.count;
  list(false);
  assert_int_equal(scripted.count, said);
  world_run(SECOND / 5); /* asks again after a while */
  assert_true(scripted.count > said);
  json_decref(last_request("listparticipants"));
  list(true);
  json_t *join = last_request("join");
  const json_t *streams = json_object_get(json_object_get(join, "body"), "streams");
  assert_int_equal(json_array_size(streams), 3); /* of the second feed only the camera */
  assert_int_equal(json_integer_value(json_object_get(json_array_get(streams, 2), "feed")), 11);
  assert_string_equal(json_string_value(json_object_get(json_array_get(streams, 2), "mid")), "1");
  json_decref(join);
}

static void a_receiver_answers_the_offer(void **state) {
  (void)state;
  begin(1);
  scripted_text(
      "{\"janus\":\"event\",\"jsep\":{\"type\":\"offer\",\"sdp\":\"a=ice-ufrag:u\\r\\na=ice-pwd:p\\r\\n"
      "a=fingerprint:sha-256 AA\\r\\nm=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\na=mid:0\\r\\na=sendonly\\r\\n"
      "a=ssrc:5 cname:x\\r\\na=candidate:1 1 udp 1 127.0.0.1 %u typ host\\r\\n\"}}",
      world.port);
  json_t *message = NULL;
  for (unsigned i = 0; i < scripted.count && !message; i++) {
    message = json_loads(scripted.sent[i], 0, NULL);
    if (json_object_get(message, "jsep")) break;
    json_decref(message);
    message = NULL;
  }
  assert_non_null(message);
  const json_t *jsep = json_object_get(message, "jsep");
  assert_string_equal(json_string_value(json_object_get(jsep, "type")), "answer");
  assert_non_null(strstr(json_string_value(json_object_get(jsep, "sdp")), "a=recvonly"));
  json_decref(message);
  unsigned assigned = 0;
  participant_starved(world.p, &assigned, virtual_loop_now_us);
  assert_int_equal(assigned, 1); /* one stream, one slot */
  world_run(SECOND);             /* AA is no fingerprint: said when the loop comes round, not from inside */
  assert_int_equal(world.failed, 1);
  assert_non_null(strstr(world.why, "fingerprint"));
}

static void refusals_are_passed_on(void **state) {
  (void)state;
  begin(0);
  scripted_text("{\"janus\":\"error\",\"transaction\":\"4\",\"error\":{\"code\":1,\"reason\":\"no such room\"}}");
  assert_string_equal(world.why, "Janus refused step 4: no such room");
  scripted_reset();
  begin(0);
  scripted_text("{\"janus\":\"event\",\"plugindata\":{\"data\":{\"error\":\"Unauthorized\"}}}");
  assert_string_equal(world.why, "Janus's videoroom: Unauthorized");
  scripted_reset();
  begin(0);
  scripted_text("[1,2]");
  assert_non_null(strstr(world.why, "not its protocol"));
  scripted_reset();
  begin(0);
  scripted_text("{\"janus\":\"event\",\"jsep\":{\"sdp\":\"v=0\"}}");
  assert_non_null(strstr(world.why, "cannot be used"));
  scripted_reset();
  begin(0);
  scripted_close(1006, "the connection broke");
  assert_string_equal(world.why, "Janus: the connection broke");
  assert_int_equal(world.failed, 5);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_sender_joins_with_its_offer),
      CASE(a_receiver_waits_until_all_its_feeds_are_there),
      CASE(a_receiver_answers_the_offer),
      CASE(refusals_are_passed_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
