/* server/gateway/queries.c: every question to a worker is answered exactly once, never at once, whatever the worker does. */
#include "tests/server/gateway/world.h"

#include <stdio.h>

#define SECOND_US INT64_C(1000000)

struct heard {
  int times;
  json_int_t value;
  char code[32], message[32];
};

static void hear(void *arg, json_t *value, const char *code, const char *message) {
  struct heard *h = arg;
  h->times++;
  h->value = json_integer_value(value);
  (void)snprintf(h->code, sizeof h->code, "%s", code ? code : "");
  (void)snprintf(h->message, sizeof h->message, "%s", message ? message : "");
}

static void expect(const struct heard *h, json_int_t value, const char *code, const char *message) {
  assert_int_equal(h->times, 1);
  assert_int_equal(h->value, value);
  assert_string_equal(h->code, code);
  assert_string_equal(h->message, message);
}

static void test_question_and_answer(void **state) {
  (void)state;
  static struct heard first, second; /* the teardown answers what is left */
  world_open(NULL);
  query_send(&world.g, 1, "room", json_pack("{s:s}", "room", "r1"), hear, &first);
  query_send(&world.g, 1, "rooms", NULL, hear, &second);
  json_t *line = world_worker_line(1, "query");
  assert_string_equal(text_at(line, "what"), "room");
  assert_string_equal(text_at(line, "room"), "r1");
  json_int_t ref = number_at(line, "ref");
  line = world_worker_line(1, "query");
  assert_string_equal(text_at(line, "what"), "rooms");
  assert_int_equal(json_object_size(line), 3);
  json_int_t other = number_at(line, "ref");
  assert_true(other > ref);
  assert_int_equal(world_worker_lines(0, "query"), 0);
  assert_int_equal(first.times, 0);
  /* Answers in another order than the questions. */
  world_worker_say(1, "{'op':'result','ref':%d,'value':2}", (int)other);
  world_worker_say(1, "{'op':'result','ref':%d,'value':1}", (int)ref);
  world_turn();
  expect(&first, 1, "", "");
  expect(&second, 2, "", "");
  /* The same again, an unknown one, one without ref: nobody asked. */
  world_worker_say(1, "{'op':'result','ref':%d,'value':7}", (int)ref);
  world_worker_say(1, "{'op':'result','ref':%d,'value':7}", (int)other + 1);
  world_worker_say(1, "{'op':'result','value':7}");
  world_turn();
  expect(&first, 1, "", "");
  assert_null(world.g.queries);
}

static void test_errors_of_the_worker(void **state) {
  (void)state;
  static struct heard whole, bare, nothing;
  world_open(NULL);
  query_send(&world.g, 0, "room", NULL, hear, &whole);
  query_send(&world.g, 0, "room", NULL, hear, &bare);
  query_send(&world.g, 0, "room", NULL, hear, &nothing);
  json_int_t ref = number_at(world_worker_line(0, "query"), "ref");
  world_worker_say(0, "{'op':'result','ref':%d,'error':{'code':'room_not_found','message':'No room.'}}", (int)ref);
  world_worker_say(0, "{'op':'result','ref':%d,'error':{'code':7}}", (int)ref + 1);
  world_worker_say(0, "{'op':'result','ref':%d}", (int)ref + 2);
  world_turn();
  expect(&whole, 0, "room_not_found", "No room.");
  expect(&bare, 0, "internal", "");
  expect(&nothing, 0, "internal", "");
}

static void test_silence_has_an_end(void **state) {
  (void)state;
  static struct heard h;
  world_open(NULL);
  int64_t before = gateway_now_us();
  query_send(&world.g, 0, "room", NULL, hear, &h);
  int64_t after = gateway_now_us();
  query_tick(&world.g, before + 2 * SECOND_US - 1);
  assert_int_equal(h.times, 0);
  query_tick(&world.g, after + 2 * SECOND_US);
  expect(&h, 0, "timeout", "");
  /* The answer that comes too late is nobody's. */
  json_int_t ref = number_at(world_worker_line(0, "query"), "ref");
  world_worker_say(0, "{'op':'result','ref':%d,'value':3}", (int)ref);
  world_turn();
  expect(&h, 0, "timeout", "");
}

/* Also then the asker is not called from inside its own call. */
static void test_nobody_to_ask(void **state) {
  (void)state;
  static struct heard down, nowhere;
  world_open_alone(NULL);
  query_send(&world.g, 0, "room", json_pack("{s:s}", "room", "r"), hear, &down);
  query_send(&world.g, -1, "room", NULL, hear, &nowhere);
  assert_int_equal(down.times + nowhere.times, 0);
  query_tick(&world.g, gateway_now_us());
  expect(&down, 0, "worker_lost", "");
  expect(&nowhere, 0, "worker_lost", "");
}

static void test_a_worker_dies(void **state) {
  (void)state;
  static struct heard here, here_too, there;
  world_open(NULL);
  query_send(&world.g, 0, "room", NULL, hear, &here);
  query_send(&world.g, 1, "room", NULL, hear, &there);
  query_send(&world.g, 0, "room", NULL, hear, &here_too);
  world_worker_hang_up(0);
  expect(&here, 0, "worker_lost", "");
  expect(&here_too, 0, "worker_lost", "");
  assert_int_equal(there.times, 0);
  query_close(&world.g);
  expect(&there, 0, "worker_lost", "");
  assert_null(world.g.queries);
}

/* Who is answered may ask again at once. */
static struct heard again;

static void ask_again(void *arg, json_t *value, const char *code, const char *message) {
  hear(arg, value, code, message);
  query_send(&world.g, 1, "rooms", NULL, hear, &again);
}

static void test_a_question_from_inside_an_answer(void **state) {
  (void)state;
  static struct heard h;
  world_open(NULL);
  int64_t due_us = gateway_now_us() + 2 * SECOND_US;
  query_send(&world.g, 0, "rooms", NULL, ask_again, &h);
  query_tick(&world.g, due_us - 1);
  assert_int_equal(h.times, 0);
  world_worker_hang_up(0);
  expect(&h, 0, "worker_lost", "");
  json_int_t ref = number_at(world_worker_line(1, "query"), "ref");
  world_worker_say(1, "{'op':'result','ref':%d,'value':5}", (int)ref);
  world_turn();
  expect(&again, 5, "", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(test_question_and_answer), WORLD_TEST(test_errors_of_the_worker),
      WORLD_TEST(test_silence_has_an_end),  WORLD_TEST(test_nobody_to_ask),
      WORLD_TEST(test_a_worker_dies),       WORLD_TEST(test_a_question_from_inside_an_answer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
