/* server/gateway/http.c: who may ask what over HTTP, what is asked of which worker for it, and each status it can give. */
#include "tests/server/gateway/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/version.h"

static void expect_problem(const char *request, int status, const char *code) {
  json_t *body;
  int got = http_get(request, &body);
  if (got != status) fail_msg("%s: %d, not %d", request, got, status);
  assert_string_equal(text_at(body, "code"), code);
  assert_int_equal(number_at(body, "status"), status);
  assert_true(*text_at(body, "title"));
}

static int status_for(const char *request, const char *authorization) {
  struct loop_client c;
  const char *body;
  http_ask(&c, request, authorization);
  int status = http_take(&c, &body);
  if (status == 401) {
    assert_non_null(strstr(c.in, "\r\nWWW-Authenticate: Bearer realm=\"consilium\"\r\n"));
    assert_non_null(strstr(body, "\"not_authenticated\""));
  }
  loop_client_close(&c);
  return status;
}

static void test_health(void **state) {
  (void)state;
  world_open_alone(NULL);
  assert_int_equal(status_for("GET /healthz", ""), 200);
  expect_problem("GET /readyz", 503, "worker_lost");
  world_worker_listen(1);
  world_worker_hello(1, "", "");
  assert_int_equal(status_for("GET /readyz", ""), 200); /* one is enough */
  world.g.draining = true;
  expect_problem("GET /readyz", 503, "draining");
  assert_int_equal(status_for("GET /healthz", ""), 200);
  json_t *body;
  assert_int_equal(http_get("GET /version", &body), 200);
  assert_string_equal(text_at(body, "version"), version_number);
  assert_string_equal(text_at(body, "commit"), version_commit);
}

static void test_only_the_administrator(void **state) {
  (void)state;
  world_open(NULL);
  static const char *const requests[] = {"GET /metrics",           "GET /api/v1/rooms",        "GET /api/v1/rooms/r",
                                         "DELETE /api/v1/rooms/r", "GET /api/v1/openapi.yaml", "GET /api/v1/nothing",
                                         "DELETE /metrics"};
  static const char *const wrong[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "Bearer " WORLD_ADMIN "x",
                                      "Basic " WORLD_ADMIN,
                                      WORLD_ADMIN,
                                      "Bearer the-administrator-s-toke",
                                      "Bearer  " WORLD_ADMIN};
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
      if (status_for(requests[i], wrong[k]) != 401) fail_msg("%s with \"%s\"", requests[i], wrong[k]);
  for (int i = 0; i < WORLD_WORKERS; i++)
    assert_int_equal(world_worker_lines(i, "query"), 0);                    /* nobody was asked */
  assert_int_equal(status_for("GET /metrics", "bearer " WORLD_ADMIN), 200); /* the scheme in any case */
}

/* Without a token in the settings the API is off; an empty one does not open it. */
static void test_no_administrator(void **state) {
  (void)state;
  world_open(NULL);
  world.g.config->admin.token[0] = '\0';
  assert_int_equal(status_for("GET /metrics", "Bearer "), 401);
  assert_int_equal(status_for("GET /metrics", "Bearer " WORLD_ADMIN), 401);
  assert_int_equal(status_for("GET /metrics", ""), 401);
}

