/* tests/ice/ice_agent_test.c: the lite agent in virtual time against a scripted full agent and hostile checks. */
#include "ice/ice_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/ice/stun_client.h"
// cmocka.h needs those above
#include <cmocka.h>

#define SECOND     ((int64_t)1000000)
#define REMOTE_PWD "remotepwdremotepwdremotepwd"

struct sent {
  struct ice_address to;
  uint8_t data[ICE_MAX_REPLY_BYTES];
  size_t len;
};

struct world {
  struct ice_stun_codec *codec;
  struct ice_agent *agent;
  struct stun_client client;
  int64_t now;
  struct sent reply, check; /* the last response, and the last request of ours */
  unsigned replies, checks, added, removed, selections, proofs, retirements;
  size_t bytes_out;
  char retired[ICE_UFRAG_CHARS + 1];
  enum ice_state state;
  char ufrag[ICE_UFRAG_CHARS + 1], pwd[ICE_PWD_CHARS + 1]; /* the server's, as the client knows them */
};

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  struct world *w = arg;
  struct sent *s = stun_class_of(data, len) == STUN_REQUEST ? &w->check : &w->reply;
  s->to = *to;
  s->len = len;
  memcpy(s->data, data, len);
  if (s == &w->check) w->checks++;
  if (s == &w->reply) w->replies++;
  w->bytes_out += len;
}

static void on_added(void *arg, const struct ice_address *remote) {
  (void)remote;
  ((struct world *)arg)->added++;
}

static void on_removed(void *arg, const struct ice_address *remote) {
  (void)remote;
  ((struct world *)arg)->removed++;
}

static void on_selected(void *arg, const struct ice_address *remote) {
  (void)remote;
  ((struct world *)arg)->selections++;
}

static void on_proven(void *arg, const struct ice_address *remote, int64_t rtt_us) {
  (void)remote, (void)rtt_us;
  ((struct world *)arg)->proofs++;
}

static void on_retired(void *arg, const char *ufrag) {
  struct world *w = arg;
  snprintf(w->retired, sizeof(w->retired), "%s", ufrag);
  w->retirements++;
}

static void on_state(void *arg, enum ice_state state) {
  ((struct world *)arg)->state = state;
}

static void learn(struct world *w, const char *ufrag, const char *pwd) {
  snprintf(w->ufrag, sizeof(w->ufrag), "%s", ice_agent_local_ufrag(w->agent));
  snprintf(w->pwd, sizeof(w->pwd), "%s", ice_agent_local_pwd(w->agent));
  stun_client_init(&w->client, ufrag, pwd, w->ufrag, w->pwd);
}

static int setup(void **state) {
  static struct world w;
  memset(&w, 0, sizeof(w));
  w.now = 1000 * SECOND;
  const struct ice_agent_listener on = {&w,          on_send,   on_added,   on_removed,
                                        on_selected, on_proven, on_retired, on_state};
  if (ice_stun_codec_create(&w.codec) != 0) return -1;
  if (ice_agent_create(&w.agent, w.codec, &on) != ICE_AGENT_OK) return -1;
  if (ice_agent_set_remote(w.agent, "remoteufrag", REMOTE_PWD) != ICE_AGENT_OK) return -1;
  learn(&w, "remoteufrag", REMOTE_PWD);
  *state = &w;
  return 0;
}

static int teardown(void **state) {
  struct world *w = *state;
  ice_agent_free(w->agent);
  ice_stun_codec_free(w->codec);
  return 0;
}

static struct ice_address peer(unsigned n) {
  struct ice_address a;
  assert_true(ice_address_parse(&a, "192.0.2.1", (uint16_t)(40000 + n)));
  return a;
}

static enum ice_drop_reason check_from(struct world *w, unsigned n, const struct stun_check_options *options) {
  uint8_t request[512];
  const struct ice_address from = peer(n);
  const size_t len = stun_client_check(&w->client, options, request, sizeof(request));
  return ice_agent_receive(w->agent, &from, request, len, w->now);
}

/* The client answers our last check. */
static enum ice_drop_reason answer_check(struct world *w) {
  uint8_t answer[512];
  const struct ice_address to = w->check.to;
  const size_t len = stun_client_answer(&w->client, w->check.data, w->check.len, &to, answer, sizeof(answer));
  assert_true(len > 0);
  return ice_agent_receive(w->agent, &to, answer, len, w->now);
}

static bool selected_is(const struct world *w, unsigned n) {
  const struct ice_address a = peer(n);
  const struct ice_address *s = ice_agent_selected(w->agent);
  return s != NULL && ice_address_equal(s, &a);
}

