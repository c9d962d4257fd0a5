/* tests/ice/stun_view_test.c: the strict parser and the USERNAME peek on RFC 5769's vectors and on hostile messages. */
#include "ice/stun_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ice/ice_agent.h"
#include "tests/ice/rfc5769.h"
// cmocka.h needs those above
#include <cmocka.h>

/* Parses a copy of exactly `len` heap bytes, so that a sanitizer sees every over-read. */
static enum ice_drop_reason parse(const uint8_t *data, size_t len, struct stun_view *v) {
  uint8_t *copy = malloc(len == 0 ? 1 : len);
  struct stun_view ignored;
  memcpy(copy, data, len);
  const enum ice_drop_reason drop = stun_view_parse(v != NULL ? v : &ignored, copy, len);
  free(copy);
  return drop;
}

static void reads_rfc5769(void **state) {
  (void)state;
  struct stun_view v;
  assert_int_equal(stun_view_parse(&v, rfc5769_request, sizeof(rfc5769_request)), ICE_DROP_NONE);
  assert_int_equal(v.class, STUN_VIEW_REQUEST);
  assert_int_equal(v.username_len, strlen(RFC5769_USERNAME));
  assert_memory_equal(v.username, RFC5769_USERNAME, v.username_len);
  assert_true(v.has_integrity && v.has_fingerprint && !v.use_candidate && !v.has_nomination);
  assert_memory_equal(v.transaction, rfc5769_request + 8, STUN_TRANSACTION_BYTES);
  assert_int_equal(stun_view_parse(&v, rfc5769_response_v4, sizeof(rfc5769_response_v4)), ICE_DROP_NONE);
  assert_int_equal(v.class, STUN_VIEW_SUCCESS);
  assert_null(v.username);
}

static void peeks_the_local_ufrag(void **state) {
  (void)state;
  const char *ufrag = NULL;
  size_t len = 0;
  assert_true(ice_stun_peek_ufrag(rfc5769_request, sizeof(rfc5769_request), &ufrag, &len));
  assert_int_equal(len, 4);
  assert_memory_equal(ufrag, "evtj", 4);
  assert_false(ice_stun_peek_ufrag(rfc5769_response_v4, sizeof(rfc5769_response_v4), &ufrag, &len));
  uint8_t copy[sizeof(rfc5769_request)];
  memcpy(copy, rfc5769_request, sizeof(copy));
  copy[68] = 'x'; /* the colon */
  assert_false(ice_stun_peek_ufrag(copy, sizeof(copy), &ufrag, &len));
  copy[64] = ':'; /* an empty ufrag */
  assert_false(ice_stun_peek_ufrag(copy, sizeof(copy), &ufrag, &len));
}

static void no_prefix_is_accepted(void **state) {
  (void)state;
  for (size_t len = 0; len < sizeof(rfc5769_request); len++) {
    assert_int_equal(parse(rfc5769_request, len, NULL), ICE_DROP_STUN_MALFORMED);
  }
}

