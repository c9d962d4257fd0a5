/* The client's messages against the server's own ICE agent, both ways, and forged ones. */
#include "bench/load/stun_client.h"

#include <stdio.h>

#include "ice/ice_agent.h"
#include "tests/bench/check.h"

#define CLIENT_UFRAG "clientuf"
#define CLIENT_PWD   "clientpasswordclientpassword1234"

static struct stun_client *client;
static struct ice_stun_codec *codec;
static struct ice_agent *agent;
static struct ice_address from;
static uint8_t sent[2][256]; /* by the agent: its answer, then its own check */
static size_t sent_len[2], sent_count, selected;

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  (void)arg, (void)to;
  memcpy(sent[sent_count % 2], data, len);
  sent_len[sent_count++ % 2] = len;
}

static void on_address(void *arg, const struct ice_address *remote) {
  (void)arg, (void)remote;
}

static void on_selected(void *arg, const struct ice_address *remote) {
  (void)arg, (void)remote;
  selected++;
}

static void on_proven(void *arg, const struct ice_address *remote, int64_t rtt_us) {
  (void)arg, (void)remote, (void)rtt_us;
}

static void on_ufrag(void *arg, const char *ufrag) {
  (void)arg, (void)ufrag;
}

static void on_state(void *arg, enum ice_state state) {
  (void)arg, (void)state;
}

static int set_up(void **state) {
  (void)state;
  struct ice_agent_listener listener = {NULL,        on_send,   on_address, on_address,
                                        on_selected, on_proven, on_ufrag,   on_state};
  sent_count = selected = 0;
  assert_int_equal(stun_client_create(&client), 0);
  assert_int_equal(ice_stun_codec_create(&codec), 0);
  assert_int_equal(ice_agent_create(&agent, codec, &listener), 0);
  assert_int_equal(ice_agent_set_remote(agent, CLIENT_UFRAG, CLIENT_PWD), ICE_AGENT_OK);
  assert_true(ice_address_parse(&from, "192.0.2.7", 5000));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  ice_agent_free(agent);
  ice_stun_codec_free(codec);
  stun_client_free(client);
  return 0;
}

static size_t write_check(uint8_t out[STUN_CLIENT_MESSAGE_BYTES]) {
  char username[64];
  snprintf(username, sizeof username, "%s:%s", ice_agent_local_ufrag(agent), CLIENT_UFRAG);
  return stun_client_write_check(client, username, ice_agent_local_pwd(agent), 42, out);
}

static void a_check_connects_and_both_answer(void **state) {
  (void)state;
  uint8_t check[STUN_CLIENT_MESSAGE_BYTES], reply[STUN_CLIENT_MESSAGE_BYTES];
  size_t len = write_check(check);
  assert_int_equal(stun_client_kind(check, len), STUN_CLIENT_REQUEST);
  assert_int_equal(ice_agent_receive(agent, &from, check, len, 0), ICE_DROP_NONE);
  assert_int_equal(sent_count, 2);
  for (int i = 0; i < 2; i++) {
    if (stun_client_kind(sent[i], sent_len[i]) == STUN_CLIENT_SUCCESS) {
      assert_memory_equal(stun_client_transaction(sent[i]), stun_client_transaction(check), 12);
      assert_true(stun_client_verify(client, sent[i], sent_len[i], ice_agent_local_pwd(agent)));
      assert_false(stun_client_verify(client, sent[i], sent_len[i], "anotherpasswordanotherpassword12"));
    } else {
      assert_int_equal(stun_client_kind(sent[i], sent_len[i]), STUN_CLIENT_REQUEST);
      len = stun_client_answer(client, sent[i], sent_len[i], CLIENT_PWD, &from.any, ice_address_length(&from), reply);
      assert_true(len > 0);
    }
  }
  assert_int_equal(ice_agent_receive(agent, &from, reply, len, 1000), ICE_DROP_NONE);
  assert_true(ice_agent_selected_proven(agent)); /* as the server wants it before it sends media */
  assert_int_equal(selected, 1);
}

static void forged_requests_get_no_answer(void **state) {
  (void)state;
  uint8_t check[STUN_CLIENT_MESSAGE_BYTES], reply[STUN_CLIENT_MESSAGE_BYTES];
  size_t len = write_check(check);
  assert_int_equal(stun_client_answer(client, check, len, "wrong", &from.any, ice_address_length(&from), reply), 0);
  check[30] ^= 1;
  assert_int_equal(stun_client_answer(client, check, len, CLIENT_PWD, &from.any, ice_address_length(&from), reply), 0);
  assert_int_equal(stun_client_kind(check, 19), STUN_CLIENT_OTHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_check_connects_and_both_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(forged_requests_get_no_answer, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