static const struct stun_check_options nominating = {.use_candidate = true};

static void credentials_are_long_and_random(void **state) {
  struct world *w = *state;
  struct ice_agent *other;
  const struct ice_agent_listener none = {0};
  assert_int_equal(ice_agent_create(&other, w->codec, &none), ICE_AGENT_OK);
  assert_true(strlen(w->ufrag) >= 8 && strlen(w->pwd) >= 24);
  assert_string_not_equal(ice_agent_local_ufrag(other), w->ufrag);
  assert_string_not_equal(ice_agent_local_pwd(other), w->pwd);
  ice_agent_free(other);
}

static void remote_credentials_are_checked(void **state) {
  struct world *w = *state;
  char long_text[300];
  memset(long_text, 'a', sizeof(long_text));
  long_text[257] = '\0';
  const struct {
    const char *ufrag, *pwd;
  } bad[] = {
      {"abc", REMOTE_PWD},     {"abcd", "short"},   {"ab d", REMOTE_PWD}, {"abcd", "remotepwdremotepwd:emotepwd"},
      {long_text, REMOTE_PWD}, {"abcd", long_text}, {NULL, REMOTE_PWD},   {"abcd", NULL}};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_int_equal(ice_agent_set_remote(w->agent, bad[i].ufrag, bad[i].pwd), ICE_AGENT_CREDENTIALS);
    assert_int_equal(ice_agent_restart(w->agent, bad[i].ufrag, bad[i].pwd), ICE_AGENT_CREDENTIALS);
  }
  assert_string_equal(ice_agent_local_ufrag(w->agent), w->ufrag);
  long_text[256] = '\0';
  assert_int_equal(ice_agent_set_remote(w->agent, long_text, long_text), ICE_AGENT_OK);
}

static void a_check_connects_and_is_answered(void **state) {
  struct world *w = *state;
  assert_null(ice_agent_selected(w->agent));
  assert_int_equal(ice_agent_deadline(w->agent), INT64_MAX);
  assert_int_equal(check_from(w, 1, NULL), ICE_DROP_NONE);
  assert_int_equal(w->replies, 1);
  assert_int_equal(stun_class_of(w->reply.data, w->reply.len), STUN_RESPONSE);
  assert_int_equal(w->added, 1);
  assert_int_equal(w->state, ICE_CONNECTED);
  assert_true(selected_is(w, 1)); /* provisional: nothing is nominated yet */
  assert_int_equal(w->checks, 1);
  assert_false(ice_agent_selected_proven(w->agent));
  w->now += 20000;
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  assert_true(ice_agent_selected_proven(w->agent));
  assert_int_equal(ice_agent_rtt_us(w->agent), 20000);
  assert_int_equal(answer_check(w), ICE_DROP_STUN_UNMATCHED); /* once is enough */
}

static void bad_checks_are_silent(void **state) {
  struct world *w = *state;
  const struct {
    struct stun_check_options o;
    enum ice_drop_reason drop;
  } rows[] = {
      {{.no_fingerprint = true}, ICE_DROP_STUN_FINGERPRINT},
      {{.no_integrity = true}, ICE_DROP_STUN_INTEGRITY},
      {{.wrong_pwd = "guessguessguessguessguess"}, ICE_DROP_STUN_INTEGRITY},
      {{.wrong_user = "x:remoteufrag"}, ICE_DROP_STUN_USERNAME},
      {{.wrong_user = "noColonAtAll"}, ICE_DROP_STUN_USERNAME},
      {{.wrong_user = ":"}, ICE_DROP_STUN_USERNAME},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_int_equal(check_from(w, 1, &rows[i].o), rows[i].drop);
  }
  char user[64];
  snprintf(user, sizeof(user), "%s:otherufrag", w->ufrag);
  assert_int_equal(check_from(w, 1, &(struct stun_check_options){.wrong_user = user}), ICE_DROP_STUN_USERNAME);
  snprintf(user, sizeof(user), "%s:remoteufragX", w->ufrag);
  assert_int_equal(check_from(w, 1, &(struct stun_check_options){.wrong_user = user}), ICE_DROP_STUN_USERNAME);
  assert_int_equal(w->bytes_out, 0);
  assert_int_equal(w->added, 0);
  assert_int_equal(ice_agent_state(w->agent), ICE_NEW);
}

