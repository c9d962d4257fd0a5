/* tests/ice/srtp_session_test.c: incoming SRTP: what libsrtp2 seals we open; forgery, replay, truncation, SSRC floods. */
#include "tests/ice/srtp_fixture.h"

/* Random packets with CSRCs and extensions, sequence numbers over two wraps, some out of order: the oracle seals. */
static void oracle_seals_we_open(struct pair *p) {
  uint64_t seed = 21;
  uint64_t index = 65000;
  for (int i = 0; i < 700; i++) {
    uint8_t packet[1700], copy[1700];
    index += next_random(&seed) % 200 + 1;
    uint64_t at = index - (i > 0 && next_random(&seed) % 4 == 0 ? 1 : 0); /* one of these is sent late: */
    if (at != index) index++;
    size_t len =
        write_header(packet, 0xc0ffee, (uint16_t)at, (int)(next_random(&seed) % 4), (int)(next_random(&seed) % 6) - 1);
    size_t payload = next_random(&seed) % 1400;
    fill_random(&seed, packet + len, payload);
    len += payload;
    memcpy(copy, packet, len);
    int n = (int)len;
    assert_int_equal(srtp_protect(p->oracle_out, packet, &n), srtp_err_status_ok);
    assert_int_equal(n, len + srtp_profile_tag_bytes(srtp_session_profile(p->server)));
    assert_int_equal(srtp_session_open_rtp(p->server, packet, (size_t)n), len);
    assert_memory_equal(packet, copy, len);
  }
  assert_true(index > 131072);
}

static size_t seal_by_oracle(struct pair *p, uint32_t ssrc, uint16_t seq, uint8_t *packet) {
  size_t len = write_header(packet, ssrc, seq, 1, 2);
  memset(packet + len, seq & 0xff, 80);
  int n = (int)len + 80;
  assert_int_equal(srtp_protect(p->oracle_out, packet, &n), srtp_err_status_ok);
  return (size_t)n;
}

static void refuses_replays_but_takes_late_packets(struct pair *p) {
  uint8_t sealed[64][256], scratch[256];
  size_t len = 0;
  for (uint16_t i = 0; i < 64; i++)
    len = seal_by_oracle(p, 1, (uint16_t)(65500 + i), sealed[i]); /* wraps at 36 */
  for (int i = 0; i < 64; i += 2) {                               /* even ones first … */
    memcpy(scratch, sealed[i], len);
    assert_true(srtp_session_open_rtp(p->server, scratch, len) > 0);
  }
  for (int i = 63; i > 0; i -= 2) { /* … then the odd ones, backwards, over the wrap */
    memcpy(scratch, sealed[i], len);
    assert_true(srtp_session_open_rtp(p->server, scratch, len) > 0);
  }
  for (int i = 0; i < 64; i++) {
    memcpy(scratch, sealed[i], len);
    assert_int_equal(srtp_session_open_rtp(p->server, scratch, len), SRTP_REPLAYED);
  }
}

static void refuses_what_lies_behind_the_window(struct pair *p) {
  uint8_t first[256], later[256];
  size_t n = seal_by_oracle(p, 1, 10, first);
  size_t m = seal_by_oracle(p, 1, 11 + SRTP_WINDOW_PACKETS, later);
  assert_true(srtp_session_open_rtp(p->server, later, m) > 0);
  assert_int_equal(srtp_session_open_rtp(p->server, first, n), SRTP_TOO_OLD);
}

/* Every single bit of the packet counts, and a forgery changes nothing: the true packet still opens afterwards. */
static void refuses_every_changed_bit(struct pair *p) {
  uint8_t sealed[256], scratch[256];
  size_t len = seal_by_oracle(p, 7, 500, sealed);
  for (size_t bit = 0; bit < 8 * len; bit++) {
    memcpy(scratch, sealed, len);
    scratch[bit / 8] ^= (uint8_t)(1 << bit % 8);
    int rc = srtp_session_open_rtp(p->server, scratch, len);
    if (bit / 8 == 0 || (bit / 8 >= 18 && bit / 8 < 20)) /* version, counts, extension length: may not parse */
      assert_true(rc == SRTP_AUTH_FAILED || rc == SRTP_MALFORMED);
    else
      assert_int_equal(rc, SRTP_AUTH_FAILED);
  }
  memcpy(scratch, sealed, len);
  assert_true(srtp_session_open_rtp(p->server, scratch, len) > 0);
}

static void refuses_every_truncation(struct pair *p) {
  uint8_t sealed[256];
  size_t len = seal_by_oracle(p, 7, 500, sealed);
  for (size_t cut = 0; cut < len; cut++) {
    uint8_t *exact = test_malloc(cut + 1); /* on the heap, so that a read past the end is seen */
    memcpy(exact, sealed, cut);
    int rc = srtp_session_open_rtp(p->server, exact, cut);
    assert_true(rc == SRTP_MALFORMED || rc == SRTP_AUTH_FAILED);
    test_free(exact);
  }
}

