/* tests/ice/dcep_test.c: OPEN and ACK: what a browser sends, every channel type, every malformation. */
#include "ice/dcep.h"

#include "tests/ice/sctp_fixture.h"

/* As Chromium sends it for createDataChannel("lossy", {ordered: false, maxRetransmits: 0}). */
static const uint8_t lossy[] = {0x03, 0x81, 0x01, 0x00, 0, 0, 0, 0, 0, 5, 0, 0, 'l', 'o', 's', 's', 'y'};

static void reads_an_open(void **state) {
  (void)state;
  struct data_channel_options o;
  assert_int_equal(dcep_message_type(lossy, sizeof lossy), DCEP_MESSAGE_OPEN);
  assert_int_equal(dcep_parse_open(lossy, sizeof lossy, &o), SCTP_OK);
  assert_int_equal(o.unordered, 1);
  assert_int_equal(o.reliability, DATA_CHANNEL_MAX_RETRANSMITS);
  assert_int_equal(o.reliability_value, 0);
  assert_int_equal(o.priority, 256);
  assert_int_equal(o.label_len, 5);
  assert_memory_equal(o.label, "lossy", 5);
  assert_int_equal(o.protocol_len, 0);
}

static void refuses_malformed_opens(void **state) {
  (void)state;
  struct data_channel_options o;
  uint8_t m[sizeof lossy + 1] = {0};
  for (size_t len = 0; len < sizeof lossy; len++) {
    uint8_t *exact = test_malloc(len + 1);
    memcpy(exact, lossy, len);
    assert_int_equal(dcep_parse_open(exact, len, &o), SCTP_BAD_ARGUMENT);
    test_free(exact);
  }
  memcpy(m, lossy, sizeof lossy);
  assert_int_equal(dcep_parse_open(m, sizeof m, &o), SCTP_BAD_ARGUMENT); /* a byte too many */
  for (int type = 0; type < 256; type++) {
    m[1] = (uint8_t)type;
    int known = (type & 0x7f) <= 2;
    assert_int_equal(dcep_parse_open(m, sizeof lossy, &o), known ? SCTP_OK : SCTP_BAD_ARGUMENT);
  }
  m[1] = 0;
  m[8] = m[9] = m[10] = m[11] = 0xff; /* lengths that overflow 16 bits together */
  assert_int_equal(dcep_parse_open(m, sizeof lossy, &o), SCTP_BAD_ARGUMENT);
}

static void knows_message_types(void **state) {
  (void)state;
  static const uint8_t ack[2] = {0x02, 0}, reserved[12] = {0x01};
  assert_int_equal(dcep_message_type(ack, 1), DCEP_MESSAGE_ACK);
  assert_int_equal(dcep_message_type(ack, 2), DCEP_MESSAGE_INVALID);
  assert_int_equal(dcep_message_type(ack, 0), DCEP_MESSAGE_INVALID);
  assert_int_equal(dcep_message_type(lossy, 11), DCEP_MESSAGE_INVALID);
  assert_int_equal(dcep_message_type(reserved, sizeof reserved), DCEP_MESSAGE_INVALID);
}

static void reads_what_it_writes(void **state) {
  (void)state;
  char label[SCTP_MAX_LABEL_BYTES + 1], protocol[SCTP_MAX_PROTOCOL_BYTES + 1];
  memset(label, 'L', sizeof label);
  memset(protocol, 'P', sizeof protocol);
  for (int r = DATA_CHANNEL_RELIABLE; r <= DATA_CHANNEL_MAX_LIFETIME; r++) {
    for (size_t n = 0; n <= SCTP_MAX_LABEL_BYTES + 1; n++) {
      struct data_channel_options back, o = {.label = label,
                                             .label_len = n,
                                             .protocol = protocol,
                                             .protocol_len = n / 2,
                                             .unordered = n % 2,
                                             .reliability = (enum data_channel_reliability)r,
                                             .reliability_value = 0x01020304,
                                             .priority = 0x8001};
      uint8_t m[DCEP_MAX_OPEN_BYTES];
      size_t len = dcep_write_open(&o, m);
      if (n > SCTP_MAX_LABEL_BYTES) {
        assert_int_equal(len, 0);
        continue;
      }
      assert_int_equal(dcep_parse_open(m, len, &back), SCTP_OK);
      assert_int_equal(back.label_len, n);
      assert_int_equal(back.protocol_len, n / 2);
      assert_memory_equal(back.label, label, n);
      assert_memory_equal(back.protocol, protocol, n / 2);
      assert_int_equal(back.unordered, n % 2);
      assert_int_equal(back.reliability, r);
      assert_int_equal(back.reliability_value, r == DATA_CHANNEL_RELIABLE ? 0 : 0x01020304);
      assert_int_equal(back.priority, 0x8001);
    }
  }
}

static void refuses_what_is_over_the_caps(void **state) {
  (void)state;
  uint8_t m[12 + SCTP_MAX_LABEL_BYTES + SCTP_MAX_PROTOCOL_BYTES + 2] = {0x03};
  struct data_channel_options o;
  m[9] = SCTP_MAX_LABEL_BYTES + 1;
  assert_int_equal(dcep_parse_open(m, 12 + SCTP_MAX_LABEL_BYTES + 1, &o), SCTP_TOO_LARGE);
  m[9] = 0;
  m[11] = SCTP_MAX_PROTOCOL_BYTES + 1;
  assert_int_equal(dcep_parse_open(m, 12 + SCTP_MAX_PROTOCOL_BYTES + 1, &o), SCTP_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_an_open), cmocka_unit_test(refuses_malformed_opens),
                                     cmocka_unit_test(knows_message_types), cmocka_unit_test(reads_what_it_writes),
                                     cmocka_unit_test(refuses_what_is_over_the_caps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