static void a_changed_byte_anywhere_changes_nothing(void **state) {
  struct world *w = *state;
  uint8_t request[512], copy[512];
  const struct ice_address from = peer(1);
  const size_t len = stun_client_check(&w->client, &nominating, request, sizeof(request));
  for (size_t i = 0; i < len; i++) {
    memcpy(copy, request, len);
    copy[i] ^= 0x01;
    assert_int_not_equal(ice_agent_receive(w->agent, &from, copy, len, w->now), ICE_DROP_NONE);
  }
  assert_int_equal(w->bytes_out, 0);
  assert_int_equal(w->added, 0);
}

static void role_conflict_and_unknown_attributes_are_told(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, &(struct stun_check_options){.controlled = true}), ICE_DROP_STUN_REFUSED);
  assert_int_equal(stun_error_of(w->reply.data, w->reply.len), 487);
  assert_int_equal(check_from(w, 1, &(struct stun_check_options){.unknown = 0x7777}), ICE_DROP_STUN_REFUSED);
  assert_int_equal(stun_error_of(w->reply.data, w->reply.len), 420);
  assert_int_equal(w->added, 0);
}

/* Nominated, but not before it has answered: the media stays where it is proven. */
static void nomination_waits_for_the_answer(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  assert_int_equal(check_from(w, 2, NULL), ICE_DROP_NONE);
  assert_int_equal(check_from(w, 2, &nominating), ICE_DROP_NONE);
  assert_true(selected_is(w, 1));
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  assert_true(selected_is(w, 2));
  assert_int_equal(w->selections, 2);
  assert_int_equal(check_from(w, 1, NULL), ICE_DROP_NONE); /* a mere check moves nothing */
  assert_true(selected_is(w, 2));
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE); /* proven before: at once */
  assert_true(selected_is(w, 1));
}

/* An on-path attacker repeats the peer's own nominating check from elsewhere. */
static void a_replayed_check_moves_nothing(void **state) {
  struct world *w = *state;
  uint8_t request[512];
  const struct ice_address from = peer(1), thief = peer(66);
  const size_t len = stun_client_check(&w->client, &nominating, request, sizeof(request));
  assert_int_equal(ice_agent_receive(w->agent, &from, request, len, w->now), ICE_DROP_NONE);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  for (int i = 0; i < 100; i++) {
    w->now += 50000;
    (void)ice_agent_receive(w->agent, &thief, request, len, w->now);
    ice_agent_tick(w->agent, w->now);
    assert_true(selected_is(w, 1));
  }
  /* It cannot answer for the peer: neither without its password nor with our own answer turned round. */
  struct stun_client forger = w->client;
  uint8_t answer[512];
  forger.pwd = "guessguessguessguessguess";
  assert_int_equal(stun_client_answer(&forger, w->check.data, w->check.len, &thief, answer, sizeof(answer)), 0);
  assert_int_not_equal(ice_agent_receive(w->agent, &thief, w->reply.data, w->reply.len, w->now), ICE_DROP_NONE);
  assert_true(selected_is(w, 1));
}

static void unproven_addresses_get_three_times_at_most(void **state) {
  struct world *w = *state;
  uint8_t request[512];
  size_t in = 0, granted = 0;
  for (int i = 0; i < 50; i++) {
    const struct ice_address from = peer(1);
    const size_t len = stun_client_check(&w->client, &nominating, request, sizeof(request));
    in += len;
    assert_int_equal(ice_agent_receive(w->agent, &from, request, len, w->now), ICE_DROP_NONE);
    if (ice_agent_may_send(w->agent, 100)) granted += 100;
    if (ice_agent_may_send(w->agent, 1)) granted += 1;
    w->now += 200000;
    ice_agent_tick(w->agent, w->now);
    assert_true(w->bytes_out + granted <= ICE_UNPROVEN_FACTOR * in);
  }
  assert_true(granted > 0);
  assert_false(ice_agent_may_send(w->agent, 100000));
  const struct ice_address from = peer(1);
  assert_true(ice_agent_accepts(w->agent, &from, 40000)); /* what it sends us adds to the allowance */
  assert_true(ice_agent_may_send(w->agent, 100000));
  assert_int_equal(check_from(w, 1, NULL), ICE_DROP_NONE);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  assert_true(ice_agent_may_send(w->agent, 100000000));
}

