/* tests/ice/stun_codec_test.c: RFC 5769's vectors through the codec, its answers, and our own checks. */
#include "ice/stun_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "tests/ice/rfc5769.h"
#include "tests/ice/stun_client.h"
// cmocka.h needs those above
#include <cmocka.h>

static struct ice_stun_codec *codec;

static int setup(void **state) {
  (void)state;
  return ice_stun_codec_create(&codec);
}

static int teardown(void **state) {
  (void)state;
  ice_stun_codec_free(codec);
  return 0;
}

static struct ice_address address(const char *ip) {
  struct ice_address a;
  assert_true(ice_address_parse(&a, ip, 32853));
  return a;
}

/* §2.1 comes from a controlled agent, so the authentic answer to it is 487. With a wrong password there is none. */
static void rfc5769_request_authenticates(void **state) {
  (void)state;
  uint8_t reply[256];
  size_t len;
  const struct ice_address from = address("192.0.2.1");
  assert_int_equal(stun_codec_answer(codec, rfc5769_request, sizeof(rfc5769_request), RFC5769_PASSWORD, &from, reply,
                                     sizeof(reply), &len),
                   ICE_DROP_STUN_REFUSED);
  assert_int_equal(stun_error_of(reply, len), 487);
  assert_int_equal(stun_codec_answer(codec, rfc5769_request, sizeof(rfc5769_request), "VOkJxbRl1RmTxUk/WvJxBT", &from,
                                     reply, sizeof(reply), &len),
                   ICE_DROP_STUN_INTEGRITY);
  assert_int_equal(len, 0);
}

static void rfc5769_responses_authenticate(void **state) {
  (void)state;
  assert_int_equal(
      stun_codec_verify_response(codec, rfc5769_response_v4, sizeof(rfc5769_response_v4), RFC5769_PASSWORD),
      ICE_DROP_NONE);
  assert_int_equal(
      stun_codec_verify_response(codec, rfc5769_response_v6, sizeof(rfc5769_response_v6), RFC5769_PASSWORD),
      ICE_DROP_NONE);
  assert_int_equal(stun_codec_verify_response(codec, rfc5769_response_v6, sizeof(rfc5769_response_v6), "wrong"),
                   ICE_DROP_STUN_INTEGRITY);
}

static void changed_bytes_fail_the_fingerprint(void **state) {
  (void)state;
  uint8_t copy[sizeof(rfc5769_response_v4)];
  for (size_t i = 8; i < sizeof(copy) - 12; i++) { /* values; header and FINGERPRINT's own header are the parser's */
    memcpy(copy, rfc5769_response_v4, sizeof(copy));
    copy[i] ^= 0x80;
    assert_int_not_equal(stun_codec_verify_response(codec, copy, sizeof(copy), RFC5769_PASSWORD), ICE_DROP_NONE);
  }
}

/* The answer mirrors the source address, XORed, for both families; a real client's library reads it back. */
static void answers_with_the_mapped_address(void **state) {
  (void)state;
  const char *const ips[] = {"192.0.2.1", "2001:db8:1234:5678:11:2233:4455:6677"};
  for (size_t i = 0; i < 2; i++) {
    struct stun_client client;
    uint8_t request[512], reply[512];
    size_t len;
    stun_client_init(&client, "remoteufrag", "remotepwdremotepwdremotepwd", "local", "localpwdlocalpwdlocalpwd");
    const size_t request_len = stun_client_check(&client, NULL, request, sizeof(request));
    const struct ice_address from = address(ips[i]);
    assert_int_equal(
        stun_codec_answer(codec, request, request_len, client.remote_pwd, &from, reply, sizeof(reply), &len),
        ICE_DROP_NONE);
    assert_int_equal(stun_codec_verify_response(codec, reply, len, client.remote_pwd), ICE_DROP_NONE);
    assert_memory_equal(reply + 4, request + 4, 16); /* cookie and transaction */
    StunMessage m = {.buffer = reply, .buffer_len = len};
    struct sockaddr_storage mapped;
    socklen_t mapped_len = sizeof(mapped);
    assert_int_equal(stun_message_find_xor_addr(&m, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &mapped, &mapped_len),
                     STUN_MESSAGE_RETURN_SUCCESS);
    struct ice_address seen;
    assert_true(ice_address_from_sockaddr(&seen, (struct sockaddr *)&mapped, mapped_len));
    assert_true(ice_address_equal(&seen, &from));
    assert_true(len <= request_len); /* no amplification */
  }
}

