/* tests/ice/srtp_backend_ipsec_mb_test.c: the back-end on Intel's library, where it was built in and the CPU runs it; and its
 * batches, which must give what single packets give. */
#include "ice/srtp_backend.h"

#ifdef ICE_HAVE_IPSEC_MB
static const struct srtp_backend_ops *const ops = &srtp_backend_ipsec_mb;

#include "tests/ice/srtp_backend_checks.h"

/* Every count of lanes; several sessions; lengths mixed, nothing among them. */
static void a_batch_is_its_packets(void **state) {
  (void)state;
  uint64_t seed = 51;
  struct cipher_pair sessions[3];
  static uint8_t payload[SRTP_BACKEND_BATCH][1300], single[SRTP_BACKEND_BATCH][1400], batch[SRTP_BACKEND_BATCH][1400];
  uint8_t iv[SRTP_BACKEND_BATCH][16];
  for (size_t s = 0; s < COUNT(sessions); s++)
    cipher_pair_create(&sessions[s], SRTP_PROFILE_AES128_CM_SHA1_80, 60 + s);
  for (size_t count = 1; count <= SRTP_BACKEND_BATCH; count++) {
    struct srtp_seal_job jobs[SRTP_BACKEND_BATCH];
    for (size_t i = 0; i < count; i++) {
      size_t len = i % 5 == 4 ? 0 : next_random(&seed) % sizeof payload[0];
      fill_random(&seed, payload[i], len);
      fill_random(&seed, iv[i], sizeof iv[i]);
      memset(single[i], 0x42, sizeof single[i]);
      memset(batch[i], 0x42, sizeof batch[i]);
      size_t header_len = write_header(single[i], (uint32_t)i, 8, (int)(i % 4), i % 2 ? 2 : -1);
      memcpy(batch[i], single[i], header_len);
      jobs[i] = (struct srtp_seal_job){sessions[i % 3].sealing, iv[i], payload[i], len, single[i], header_len,
                                       (uint32_t)count};
      assert_int_equal(ops->seal(&jobs[i]), SRTP_OK);
      jobs[i].packet = batch[i];
    }
    /* The lanes are one library's; the keys come with each packet. */
    void *library = sessions[0].library;
    assert_int_equal(ops->seal_cm_batch(library, jobs, count), SRTP_OK);
    for (size_t i = 0; i < count; i++)
      assert_memory_equal(batch[i], single[i], sizeof single[i]); /* nothing behind the tag either */
  }
  for (size_t s = 0; s < COUNT(sessions); s++)
    cipher_pair_free(&sessions[s]);
}

static void is_what_it_says(void **state) {
  (void)state;
  assert_string_equal(ops->name, "ipsec-mb");
}

int main(void) {
  void *library = NULL;
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_what_it_says), SRTP_BACKEND_CHECKS,
                                     cmocka_unit_test(a_batch_is_its_packets)};
  if (ops->library_create(&library) == SRTP_UNAVAILABLE) return library == NULL ? 77 : 1; /* skipped: no AES-NI */
  ops->library_free(library);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77; /* skipped: built without it */
}
#endif
