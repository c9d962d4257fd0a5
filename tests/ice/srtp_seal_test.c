/* tests/ice/srtp_seal_test.c: outgoing SRTP: what we seal libsrtp2 opens; no index twice; padding; batches. */
#include "tests/ice/srtp_fixture.h"

static void we_seal_oracle_opens(struct pair *p) {
  uint64_t seed = 31;
  uint32_t index = 32000;
  struct srtp_sender *sender;
  assert_int_equal(srtp_sender_open(&sender, p->server, 0xfeedbeef), SRTP_OK);
  for (int i = 0; i < 700; i++) {
    uint8_t header[96], payload[1400], out[1700];
    struct srtp_seal seal = {.sender = sender, .header = header, .payload = payload, .out = out};
    index += next_random(&seed) % 300 + 1;
    seal.header_len = write_header(header, 0xfeedbeef, (uint16_t)index, (int)(next_random(&seed) % 4),
                                   (int)(next_random(&seed) % 6) - 1);
    seal.payload_len = next_random(&seed) % sizeof payload;
    seal.padding = (uint8_t)(next_random(&seed) % 3 == 0 ? next_random(&seed) % 256 : 0);
    fill_random(&seed, payload, seal.payload_len);
    size_t plain_len = seal.header_len + seal.payload_len + seal.padding;
    seal.cap = plain_len + srtp_profile_tag_bytes(srtp_session_profile(p->server)); /* exactly */
    int n = srtp_seal_packet(&seal);
    assert_int_equal(n, seal.cap);
    assert_int_equal(seal.result, n);
    assert_int_equal(srtp_unprotect(p->oracle_in, out, &n), srtp_err_status_ok);
    assert_int_equal(n, plain_len);
    assert_int_equal(out[0], header[0] | (seal.padding ? 0x20 : 0));
    assert_memory_equal(out + 1, header + 1, seal.header_len - 1);
    assert_memory_equal(out + seal.header_len, payload, seal.payload_len);
    if (seal.padding) assert_int_equal(out[n - 1], seal.padding);
  }
  assert_true(index > 2 * 65536);
}

static void seals_late_packets_with_the_old_counter(struct pair *p) {
  static const uint16_t order[] = {65530, 65533, 65535, 2, 65534, 0, 65531, 1, 300, 3};
  struct srtp_sender *sender;
  assert_int_equal(srtp_sender_open(&sender, p->server, 9), SRTP_OK);
  for (size_t i = 0; i < COUNT(order); i++) {
    uint8_t out[128];
    int n = seal_simple(sender, order[i], &order[i], sizeof order[i], out, sizeof out);
    assert_true(n > 0);
    assert_int_equal(srtp_unprotect(p->oracle_in, out, &n), srtp_err_status_ok);
    assert_memory_equal(out + 12, &order[i], sizeof order[i]);
  }
}

static void never_seals_an_index_twice(struct pair *p) {
  struct srtp_sender *sender, *again;
  uint8_t out[128];
  assert_int_equal(srtp_sender_open(&sender, p->server, 9), SRTP_OK);
  for (uint16_t seq = 100; seq < 200; seq++)
    assert_true(seal_simple(sender, seq, "a", 1, out, sizeof out) > 0);
  memset(out, 0x77, sizeof out);
  for (uint16_t seq = 100; seq < 200; seq++)
    assert_int_equal(seal_simple(sender, seq, "b", 1, out, sizeof out), SRTP_INDEX_USED);
  for (size_t i = 0; i < sizeof out; i++)
    assert_int_equal(out[i], 0x77);
  /* Opening the SSRC again gives the same state, not a fresh one. */
  assert_int_equal(srtp_sender_open(&again, p->server, 9), SRTP_OK);
  assert_ptr_equal(again, sender);
  assert_int_equal(seal_simple(again, 150, "b", 1, out, sizeof out), SRTP_INDEX_USED);
  assert_true(seal_simple(sender, 200 + SRTP_WINDOW_PACKETS, "c", 1, out, sizeof out) > 0);
  assert_int_equal(seal_simple(sender, 200, "c", 1, out, sizeof out), SRTP_TOO_OLD);
  /* One round of sequence numbers later the index is another one. */
  assert_true(seal_simple(sender, 30000, "d", 1, out, sizeof out) > 0);
  assert_true(seal_simple(sender, 60000, "d", 1, out, sizeof out) > 0);
  assert_true(seal_simple(sender, 150, "d", 1, out, sizeof out) > 0);
}