static void unknown_mandatory_attribute_is_420(void **state) {
  (void)state;
  struct stun_client client;
  uint8_t request[512], reply[512];
  size_t len;
  const struct ice_address from = address("192.0.2.1");
  stun_client_init(&client, "remoteufrag", "remotepwdremotepwdremotepwd", "local", "localpwdlocalpwdlocalpwd");
  const struct stun_check_options odd = {.unknown = 0x7777};
  size_t request_len = stun_client_check(&client, &odd, request, sizeof(request));
  assert_int_equal(stun_codec_answer(codec, request, request_len, client.remote_pwd, &from, reply, sizeof(reply), &len),
                   ICE_DROP_STUN_REFUSED);
  assert_int_equal(stun_error_of(reply, len), 420);
  const struct stun_check_options optional = {.unknown = 0xC057}; /* libwebrtc's GOOG_NETWORK_INFO */
  request_len = stun_client_check(&client, &optional, request, sizeof(request));
  assert_int_equal(stun_codec_answer(codec, request, request_len, client.remote_pwd, &from, reply, sizeof(reply), &len),
                   ICE_DROP_NONE);
}

static void our_check_is_answered_by_a_full_agent(void **state) {
  (void)state;
  struct stun_client client;
  uint8_t check[512], answer[512];
  const uint8_t transaction[STUN_TRANSACTION_BYTES] = "abcdefghijk";
  const struct ice_address from = address("192.0.2.9");
  stun_client_init(&client, "remoteufrag", "remotepwdremotepwdremotepwd", "local", "localpwdlocalpwdlocalpwd");
  const size_t len =
      stun_codec_write_check(codec, transaction, "remoteufrag:local", client.pwd, 5, check, sizeof(check));
  assert_in_range(len, 60, 200);
  struct stun_view v;
  assert_int_equal(stun_view_parse(&v, check, len), ICE_DROP_NONE);
  assert_true(v.has_integrity && v.has_fingerprint && !v.use_candidate);
  const size_t answer_len = stun_client_answer(&client, check, len, &from, answer, sizeof(answer));
  assert_true(answer_len > 0);
  assert_memory_equal(answer + 8, transaction, sizeof(transaction));
  assert_int_equal(stun_codec_verify_response(codec, answer, answer_len, client.pwd), ICE_DROP_NONE);
  assert_int_equal(stun_codec_write_check(codec, transaction, "a:b", "pwd", 5, check, 40), 0); /* does not fit */
}

/* libnice remembers at most 200 requests; none of ours may stay. */
static void never_runs_out_of_transactions(void **state) {
  (void)state;
  uint8_t check[512];
  for (int i = 0; i < 1000; i++) {
    const uint8_t transaction[STUN_TRANSACTION_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
    assert_true(stun_codec_write_check(codec, transaction, "a:b", "pwd", 5, check, sizeof(check)) > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc5769_request_authenticates),      cmocka_unit_test(rfc5769_responses_authenticate),
      cmocka_unit_test(changed_bytes_fail_the_fingerprint), cmocka_unit_test(answers_with_the_mapped_address),
      cmocka_unit_test(unknown_mandatory_attribute_is_420), cmocka_unit_test(our_check_is_answered_by_a_full_agent),
      cmocka_unit_test(never_runs_out_of_transactions),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