/* Any single changed bit either still parses or is refused by name; it never reads out of bounds (sanitizer). */
static void every_bit_flip_is_survived(void **state) {
  (void)state;
  size_t refused = 0;
  for (size_t bit = 0; bit < sizeof(rfc5769_request) * 8; bit++) {
    uint8_t copy[sizeof(rfc5769_request)];
    memcpy(copy, rfc5769_request, sizeof(copy));
    copy[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    const enum ice_drop_reason drop = parse(copy, sizeof(copy), NULL);
    assert_true(drop == ICE_DROP_NONE || drop == ICE_DROP_STUN_MALFORMED || drop == ICE_DROP_STUN_METHOD);
    if (drop != ICE_DROP_NONE) refused++;
    if (bit / 8 >= 2 && bit / 8 < 8) assert_int_equal(drop, ICE_DROP_STUN_MALFORMED); /* length and cookie */
  }
  assert_in_range(refused, 64, sizeof(rfc5769_request) * 8);
}

static size_t begin(uint8_t *m, uint16_t type) {
  memset(m, 0, 20);
  m[0] = (uint8_t)(type >> 8);
  m[1] = (uint8_t)type;
  memcpy(m + 4, (const uint8_t[]){0x21, 0x12, 0xa4, 0x42}, 4);
  return 20;
}

static size_t add(uint8_t *m, size_t at, uint16_t type, uint16_t len, size_t bytes) {
  m[at] = (uint8_t)(type >> 8);
  m[at + 1] = (uint8_t)type;
  m[at + 2] = (uint8_t)(len >> 8);
  m[at + 3] = (uint8_t)len;
  memset(m + at + 4, 'a', bytes);
  at += 4 + bytes;
  m[2] = (uint8_t)((at - 20) >> 8);
  m[3] = (uint8_t)(at - 20);
  return at;
}

static void attribute_shapes(void **state) {
  (void)state;
  uint8_t m[1500];
  const struct {
    uint16_t type, len;
    unsigned bytes;
    enum ice_drop_reason drop;
  } rows[] = {
      {0x0008, 20, 20, ICE_DROP_NONE},
      {0x0008, 19, 20, ICE_DROP_STUN_MALFORMED},
      {0x0008, 0, 0, ICE_DROP_STUN_MALFORMED},
      {0x0008, 32, 32, ICE_DROP_STUN_MALFORMED},
      {0x8028, 4, 4, ICE_DROP_NONE},
      {0x8028, 3, 4, ICE_DROP_STUN_MALFORMED},
      {0x0025, 0, 0, ICE_DROP_NONE},
      {0x0025, 4, 4, ICE_DROP_STUN_MALFORMED},
      {0x0006, 0, 0, ICE_DROP_STUN_MALFORMED},
      {0x0006, 508, 508, ICE_DROP_NONE},
      {0x0006, 509, 512, ICE_DROP_STUN_MALFORMED},
      {0x7fff, 65535, 4, ICE_DROP_STUN_MALFORMED},
      {0x7fff, 5, 4, ICE_DROP_STUN_MALFORMED},
      {0xC001, 3, 4, ICE_DROP_NONE},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const size_t len = add(m, begin(m, 1), rows[i].type, rows[i].len, rows[i].bytes);
    assert_int_equal(parse(m, len, NULL), rows[i].drop);
  }
  assert_int_equal(parse(m, begin(m, 1), NULL), ICE_DROP_NONE); /* no attributes at all */
}

static void order_and_duplicates(void **state) {
  (void)state;
  uint8_t m[256];
  struct stun_view v;
  size_t len = add(m, add(m, begin(m, 1), 0x0006, 4, 4), 0x0006, 4, 4);
  assert_int_equal(parse(m, len, NULL), ICE_DROP_STUN_MALFORMED); /* two USERNAMEs */
  len = add(m, add(m, begin(m, 1), 0x8028, 4, 4), 0x0025, 0, 0);
  assert_int_equal(parse(m, len, NULL), ICE_DROP_STUN_MALFORMED); /* something after FINGERPRINT */
  len = add(m, add(m, begin(m, 1), 0x0008, 20, 20), 0x0025, 0, 0);
  assert_int_equal(stun_view_parse(&v, m, len), ICE_DROP_NONE);
  assert_false(v.use_candidate); /* after MESSAGE-INTEGRITY nothing counts: it is not authenticated */
}

static void classes_and_methods(void **state) {
  (void)state;
  uint8_t m[20];
  struct stun_view v;
  const uint16_t types[] = {0x0001, 0x0011, 0x0101, 0x0111};
  for (int i = 0; i < 4; i++) {
    (void)begin(m, types[i]);
    assert_int_equal(stun_view_parse(&v, m, 20), ICE_DROP_NONE);
    assert_int_equal(v.class, i);
  }
  const uint16_t others[] = {0x0003, 0x0000, 0x0002, 0x0021, 0x1001, 0x3fef};
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    (void)begin(m, others[i]);
    assert_int_equal(stun_view_parse(&v, m, 20), ICE_DROP_STUN_METHOD);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_rfc5769),         cmocka_unit_test(peeks_the_local_ufrag),
      cmocka_unit_test(no_prefix_is_accepted), cmocka_unit_test(every_bit_flip_is_survived),
      cmocka_unit_test(attribute_shapes),      cmocka_unit_test(order_and_duplicates),
      cmocka_unit_test(classes_and_methods),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