static void a_refused_packet_uses_no_index(struct pair *p) {
  struct srtp_sender *sender;
  uint8_t out[128], header[96];
  size_t need = 12 + 5 + srtp_profile_tag_bytes(srtp_session_profile(p->server));
  assert_int_equal(srtp_sender_open(&sender, p->server, 9), SRTP_OK);
  assert_int_equal(srtp_sender_ssrc(sender), 9);
  assert_ptr_equal(srtp_sender_session(sender), p->server);
  for (size_t cap = 0; cap < need; cap++)
    assert_int_equal(seal_simple(sender, 1, "hello", 5, out, cap), SRTP_NO_SPACE);

  struct srtp_seal seal = {
      .sender = sender, .header = header, .payload = header, .payload_len = 5, .out = out, .cap = sizeof out};
  seal.header_len = write_header(header, 8, 1, 0, -1); /* another SSRC */
  assert_int_equal(srtp_seal_packet(&seal), SRTP_MALFORMED);
  seal.header_len = write_header(header, 9, 1, 0, 1) - 1; /* header cut short */
  assert_int_equal(srtp_seal_packet(&seal), SRTP_MALFORMED);
  seal.header_len = write_header(header, 9, 1, 0, -1) + 1; /* header too long */
  assert_int_equal(srtp_seal_packet(&seal), SRTP_MALFORMED);
  seal.header_len = write_header(header, 9, 1, 0, -1);
  header[0] |= 0x20; /* padded already */
  seal.padding = 1;
  assert_int_equal(srtp_seal_packet(&seal), SRTP_MALFORMED);
  header[0] = 0x40; /* version 1 */
  seal.padding = 0;
  assert_int_equal(srtp_seal_packet(&seal), SRTP_MALFORMED);
  assert_int_equal(seal_simple(sender, 1, "hello", 5, out, need), need);
}

static void caps_senders(struct pair *p) {
  struct srtp_sender *sender;
  uint8_t out[64];
  for (uint32_t ssrc = 0; ssrc < SRTP_MAX_SENDERS; ssrc++) {
    assert_int_equal(srtp_sender_open(&sender, p->server, ssrc), SRTP_OK);
    assert_true(seal_simple(sender, 1, "x", 1, out, sizeof out) > 0);
  }
  assert_int_equal(srtp_sender_open(&sender, p->server, SRTP_MAX_SENDERS), SRTP_SSRC_LIMIT);
  assert_int_equal(srtp_sender_open(&sender, p->server, 17), SRTP_OK);
  assert_int_equal(srtp_sender_ssrc(sender), 17);
}

/* One packet to many receivers, of different lengths and with a failure in the middle, equals sealing one by one. */
static void a_batch_equals_one_by_one(struct pair *p) {
  enum { N = 77 };
  static uint8_t out[N][1700];
  uint8_t payload[1400], headers[N][16], expected[1700];
  struct srtp_seal seals[N];
  struct srtp_session *twin;
  uint64_t seed = 5;
  enum srtp_profile profile = srtp_session_profile(p->server);
  assert_int_equal(srtp_session_create(&twin, p->engine, profile, SRTP_ROLE_SERVER, p->exported,
                                       srtp_profile_exported_bytes(profile)),
                   SRTP_OK);
  fill_random(&seed, payload, sizeof payload);
  for (uint32_t i = 0; i < N; i++) {
    struct srtp_sender *sender;
    assert_int_equal(srtp_sender_open(&sender, p->server, i % 70), SRTP_OK); /* 70…76 repeat 0…6 */
    seals[i] = (struct srtp_seal){.sender = sender, .header = headers[i], .payload = payload, .out = out[i]};
    seals[i].header_len = write_header(headers[i], i % 70, 4, 0, 0);
    seals[i].payload_len = i == 3 ? 0 : 1400 - 13 * i;
    seals[i].padding = i == 9;
    seals[i].cap = i == 40 ? 10 : sizeof out[i];
  }
  assert_int_equal(srtp_seal_batch(p->engine, seals, N), N - 8);
  for (uint32_t i = 0; i < N; i++) {
    struct srtp_seal alone = seals[i];
    alone.out = expected;
    if (i == 40) {
      assert_int_equal(seals[i].result, SRTP_NO_SPACE);
    } else if (i >= 70) {
      assert_int_equal(seals[i].result, SRTP_INDEX_USED);
    } else {
      assert_int_equal(srtp_sender_open(&alone.sender, twin, i), SRTP_OK);
      assert_int_equal(srtp_seal_packet(&alone), seals[i].result);
      assert_memory_equal(expected, out[i], (size_t)seals[i].result);
    }
  }
  assert_int_equal(srtp_seal_batch(p->engine, seals, 0), 0);
  srtp_session_free(twin);
}

#define FOR_EACH(body)                \
  static void body##_(void **state) { \
    (void)state;                      \
    for_each_pair(body);              \
  }
FOR_EACH(we_seal_oracle_opens)
FOR_EACH(seals_late_packets_with_the_old_counter)
FOR_EACH(never_seals_an_index_twice)
FOR_EACH(a_refused_packet_uses_no_index)
FOR_EACH(caps_senders)
FOR_EACH(a_batch_equals_one_by_one)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(we_seal_oracle_opens_),
      cmocka_unit_test(seals_late_packets_with_the_old_counter_),
      cmocka_unit_test(never_seals_an_index_twice_),
      cmocka_unit_test(a_refused_packet_uses_no_index_),
      cmocka_unit_test(caps_senders_),
      cmocka_unit_test(a_batch_equals_one_by_one_),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