static void renomination_values_only_rise(void **state) {
  struct world *w = *state;
  for (unsigned n = 1; n <= 2; n++) {
    assert_int_equal(check_from(w, n, NULL), ICE_DROP_NONE);
    assert_int_equal(answer_check(w), ICE_DROP_NONE);
  }
  assert_int_equal(check_from(w, 1, &(struct stun_check_options){.use_candidate = true, .nomination = 5}),
                   ICE_DROP_NONE);
  assert_true(selected_is(w, 1));
  assert_int_equal(check_from(w, 2, &(struct stun_check_options){.use_candidate = true, .nomination = 4}),
                   ICE_DROP_NONE);
  assert_true(selected_is(w, 1));
  assert_int_equal(check_from(w, 2, &(struct stun_check_options){.use_candidate = true, .nomination = 6}),
                   ICE_DROP_NONE);
  assert_true(selected_is(w, 2));
}

static void eight_tuples_at_most(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 0, &nominating), ICE_DROP_NONE);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  for (unsigned n = 1; n <= 100; n++) {
    w->now += 1000;
    assert_int_equal(check_from(w, n, NULL), ICE_DROP_NONE);
  }
  struct ice_address list[32];
  assert_int_equal(ice_agent_tuples(w->agent, list, 32), ICE_MAX_TUPLES);
  assert_int_equal(w->added - w->removed, ICE_MAX_TUPLES);
  assert_true(selected_is(w, 0)); /* the selected one is never the victim */
  const struct ice_address newest = peer(100), oldest = peer(93);
  assert_true(ice_agent_accepts(w->agent, &newest, 1));
  assert_false(ice_agent_accepts(w->agent, &oldest, 1));
}

static void consent_expires_after_thirty_seconds(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  const int64_t last = w->now;
  w->now = ice_agent_deadline(w->agent);
  assert_int_equal(w->now, last + ICE_DISCONNECTED_US);
  ice_agent_tick(w->agent, w->now - 1);
  assert_int_equal(w->state, ICE_CONNECTED);
  ice_agent_tick(w->agent, w->now);
  assert_int_equal(w->state, ICE_DISCONNECTED);
  assert_true(selected_is(w, 1));
  ice_agent_note_alive(w->agent, w->now); /* media counts as life, not as consent */
  assert_int_equal(w->state, ICE_CONNECTED);
  for (int i = 0; i < 100 && w->state != ICE_FAILED; i++) {
    w->now = ice_agent_deadline(w->agent);
    ice_agent_tick(w->agent, w->now);
    if (w->state != ICE_FAILED) ice_agent_note_alive(w->agent, w->now);
  }
  assert_int_equal(w->state, ICE_FAILED);
  assert_int_equal(w->now, last + ICE_CONSENT_TIMEOUT_US);
  assert_null(ice_agent_selected(w->agent));
  assert_false(ice_agent_may_send(w->agent, 1));
  assert_int_equal(ice_agent_deadline(w->agent), INT64_MAX);
  /* RFC 7675 §5.1: not again with the same credentials. */
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_CLOSED);
  assert_int_equal(ice_agent_restart(w->agent, "freshufrag", REMOTE_PWD), ICE_AGENT_OK);
  assert_string_equal(w->retired, w->ufrag);
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_STUN_USERNAME);
  learn(w, "freshufrag", REMOTE_PWD);
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
  assert_int_equal(w->state, ICE_CONNECTED);
}

static void checks_keep_consent(void **state) {
  struct world *w = *state;
  for (int i = 0; i < 60; i++) {
    assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
    if (i == 0) assert_int_equal(answer_check(w), ICE_DROP_NONE);
    w->now += 5 * SECOND;
    ice_agent_tick(w->agent, w->now);
    assert_int_equal(w->state, ICE_CONNECTED);
  }
  assert_int_equal(w->checks, 1); /* a lite agent asks once, then only answers */
}

static void restart_keeps_the_old_path_until_the_new_one_works(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  struct stun_client old = w->client;
  char old_ufrag[ICE_UFRAG_CHARS + 1], old_pwd[ICE_PWD_CHARS + 1];
  snprintf(old_ufrag, sizeof(old_ufrag), "%s", w->ufrag);
  snprintf(old_pwd, sizeof(old_pwd), "%s", w->pwd);
  old.remote_ufrag = old_ufrag;
  old.remote_pwd = old_pwd;
  assert_int_equal(ice_agent_restart(w->agent, "freshufrag", "freshpwdfreshpwdfreshpwd"), ICE_AGENT_OK);
  assert_string_not_equal(ice_agent_local_ufrag(w->agent), old_ufrag);
  assert_true(selected_is(w, 1));
  assert_int_equal(w->retirements, 0);

  uint8_t request[512];
  const struct ice_address from = peer(1);
  size_t len = stun_client_check(&old, &nominating, request, sizeof(request));
  assert_int_equal(ice_agent_receive(w->agent, &from, request, len, w->now), ICE_DROP_NONE); /* still valid */

  learn(w, "freshufrag", "freshpwdfreshpwdfreshpwd");
  assert_int_equal(check_from(w, 2, &nominating), ICE_DROP_NONE);
  assert_int_equal(w->retirements, 1);
  assert_string_equal(w->retired, old_ufrag);
  assert_int_equal(answer_check(w), ICE_DROP_NONE);
  assert_true(selected_is(w, 2));
  for (int i = 0; i < 1000; i++) { /* security: a thousand stale checks, no move */
    len = stun_client_check(&old, &nominating, request, sizeof(request));
    assert_int_equal(ice_agent_receive(w->agent, &from, request, len, w->now), ICE_DROP_STUN_USERNAME);
  }
  assert_true(selected_is(w, 2));
}