static void test_answers_at_once(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  world_open(NULL);
  http_ask(&c, "GET /metrics", NULL);
  assert_int_equal(http_take(&c, &body), 200);
  assert_non_null(strstr(c.in, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  assert_non_null(strstr(body, "\nconsilium_worker_up{worker=\"0\"} 1\n"));
  loop_client_close(&c);
  json_t *api;
  assert_int_equal(http_get("GET /api/v1/openapi.yaml", &api), 200);
  assert_non_null(at(api, "paths"));
  expect_problem("GET /api/v1/nothing", 404, "not_found");
  expect_problem("GET /api/", 404, "not_found");
  expect_problem("DELETE /metrics", 405, "method_not_allowed");
  expect_problem("DELETE /api/v1/rooms", 405, "method_not_allowed");
  expect_problem("DELETE /healthz", 405, "method_not_allowed");
  expect_problem("GET /dev/token", 404, "not_found"); /* not outside --dev */
}

static void test_development_tokens(void **state) {
  (void)state;
  const struct token_key key = {(const uint8_t *)WORLD_SECRET, strlen(WORLD_SECRET)};
  struct token_claims claims, other;
  json_t *body;
  world_open(NULL);
  world.g.dev = true;
  assert_int_equal(http_get("GET /dev/token", &body), 200);
  const char *token = text_at(body, "token");
  assert_int_equal(token_verify(token, strlen(token), &key, 1, gateway_wall_s(), &claims), TOKEN_OK);
  assert_string_equal(claims.room, "demo");
  assert_string_equal(claims.name, "Guest");
  assert_int_equal(claims.role, SIGNALING_ROLE_PATIENT);
  assert_true(claims.calls && !claims.wait && !claims.guest);
  assert_int_equal(http_get("GET /dev/token?room=r1&name=Dr.%20Ann&role=doctor&wait=1", &body), 200);
  token = text_at(body, "token");
  assert_int_equal(token_verify(token, strlen(token), &key, 1, gateway_wall_s(), &other), TOKEN_OK);
  assert_string_equal(other.room, "r1");
  assert_string_equal(other.name, "Dr. Ann");
  assert_int_equal(other.role, SIGNALING_ROLE_DOCTOR);
  assert_true(other.wait);
  assert_string_not_equal(other.identity, claims.identity);
  assert_int_equal(http_get("GET /dev/token?room=r1&identity=ann&lobby=1", &body), 200);
  token = text_at(body, "token");
  assert_int_equal(token_verify(token, strlen(token), &key, 1, gateway_wall_s(), &claims), TOKEN_OK);
  assert_string_equal(claims.room, "");
  assert_string_equal(claims.identity, "ann");
  expect_problem("GET /dev/token?role=king", 400, "bad_request");
  expect_problem("GET /dev/token?role=a-role-that-is-longer-than-any-role-can-be", 400, "bad_request");
  expect_problem("GET /dev/token?room=a%20b", 400, "bad_request");
}

/* Waits for the question to a worker and answers it with `rest`, a member of the result. */
static void answer(int worker, const char *what, const char *rest) {
  json_t *query = world_worker_line(worker, "query");
  assert_string_equal(text_at(query, "what"), what);
  world_worker_say(worker, "{'op':'result','ref':%d,%s}", (int)number_at(query, "ref"), rest);
}

static void test_rooms_of_all_workers(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  world_open(NULL);
  http_ask(&c, "GET /api/v1/rooms", NULL);
  answer(1, "rooms", "'value':[{'room':'b'}]");
  answer(0, "rooms", "'value':[{'room':'a'},{'room':'c'}]");
  assert_int_equal(http_take(&c, &body), 200);
  assert_string_equal(body, "{\"rooms\":[{\"room\":\"b\"},{\"room\":\"a\"},{\"room\":\"c\"}]}");
  loop_client_close(&c);
  /* Of those that are there. */
  world_worker_die(0);
  http_ask(&c, "GET /api/v1/rooms", NULL);
  answer(1, "rooms", "'value':[]");
  assert_int_equal(http_take(&c, &body), 200);
  assert_string_equal(body, "{\"rooms\":[]}");
  loop_client_close(&c);
  world_worker_die(1);
  json_t *json;
  assert_int_equal(http_get("GET /api/v1/rooms", &json), 200);
  assert_int_equal(json_array_size(at(json, "rooms")), 0);
}

/* A list with a hole is not shown as if it were whole. */
static void test_rooms_with_a_hole(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  world_open(NULL);
  http_ask(&c, "GET /api/v1/rooms", NULL);
  answer(0, "rooms", "'value':[{'room':'a'}]");
  json_t *query = world_worker_line(1, "query");
  assert_string_equal(text_at(query, "what"), "rooms");
  world_worker_hang_up(1);
  assert_int_equal(http_take(&c, &body), 503);
  assert_non_null(strstr(body, "\"worker_lost\""));
  assert_null(strstr(body, "\"a\""));
  loop_client_close(&c);
  world_worker_hello(1, "", "");
  http_ask(&c, "GET /api/v1/rooms", NULL);
  answer(0, "rooms", "'value':{}");
  answer(1, "rooms", "'value':[]");
  assert_int_equal(http_take(&c, &body), 503);
  assert_non_null(strstr(body, "\"internal\""));
  loop_client_close(&c);
}

static void test_paths_of_one_room(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  world_open(NULL);
  room_directory_learn(world.g.directory, "r", 1);
  static const char *const nowhere[] = {"/api/v1/rooms/",
                                        "/api/v1/rooms/a%20b",
                                        "/api/v1/rooms/r/",
                                        "/api/v1/rooms/r/tracks",
                                        "/api/v1/rooms/r/participants",
                                        "/api/v1/rooms/r/participants/",
                                        "/api/v1/rooms/r/participants/p/x",
                                        "/api/v1/rooms/r/participants/a%20b",
                                        "/api/v1/rooms/%c3%a4"};
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
    char request[128];
    (void)snprintf(request, sizeof request, "DELETE %s", nowhere[i]);
    expect_problem(request, 404, "not_found");
    (void)snprintf(request, sizeof request, "GET %s", nowhere[i]);
    expect_problem(request, 404, "not_found");
  }
  expect_problem("GET /api/v1/rooms/unknown", 404, "room_not_found");
  char request[300] = "GET /api/v1/rooms/";
  memset(request + 18, 'r', SIGNALING_IDENTIFIER_BYTES);
  expect_problem(request, 404, "room_not_found"); /* the longest there can be */
  request[18 + SIGNALING_IDENTIFIER_BYTES] = 'r';
  expect_problem(request, 404, "not_found");
  http_ask(&c, "PUT /api/v1/rooms/r", NULL);
  assert_int_equal(http_take(&c, &body), 405);
  assert_non_null(strstr(c.in, "\r\nAllow: GET, DELETE\r\n"));
  loop_client_close(&c);
  http_ask(&c, "GET /api/v1/rooms/r/participants/p_1", NULL);
  assert_int_equal(http_take(&c, &body), 405);
  assert_non_null(strstr(c.in, "\r\nAllow: DELETE\r\n"));
  loop_client_close(&c);
  assert_int_equal(world_worker_lines(1, "query"), 0);
}

/* One request about a room of worker 1, answered by it with `rest`. */
static int about_room(const char *request, const char *what, const char *rest, const char *expected) {
  struct loop_client c;
  const char *body = "";
  http_ask(&c, request, NULL);
  json_t *query = world_worker_line(1, "query");
  assert_string_equal(text_at(query, "what"), what);
  assert_string_equal(text_at(query, "room"), "r");
  assert_string_equal(text_at(query, "participant"), strcmp(what, "removeParticipant") == 0 ? "p_1" : "");
  world_worker_say(1, "{'op':'result','ref':%d,%s}", (int)number_at(query, "ref"), rest);
  int status = http_take(&c, &body);
  if (!strstr(body, expected)) fail_msg("%s: %s", request, body);
  loop_client_close(&c);
  return status;
}

static void test_one_room(void **state) {
  (void)state;
  world_open(NULL);
  room_directory_learn(world.g.directory, "r", 1);
  assert_int_equal(about_room("GET /api/v1/rooms/r", "room", "'value':{'room':'r'}", "{\"room\":\"r\"}"), 200);
  assert_int_equal(about_room("DELETE /api/v1/rooms/r", "closeRoom", "'value':{}", ""), 204);
  assert_int_equal(about_room("DELETE /api/v1/rooms/r/participants/p_1", "removeParticipant", "'value':{}", ""), 204);
  static const struct {
    const char *code;
    int status;
  } cases[] = {{"room_not_found", 404}, {"participant_not_found", 404}, {"worker_lost", 503}, {"timeout", 503},
               {"internal", 500},       {"never_heard_of", 500}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char error[96];
    (void)snprintf(error, sizeof error, "'error':{'code':'%s','message':'So it is.'}", cases[i].code);
    assert_int_equal(about_room("GET /api/v1/rooms/r", "room", error, cases[i].code), cases[i].status);
    assert_int_equal(about_room("DELETE /api/v1/rooms/r/participants/p_1", "removeParticipant", error, "So it is."),
                     cases[i].status);
  }
}

static void test_a_worker_that_says_nothing(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  world_open(NULL);
  room_directory_learn(world.g.directory, "r", 1);
  http_ask(&c, "GET /api/v1/rooms/r", NULL);
  world_worker_line(1, "query");
  query_tick(&world.g, gateway_now_us() + 2000000);
  assert_int_equal(http_take(&c, &body), 503);
  assert_non_null(strstr(body, "\"timeout\""));
  loop_client_close(&c);
  /* The client goes first: its answer is thrown away, not sent to somebody else. */
  http_ask(&c, "GET /api/v1/rooms/r", NULL);
  json_int_t ref = number_at(world_worker_line(1, "query"), "ref");
  loop_client_close(&c);
  world_worker_say(1, "{'op':'result','ref':%d,'value':{'room':'r'}}", (int)ref);
  world_turn();
  assert_int_equal(status_for("GET /healthz", ""), 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {WORLD_TEST(test_health),
                                     WORLD_TEST(test_only_the_administrator),
                                     WORLD_TEST(test_no_administrator),
                                     WORLD_TEST(test_answers_at_once),
                                     WORLD_TEST(test_development_tokens),
                                     WORLD_TEST(test_rooms_of_all_workers),
                                     WORLD_TEST(test_rooms_with_a_hole),
                                     WORLD_TEST(test_paths_of_one_room),
                                     WORLD_TEST(test_one_room),
                                     WORLD_TEST(test_a_worker_that_says_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
