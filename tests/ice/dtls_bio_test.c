/* tests/ice/dtls_bio_test.c: datagram boundaries, alert filter, timer control and the record parser. */
#include "ice/dtls_bio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ice/dtls_transport.h"
// cmocka.h needs those above
#include <cmocka.h>

struct seen {
  unsigned sent, started, stopped;
  size_t len;
};

static void on_send(void *arg, const uint8_t *data, size_t len) {
  struct seen *s = arg;
  (void)data;
  s->sent++;
  s->len = len;
}

static void on_timer(void *arg, bool running) {
  struct seen *s = arg;
  if (running) s->started++;
  if (!running) s->stopped++;
}

static void keeps_datagrams_apart(void **state) {
  (void)state;
  struct seen seen = {0};
  struct dtls_bio b = {.arg = &seen, .send = on_send, .timer = on_timer};
  BIO *bio = dtls_bio_new(&b);
  uint8_t out[64];
  assert_non_null(bio);
  assert_true(BIO_read(bio, out, sizeof(out)) <= 0);
  assert_true(BIO_should_retry(bio));
  b.input = (const uint8_t *)"one datagram";
  b.input_len = 12;
  assert_int_equal(BIO_read(bio, out, 3), 3); /* the rest is lost, as with recv() */
  assert_true(BIO_read(bio, out, sizeof(out)) <= 0);
  assert_int_equal(BIO_write(bio, "abc", 3), 3);
  assert_int_equal(BIO_write(bio, "defg", 4), 4);
  assert_int_equal(seen.sent, 2);
  assert_int_equal(seen.len, 4);
  BIO_free(bio);
}

static void holds_alerts_in_the_clear_back(void **state) {
  (void)state;
  struct seen seen = {0};
  struct dtls_bio b = {.arg = &seen, .send = on_send, .timer = on_timer};
  BIO *bio = dtls_bio_new(&b);
  uint8_t alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40};
  assert_int_equal(BIO_write(bio, alert, sizeof(alert)), sizeof(alert));
  assert_int_equal(seen.sent, 0);
  b.plain_alerts = true;
  assert_int_equal(BIO_write(bio, alert, sizeof(alert)), sizeof(alert));
  b.plain_alerts = false;
  alert[4] = 1; /* epoch 1: encrypted */
  assert_int_equal(BIO_write(bio, alert, sizeof(alert)), sizeof(alert));
  assert_int_equal(seen.sent, 2);
  BIO_free(bio);
}

static void shows_the_timer(void **state) {
  (void)state;
  struct seen seen = {0};
  struct dtls_bio b = {.arg = &seen, .send = on_send, .timer = on_timer};
  struct timeval deadline = {.tv_sec = 5};
  BIO *bio = dtls_bio_new(&b);
  assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, 0, &deadline), 1);
  assert_ptr_equal(b.openssl_deadline, dtls_bio_owns_timer() ? &deadline : NULL);
  deadline = (struct timeval){0};
  assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, 0, &deadline), 1);
  assert_int_equal(seen.started, 1);
  assert_int_equal(seen.stopped, 1);
  assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_QUERY_MTU, 0, NULL), DTLS_MTU_BYTES);
  assert_int_equal(BIO_flush(bio), 1);
  BIO_free(bio);
}

static void parses_records(void **state) {
  (void)state;
  const uint8_t record[] = {22, 254, 253, 1, 2, 0, 0, 0, 0, 0, 1, 0, 3, 'a', 'b', 'c'};
  uint8_t type = 0;
  uint16_t epoch = 0;
  for (size_t len = 0; len < sizeof(record); len++) {
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, record, len);
    assert_int_equal(dtls_record_parse(copy, len, &type, &epoch), 0);
    free(copy);
  }
  assert_int_equal(dtls_record_parse(record, sizeof(record), &type, &epoch), sizeof(record));
  assert_int_equal(type, DTLS_CONTENT_HANDSHAKE);
  assert_int_equal(epoch, 0x0102);
  uint8_t tls[sizeof(record)];
  memcpy(tls, record, sizeof(tls));
  tls[1] = 3; /* TLS, not DTLS */
  assert_int_equal(dtls_record_parse(tls, sizeof(tls), &type, &epoch), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_datagrams_apart),
                                     cmocka_unit_test(holds_alerts_in_the_clear_back),
                                     cmocka_unit_test(shows_the_timer), cmocka_unit_test(parses_records)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