static void a_second_restart_replaces_the_unused_first(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
  assert_int_equal(ice_agent_restart(w->agent, "fresh1", REMOTE_PWD), ICE_AGENT_OK);
  char unused[ICE_UFRAG_CHARS + 1];
  snprintf(unused, sizeof(unused), "%s", ice_agent_local_ufrag(w->agent));
  assert_int_equal(ice_agent_restart(w->agent, "fresh2", REMOTE_PWD), ICE_AGENT_OK);
  assert_string_equal(w->retired, unused);
  assert_int_equal(check_from(w, 1, NULL), ICE_DROP_NONE); /* the pair in use survives both */
}

static void idle_tuples_leave(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, NULL), ICE_DROP_NONE);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(check_from(w, 2, &nominating), ICE_DROP_NONE);
    if (i == 0) assert_int_equal(answer_check(w), ICE_DROP_NONE);
    w->now += 4 * SECOND;
    ice_agent_tick(w->agent, w->now);
  }
  const struct ice_address idle = peer(1);
  assert_false(ice_agent_accepts(w->agent, &idle, 1));
  assert_int_equal(w->removed, 1);
}

static void our_check_is_repeated_a_few_times(void **state) {
  struct world *w = *state;
  assert_int_equal(check_from(w, 1, &nominating), ICE_DROP_NONE);
  const struct ice_address from = peer(1);
  assert_true(ice_agent_accepts(w->agent, &from, 10000)); /* allowance enough */
  const int64_t start = w->now;
  while (w->now < start + 29 * SECOND) {
    w->now = ice_agent_deadline(w->agent);
    ice_agent_tick(w->agent, w->now);
    ice_agent_note_alive(w->agent, w->now);
  }
  assert_in_range(w->checks, 4, 7);
}

static void indications_and_stray_responses(void **state) {
  struct world *w = *state;
  uint8_t m[64];
  StunMessage message;
  StunTransactionId id;
  const struct ice_address from = peer(1);
  stun_agent_init_indication(&w->client.agent, &message, m, sizeof(m), STUN_BINDING);
  const size_t len = stun_agent_finish_message(&w->client.agent, &message, NULL, 0);
  stun_message_id(&message, id);
  assert_int_equal(ice_agent_receive(w->agent, &from, m, len, w->now), ICE_DROP_STUN_INDICATION);
  m[0] = 0x01, m[1] = 0x01;
  assert_int_equal(ice_agent_receive(w->agent, &from, m, len, w->now), ICE_DROP_STUN_UNMATCHED);
  const struct ice_address nowhere = {0};
  assert_int_equal(ice_agent_receive(w->agent, &nowhere, m, len, w->now), ICE_DROP_STUN_MALFORMED);
  assert_false(ice_agent_accepts(w->agent, &nowhere, 1)); /* a free place is nobody's address */
  assert_int_equal(w->bytes_out, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(credentials_are_long_and_random),
      TEST(remote_credentials_are_checked),
      TEST(a_check_connects_and_is_answered),
      TEST(bad_checks_are_silent),
      TEST(a_changed_byte_anywhere_changes_nothing),
      TEST(role_conflict_and_unknown_attributes_are_told),
      TEST(nomination_waits_for_the_answer),
      TEST(a_replayed_check_moves_nothing),
      TEST(unproven_addresses_get_three_times_at_most),
      TEST(renomination_values_only_rise),
      TEST(eight_tuples_at_most),
      TEST(consent_expires_after_thirty_seconds),
      TEST(checks_keep_consent),
      TEST(restart_keeps_the_old_path_until_the_new_one_works),
      TEST(a_second_restart_replaces_the_unused_first),
      TEST(idle_tuples_leave),
      TEST(our_check_is_repeated_a_few_times),
      TEST(indications_and_stray_responses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
