/* tests/ice/srtcp_test.c: SRTCP through the session: round trip, oracle, replay, forgery, caps. */
#include "ice/srtcp.h"

#include "tests/ice/srtp_fixture.h"

/* A receiver report without blocks and an SDES-sized rest. */
static size_t write_report(uint8_t *p, uint32_t ssrc, size_t words) {
  size_t len = 8 + 4 * words;
  memset(p, 0x5a, len);
  p[0] = 0x80;
  p[1] = 201;
  p[2] = (uint8_t)((len / 4 - 1) >> 8);
  p[3] = (uint8_t)(len / 4 - 1);
  for (int i = 0; i < 4; i++)
    p[4 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
  return len;
}

static void crosses_both_ways_and_the_oracle_agrees(struct pair *p) {
  for (uint32_t i = 0; i < 40; i++) {
    uint8_t report[256], out[256];
    size_t len = write_report(report, 3, i);
    int n = srtp_session_seal_rtcp(p->server, report, len, out, len + SRTCP_MAX_OVERHEAD_BYTES);
    assert_true(n > (int)len && n <= (int)(len + SRTCP_MAX_OVERHEAD_BYTES));
    uint8_t copy[256];
    memcpy(copy, out, (size_t)n);
    assert_int_equal(srtp_session_open_rtcp(p->client, out, (size_t)n), len);
    assert_memory_equal(out, report, len);
    assert_int_equal(srtp_unprotect_rtcp(p->oracle_in, copy, &n), srtp_err_status_ok);
    assert_memory_equal(copy, report, len);

    memcpy(out, report, len);
    n = (int)len;
    assert_int_equal(srtp_protect_rtcp(p->oracle_out, out, &n), srtp_err_status_ok);
    assert_int_equal(srtp_session_open_rtcp(p->server, out, (size_t)n), len);
    assert_memory_equal(out, report, len);
  }
}

static void refuses_replay_forgery_and_truncation(struct pair *p) {
  uint8_t report[64], sealed[128], scratch[128];
  size_t len = write_report(report, 3, 4);
  int n = srtp_session_seal_rtcp(p->client, report, len, sealed, sizeof sealed);
  assert_true(n > 0);
  for (size_t bit = 16; bit < 8 * (size_t)n; bit++) {
    memcpy(scratch, sealed, (size_t)n);
    scratch[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(srtp_session_open_rtcp(p->server, scratch, (size_t)n), SRTP_AUTH_FAILED);
  }
  for (size_t cut = 0; cut < (size_t)n; cut++) {
    uint8_t *exact = test_malloc(cut + 1);
    memcpy(exact, sealed, cut);
    assert_true(srtp_session_open_rtcp(p->server, exact, cut) < 0);
    test_free(exact);
  }
  memcpy(scratch, sealed, (size_t)n);
  assert_int_equal(srtp_session_open_rtcp(p->server, scratch, (size_t)n), len);
  memcpy(scratch, sealed, (size_t)n);
  assert_int_equal(srtp_session_open_rtcp(p->server, scratch, (size_t)n), SRTP_REPLAYED);
}

static void refuses_what_is_no_rtcp(struct pair *p) {
  uint8_t report[64] = {0}, out[128];
  size_t len = write_report(report, 3, 4);
  assert_int_equal(srtp_session_seal_rtcp(p->server, report, 7, out, sizeof out), SRTP_MALFORMED);
  assert_int_equal(srtp_session_seal_rtcp(p->server, report, len - 1, out, sizeof out), SRTP_MALFORMED);
  report[0] = 0;
  assert_int_equal(srtp_session_seal_rtcp(p->server, report, len, out, sizeof out), SRTP_MALFORMED);
  report[0] = 0x80;
  assert_int_equal(srtp_session_seal_rtcp(p->server, report, len, out, len + 4), SRTP_NO_SPACE);
  uint8_t large[4096] = {0x80, 201};
  assert_int_equal(srtp_session_open_rtcp(p->server, large, sizeof large), SRTP_MALFORMED);
  assert_int_equal(srtp_session_seal_rtcp(p->server, large, sizeof large, large, sizeof large), SRTP_MALFORMED);
}

static void caps_ssrcs(struct pair *p) {
  uint8_t report[64], sealed[128];
  for (uint32_t ssrc = 0; ssrc < SRTP_MAX_SENDERS + 2; ssrc++) {
    size_t len = write_report(report, ssrc, 1);
    int n = srtp_session_seal_rtcp(p->client, report, len, sealed, sizeof sealed);
    assert_true(n > 0); /* sending keeps nothing per SSRC */
    int opened = srtp_session_open_rtcp(p->server, sealed, (size_t)n);
    assert_int_equal(opened, ssrc < SRTP_MAX_RECEIVERS ? (int)len : SRTP_SSRC_LIMIT);
  }
  size_t len = write_report(report, 3, 1);
  int n = srtp_session_seal_rtcp(p->client, report, len, sealed, sizeof sealed);
  assert_int_equal(srtp_session_open_rtcp(p->server, sealed, (size_t)n), len);
}

#define FOR_EACH(body)                \
  static void body##_(void **state) { \
    (void)state;                      \
    for_each_pair(body);              \
  }
FOR_EACH(crosses_both_ways_and_the_oracle_agrees)
FOR_EACH(refuses_replay_forgery_and_truncation)
FOR_EACH(refuses_what_is_no_rtcp)
FOR_EACH(caps_ssrcs)

/* RFC 3711 §3.4: E = 0 says that the packet is not encrypted; nobody may say so here. */
static void refuses_packets_in_the_clear(struct pair *p) {
  uint8_t report[64], sealed[128];
  bool aead = srtp_session_profile(p->client) != SRTP_PROFILE_AES128_CM_SHA1_80;
  size_t len = write_report(report, 3, 4);
  int n = srtp_session_seal_rtcp(p->client, report, len, sealed, sizeof sealed);
  sealed[aead ? (size_t)n - 4 : len] &= 0x7f;
  assert_int_equal(srtp_session_open_rtcp(p->server, sealed, (size_t)n), SRTP_AUTH_FAILED);
}
FOR_EACH(refuses_packets_in_the_clear)

/* Packets may overtake each other within the window, each once; what is older is refused. */
static void keeps_a_window_per_ssrc(struct pair *p) {
  enum { COUNT_SENT = 100 };
  uint8_t report[64], sealed[COUNT_SENT][128], scratch[128];
  int lengths[COUNT_SENT];
  size_t len = write_report(report, 9, 2);
  for (int i = 0; i < COUNT_SENT; i++)
    lengths[i] = srtp_session_seal_rtcp(p->client, report, len, sealed[i], sizeof sealed[i]);
  static const struct {
    int packet, result;
  } steps[] = {{50, 0}, {49, 0}, {50, SRTP_REPLAYED}, {49, SRTP_REPLAYED},
               {99, 0}, {36, 0}, {35, SRTP_TOO_OLD},  {36, SRTP_REPLAYED},
               {98, 0}};
  for (size_t i = 0; i < COUNT(steps); i++) {
    memcpy(scratch, sealed[steps[i].packet], (size_t)lengths[steps[i].packet]);
    int result = srtp_session_open_rtcp(p->server, scratch, (size_t)lengths[steps[i].packet]);
    assert_int_equal(result, steps[i].result ? steps[i].result : (int)len);
  }
}
FOR_EACH(keeps_a_window_per_ssrc)

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(crosses_both_ways_and_the_oracle_agrees_),
                                     cmocka_unit_test(refuses_replay_forgery_and_truncation_),
                                     cmocka_unit_test(refuses_what_is_no_rtcp_),
                                     cmocka_unit_test(caps_ssrcs_),
                                     cmocka_unit_test(refuses_packets_in_the_clear_),
                                     cmocka_unit_test(keeps_a_window_per_ssrc_)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
