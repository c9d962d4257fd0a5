/* server/gateway/test_room.c: who gets a room to try the connection in, what its two tokens can do, and for how long. */
#include "tests/server/gateway/world.h"

#include <stdio.h>
#include <stdlib.h>

/* Asks with this token; the two tokens' claims on success. Returns the status, the problem's code in `code`. */
static int ask(const char *token, struct token_claims *sender, struct token_claims *receiver, char code[64]) {
  const struct token_key key = {(const uint8_t *)WORLD_SECRET, strlen(WORLD_SECRET)};
  char authorization[TOKEN_BYTES_MAX + 16];
  struct loop_client c;
  const char *body = "";
  (void)snprintf(authorization, sizeof authorization, "%s%s", *token ? "bearer " : "", token);
  http_ask(&c, "GET /v1/test-room", authorization);
  int status = http_take(&c, &body);
  json_t *json = json_loads(body, 0, NULL);
  (void)snprintf(code, 64, "%s", text_at(json, "code"));
  if (status == 200) {
    const char *one = text_at(json, "sender"), *two = text_at(json, "receiver");
    assert_int_equal(json_object_size(json), 2);
    assert_int_equal(token_verify(one, strlen(one), &key, 1, gateway_wall_s(), sender), TOKEN_OK);
    assert_int_equal(token_verify(two, strlen(two), &key, 1, gateway_wall_s(), receiver), TOKEN_OK);
    assert_non_null(strstr(c.in, "Cache-Control: no-store\r\n"));
  }
  json_decref(json);
  loop_client_close(&c);
  return status;
}

static void test_two_tokens_for_one_room(void **state) {
  (void)state;
  struct token_claims claims, sender, receiver;
  struct page p;
  char code[64];
  world_open(NULL);
  claims = world_claims("visit");
  char *token = world_token(&claims);
  assert_int_equal(ask(token, &sender, &receiver, code), 200);
  assert_string_equal(sender.room, receiver.room);
  assert_int_equal(strncmp(sender.room, "test-", 5), 0);
  assert_int_equal(strlen(sender.room), 5 + 32); /* 128 bits: nobody guesses another's */
  assert_int_equal(sender.role, SIGNALING_ROLE_PATIENT);
  assert_int_equal(receiver.role, SIGNALING_ROLE_OBSERVER);
  assert_string_not_equal(sender.identity, receiver.identity); /* the same one would replace the other */
  assert_string_not_equal(sender.jti, receiver.jti);
  assert_false(sender.calls || sender.guest || sender.wait || receiver.calls);
  assert_true(sender.expires_s <= gateway_wall_s() + 60 && receiver.expires_s <= gateway_wall_s() + 60);
  /* The token is not used up by it, and both others open their sessions. */
  page_open(&p);
  page_hello(&p, &claims);
  assert_true(*p.session);
  page_drop(&p);
  page_open(&p);
  page_hello(&p, &receiver);
  assert_string_equal(text_at(p.last, "ok.room"), receiver.room);
  page_drop(&p);
  free(token);
}

static void test_one_room_a_token(void **state) {
  (void)state;
  struct token_claims first = {0}, second = {0}, again = {0}, receiver;
  char code[64];
  world_open(NULL);
  struct token_claims a = world_claims("visit"), b = world_claims("visit");
  char *token = world_token(&a), *other = world_token(&b);
  assert_int_equal(ask(token, &first, &receiver, code), 200);
  assert_int_equal(ask(token, &again, &receiver, code), 200);
  assert_int_equal(ask(other, &second, &receiver, code), 200);
  assert_string_equal(first.room, again.room);
  assert_string_not_equal(first.room, second.room);
  assert_null(strstr(first.room, a.jti)); /* who knows a jti does not know the room */
  assert_string_not_equal(first.jti, again.jti);
  free(token);
  free(other);
}

static void test_who_gets_none(void **state) {
  (void)state;
  struct token_claims none, claims;
  char code[64];
  world_open(NULL);
  static const char *const bad[] = {"", "x", WORLD_ADMIN, "a.b.c"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(ask(bad[i], &none, &none, code), 401);
    assert_string_equal(code, "token_invalid");
  }
  claims = world_claims("visit");
  claims.expires_s = gateway_wall_s();
  char *token = world_token(&claims);
  assert_int_equal(ask(token, &none, &none, code), 401);
  assert_string_equal(code, "token_expired");
  free(token);
  claims = world_claims("visit");
  token = world_token(&claims);
  char *signature = strrchr(token, '.') + 10;
  *signature = *signature == 'A' ? 'B' : 'A';
  assert_int_equal(ask(token, &none, &none, code), 401);
  assert_string_equal(code, "token_invalid");
  free(token);
  assert_int_equal(http_get("DELETE /v1/test-room", NULL), 405);
}

int main(void) {
  const struct CMUnitTest tests[] = {WORLD_TEST(test_two_tokens_for_one_room), WORLD_TEST(test_one_room_a_token),
                                     WORLD_TEST(test_who_gets_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
