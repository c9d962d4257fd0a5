/* tests/server/worker/data_relay_test.c: frames between members: whole, to whom they name, with the sender's name in front. */
#include "tests/server/worker/engine_harness.h"

struct room {
  struct harness *h;
  struct browser *a, *b, *c;
};

static struct room open_room(const char *third) {
  struct room r = {.h = harness_new()};
  struct browser **each[] = {&r.a, &r.b, &r.c};
  const char *const roles[] = {"doctor", "patient", third};
  for (size_t i = 0; i < 3; i++) {
    *each[i] = harness_join(r.h, roles[i]);
    browser_offer(*each[i], "chromium");
    browser_connect(*each[i]);
    browser_open_channels(*each[i]);
  }
  return r;
}

static bool send_frame(struct browser *from, uint16_t channel, const char *target, const char *text) {
  uint8_t frame[300];
  const size_t n = strlen(target);
  frame[0] = (uint8_t)n;
  memcpy(frame + 1, target, n);              /* NOLINT(bugprone-not-null-terminated-result): bytes, not a string */
  memcpy(frame + 1 + n, text, strlen(text)); /* NOLINT(bugprone-not-null-terminated-result) */
  const bool sent = browser_send_message(from, channel, frame, 1 + n + strlen(text));
  harness_advance(from->harness, 20 * MILLISECOND);
  return sent;
}

static void expect_frame(const struct browser *b, const char *sender, const char *text) {
  assert_int_equal(b->messages, 1);
  assert_int_equal(b->message[0], strlen(sender));
  assert_memory_equal(b->message + 1, sender, strlen(sender));
  assert_int_equal(b->message_len, 1 + strlen(sender) + strlen(text));
  assert_memory_equal(b->message + 1 + strlen(sender), text, strlen(text));
}

static void to_everybody_or_to_one(void **state) {
  (void)state;
  struct room r = open_room("interpreter");
  assert_true(send_frame(r.a, r.a->reliable, "", "hello all"));
  expect_frame(r.b, r.a->id, "hello all");
  expect_frame(r.c, r.a->id, "hello all");
  assert_int_equal(r.a->messages, 0);
  harness_forget(r.h);
  assert_true(send_frame(r.b, r.b->lossy, r.c->id, "you"));
  expect_frame(r.c, r.b->id, "you");
  assert_int_equal(r.a->messages, 0);
  assert_int_equal(r.h->engine->counters.data_messages, 3);
  assert_int_equal(harness_drops(r.h, ENGINE_DROP_DATA_TARGET), 0);
  harness_free(r.h);
}

static void frames_with_wrong_lengths_go_nowhere(void **state) {
  (void)state;
  struct room r = open_room("interpreter");
  struct peer *a = browser_peer(r.a);
  const uint16_t channel = (uint16_t)a->reliable_channel;
  static const uint8_t too_long_name[] = {200, 'p', '_'}, just_short[] = {3, 'p', '_'};
  peer_channel_message(a, channel, NULL, 0, r.h->now_us);
  peer_channel_message(a, channel, too_long_name, sizeof too_long_name, r.h->now_us);
  peer_channel_message(a, channel, just_short, sizeof just_short, r.h->now_us);
  assert_int_equal(harness_drops(r.h, ENGINE_DROP_DATA_TARGET), 3);
  static uint8_t huge[70000];
  peer_channel_message(a, channel, huge, sizeof huge, r.h->now_us);
  peer_channel_message(a, 33, (const uint8_t *)"\0x", 2, r.h->now_us); /* a channel that was never opened */
  assert_int_equal(harness_drops(r.h, ENGINE_DROP_DATA_TARGET), 5);
  assert_true(send_frame(r.a, r.a->reliable, "p_nobody", "x"));
  assert_int_equal(harness_drops(r.h, ENGINE_DROP_DATA_TARGET), 6);
  assert_int_equal(r.b->messages + r.c->messages, 0);
  /* An empty frame to all is one: the sender's name and nothing. */
  assert_true(send_frame(r.a, r.a->reliable, "", ""));
  expect_frame(r.b, r.a->id, "");
  harness_free(r.h);
}

static void a_large_message_passes_whole(void **state) {
  (void)state;
  struct room r = open_room("interpreter");
  static uint8_t frame[65000];
  for (size_t i = 1; i < sizeof frame; i++)
    frame[i] = (uint8_t)(i * 7);
  assert_true(browser_send_message(r.a, r.a->reliable, frame, sizeof frame));
  for (int i = 0; i < 200 && !(r.b->messages && r.c->messages); i++)
    harness_advance(r.h, 10 * MILLISECOND);
  assert_int_equal(r.b->messages, 1);
  assert_int_equal(r.b->message_len, sizeof frame + strlen(r.a->id));
  assert_memory_equal(r.b->message + 1 + strlen(r.a->id), frame + 1, sizeof frame - 1);
  harness_free(r.h);
}

static void observers_receive_only(void **state) {
  (void)state;
  struct room r = open_room("observer");
  assert_true(send_frame(r.a, r.a->reliable, "", "to all"));
  expect_frame(r.c, r.a->id, "to all");
  harness_forget(r.h);
  assert_true(send_frame(r.c, r.c->reliable, "", "I am here"));
  assert_true(send_frame(r.a, r.a->reliable, r.c->id, "I see you"));
  assert_int_equal(r.a->messages + r.b->messages + r.c->messages, 0);
  harness_free(r.h);
}

static void closed_channels_receive_nothing(void **state) {
  (void)state;
  struct room r = open_room("interpreter");
  struct peer *b = browser_peer(r.b);
  peer_channel_closed(b, (uint16_t)b->lossy_channel);
  assert_int_equal(b->lossy_channel, -1);
  assert_true(send_frame(r.a, r.a->lossy, r.b->id, "x"));
  assert_int_equal(r.b->messages, 0);
  assert_int_equal(harness_drops(r.h, ENGINE_DROP_DATA_TARGET), 1);
  struct peer_channel other = {.id = 9, .label = "else"};
  peer_channel_opened(b, &other);
  assert_int_equal(b->lossy_channel, -1);
  harness_free(r.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(to_everybody_or_to_one),          cmocka_unit_test(frames_with_wrong_lengths_go_nowhere),
      cmocka_unit_test(a_large_message_passes_whole),    cmocka_unit_test(observers_receive_only),
      cmocka_unit_test(closed_channels_receive_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
