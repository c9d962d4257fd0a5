/* tests/ice/peer_transport_context_test.c: what the peers of a worker share: one certificate, one of everything, and all of it
 * given back; and the composite's names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ice/peer_transport_internal.h"

#define UNIX_NOW 1790000000

static void has_everything_a_peer_needs(void **state) {
  (void)state;
  struct peer_transport_context *c = NULL;
  assert_int_equal(peer_transport_context_create(&c, UNIX_NOW), PEER_OK);
  assert_non_null(c->certificate);
  assert_non_null(c->stun);
  assert_non_null(c->sctp);
  assert_ptr_equal(peer_transport_context_srtp(c), c->srtp);
  assert_non_null(c->srtp);
  /* RFC 8122 §5: upper-case hex pairs with colons; SHA-256 has 32. */
  const char *print = peer_transport_context_fingerprint(c);
  assert_int_equal(strlen(print), 32 * 3 - 1);
  for (size_t i = 0; i < strlen(print); i++)
    assert_true(i % 3 == 2 ? print[i] == ':' : strchr("0123456789ABCDEF", print[i]) != NULL);
  assert_ptr_equal(peer_transport_context_fingerprint(c), print);
  peer_transport_context_free(c);
}

/* Each process has a certificate of its own, and one context can follow another. */
static void one_after_the_other(void **state) {
  (void)state;
  char first[128] = "";
  for (int i = 0; i < 3; i++) {
    struct peer_transport_context *c = NULL;
    assert_int_equal(peer_transport_context_create(&c, UNIX_NOW), PEER_OK);
    assert_string_not_equal(peer_transport_context_fingerprint(c), first);
    strncpy(first, peer_transport_context_fingerprint(c), sizeof first - 1);
    peer_transport_context_free(c);
  }
  peer_transport_context_free(NULL);
}

/* usrsctp is one a process: a second context is refused, leaves nothing, and does not hurt the first. */
static void only_one_at_a_time(void **state) {
  (void)state;
  struct peer_transport_context *first = NULL, *second = NULL;
  assert_int_equal(peer_transport_context_create(&first, UNIX_NOW), PEER_OK);
  assert_int_equal(peer_transport_context_create(&second, UNIX_NOW), PEER_CRYPTO);
  assert_null(second);
  peer_transport_context_tick(first, 1000000);
  peer_transport_context_free(first);
  assert_int_equal(peer_transport_context_create(&second, UNIX_NOW), PEER_OK);
  peer_transport_context_free(second);
}

static bool sent;

static void send_packet(const uint8_t *data, size_t len, void *arg) {
  (void)arg;
  (void)data;
  sent = sent || len > 0;
}

/* Without an association there is nothing to wait for; with one, the context says when. */
static void the_clock(void **state) {
  (void)state;
  struct peer_transport_context *c = NULL;
  struct sctp_association *a = NULL;
  const struct sctp_association_config config = {.local_port = 5000, .remote_port = 5000};
  const struct sctp_association_listener listener = {.send_packet = send_packet};
  assert_int_equal(peer_transport_context_create(&c, UNIX_NOW), PEER_OK);
  assert_int_equal(peer_transport_context_deadline(c), INT64_MAX);
  peer_transport_context_tick(c, 5000000);
  assert_int_equal(peer_transport_context_deadline(c), INT64_MAX);
  assert_int_equal(sctp_association_create(&a, c->sctp, &config, &listener), SCTP_OK);
  peer_transport_context_tick(c, 6000000);
  assert_int_equal(peer_transport_context_deadline(c), 6000000 + SCTP_TICK_US);
  assert_int_equal(sctp_association_connect(a), SCTP_OK);
  assert_true(sent);
  sent = false;
  for (int64_t now = 6000000; now < 12000000 && !sent; now += SCTP_TICK_US) /* INIT again: ticks reach the stack */
    peer_transport_context_tick(c, now);
  assert_true(sent);
  sctp_association_free(a);
  assert_int_equal(peer_transport_context_deadline(c), INT64_MAX);
  peer_transport_context_free(c);
}

static void names(void **state) {
  (void)state;
  static const struct {
    int error;
    const char *name;
  } errors[] = {{PEER_OK, "ok"},
                {PEER_NO_MEMORY, "no_memory"},
                {PEER_BAD_CREDENTIALS, "bad_credentials"},
                {PEER_BAD_FINGERPRINT, "bad_fingerprint"},
                {PEER_NOT_CONNECTED, "not_connected"},
                {PEER_UNPROVEN, "unproven"},
                {PEER_TOO_LARGE, "too_large"},
                {PEER_LIMIT, "limit"},
                {PEER_NO_CHANNEL, "no_channel"},
                {PEER_CRYPTO, "crypto"}};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    assert_string_equal(peer_transport_error_name(errors[i].error), errors[i].name);
  assert_string_equal(peer_transport_error_name(7), "ok"); /* lengths are no errors */
  assert_string_equal(peer_transport_error_name(PEER_CRYPTO - 1), "invalid");
  assert_string_equal(peer_transport_error_name(INT32_MIN), "invalid");
  assert_string_equal(peer_state_name(PEER_NEW), "new");
  assert_string_equal(peer_state_name(PEER_CLOSED), "closed");
  assert_string_equal(peer_state_name((enum peer_state)(PEER_CLOSED + 1)), "invalid");
  assert_string_equal(peer_state_name((enum peer_state) - 1), "invalid");
  assert_string_equal(peer_reason_name((enum peer_reason)0), "none");
  assert_string_equal(peer_reason_name(PEER_REASON_CONSENT), "consent");
  assert_string_equal(peer_reason_name(PEER_REASON_INTERNAL), "internal");
  assert_string_equal(peer_reason_name((enum peer_reason)(PEER_REASON_INTERNAL + 1)), "invalid");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(has_everything_a_peer_needs),
                                     cmocka_unit_test(one_after_the_other), cmocka_unit_test(only_one_at_a_time),
                                     cmocka_unit_test(the_clock), cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