/* 65 SSRCs: forged ones take no place in the table, authentic ones take 64, and those go on working. */
static void caps_ssrcs_and_counts_only_authentic_ones(struct pair *p) {
  uint8_t packet[256];
  for (uint32_t ssrc = 1000; ssrc < 1200; ssrc++) {
    size_t len = seal_by_oracle(p, ssrc, 1, packet);
    packet[len - 1] ^= 1;
    assert_int_equal(srtp_session_open_rtp(p->server, packet, len), SRTP_AUTH_FAILED);
  }
  for (uint32_t ssrc = 0; ssrc < SRTP_MAX_RECEIVERS + 3; ssrc++) {
    size_t len = seal_by_oracle(p, ssrc, 1, packet);
    int rc = srtp_session_open_rtp(p->server, packet, len);
    if (ssrc < SRTP_MAX_RECEIVERS)
      assert_true(rc > 0);
    else
      assert_int_equal(rc, SRTP_SSRC_LIMIT);
  }
  for (uint32_t ssrc = 0; ssrc < SRTP_MAX_RECEIVERS; ssrc++) {
    size_t len = seal_by_oracle(p, ssrc, 2, packet);
    assert_true(srtp_session_open_rtp(p->server, packet, len) > 0);
  }
}

static void does_not_open_its_own_packets(struct pair *p) {
  struct srtp_sender *sender;
  uint8_t out[128];
  assert_int_equal(srtp_sender_open(&sender, p->server, 5), SRTP_OK);
  int n = seal_simple(sender, 1, "mirror", 6, out, sizeof out);
  assert_true(n > 0);
  assert_int_equal(srtp_session_open_rtp(p->server, out, (size_t)n), SRTP_AUTH_FAILED);
}

/* Two laps of sequence numbers of which only samples are opened: each sample still opens, so its roll-over counter was right. */
static void leaves_unopened_only_between_samples(struct pair *p) {
  uint8_t packet[256];
  int64_t now_us = 5000000, opened_us = now_us;
  unsigned since = 0, opened = 0;
  size_t len = seal_by_oracle(p, 9, 64000, packet);
  assert_false(srtp_session_may_skip(p->server, packet, len, now_us)); /* nobody knows this SSRC */
  assert_true(srtp_session_open_rtp(p->server, packet, len) > 0);
  for (uint32_t i = 1; i < 140000; i++) {
    now_us += i < 70000 ? 2000 : 50000;
    len = seal_by_oracle(p, 9, (uint16_t)(64000 + i), packet);
    if (srtp_session_may_skip(p->server, packet, len, now_us)) {
      since++;
      continue;
    }
    assert_true(srtp_session_open_rtp(p->server, packet, len) > 0);
    assert_true(since < SRTP_SAMPLE_PACKETS && now_us - opened_us <= SRTP_SAMPLE_US + 50000);
    opened_us = now_us;
    since = 0;
    opened++;
  }
  assert_in_range(opened, 70000 / 64 + 70000 / 21 - 100, 70000 / 64 + 70000 / 20 + 100);
}

static void does_not_leave_out_what_it_could_lose_track_of(struct pair *p) {
  uint8_t packet[256], forged[256], far[256];
  size_t len = seal_by_oracle(p, 9, 100, packet);
  assert_true(srtp_session_open_rtp(p->server, packet, len) > 0);
  len = seal_by_oracle(p, 9, 101, packet);
  seal_by_oracle(p, 9, (uint16_t)(100 + SRTP_SAMPLE_MAX_STEP + 1), far);
  assert_false(srtp_session_may_skip(p->server, far, len, 0));
  assert_false(srtp_session_may_skip(p->server, packet, 11, 0));
  memcpy(forged, packet, len);
  forged[len - 1] ^= 1;
  /* Forgeries do not pass for samples: from the first that is due on, each is tried. */
  for (int i = 0; i < SRTP_SAMPLE_PACKETS - 1; i++)
    assert_true(srtp_session_may_skip(p->server, forged, len, 0));
  for (int i = 0; i < 100; i++) {
    uint8_t scratch[256];
    assert_false(srtp_session_may_skip(p->server, forged, len, 0));
    memcpy(scratch, forged, len);
    assert_int_equal(srtp_session_open_rtp(p->server, scratch, len), SRTP_AUTH_FAILED);
  }
  assert_true(srtp_session_open_rtp(p->server, packet, len) > 0);
  assert_true(srtp_session_may_skip(p->server, forged, len, 0));
}

#define FOR_EACH(body)                \
  static void body##_(void **state) { \
    (void)state;                      \
    for_each_pair(body);              \
  }
FOR_EACH(oracle_seals_we_open)
FOR_EACH(refuses_replays_but_takes_late_packets)
FOR_EACH(refuses_what_lies_behind_the_window)
FOR_EACH(refuses_every_changed_bit)
FOR_EACH(refuses_every_truncation)
FOR_EACH(caps_ssrcs_and_counts_only_authentic_ones)
FOR_EACH(does_not_open_its_own_packets)
FOR_EACH(leaves_unopened_only_between_samples)
FOR_EACH(does_not_leave_out_what_it_could_lose_track_of)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(oracle_seals_we_open_),
      cmocka_unit_test(refuses_replays_but_takes_late_packets_),
      cmocka_unit_test(refuses_what_lies_behind_the_window_),
      cmocka_unit_test(refuses_every_changed_bit_),
      cmocka_unit_test(refuses_every_truncation_),
      cmocka_unit_test(caps_ssrcs_and_counts_only_authentic_ones_),
      cmocka_unit_test(does_not_open_its_own_packets_),
      cmocka_unit_test(leaves_unopened_only_between_samples_),
      cmocka_unit_test(does_not_leave_out_what_it_could_lose_track_of_),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
