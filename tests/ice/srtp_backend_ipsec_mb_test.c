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

/* Any number of packets of three sessions, tags owed: after finish(), or when a key goes, they are what seal() gives. */
static void what_waits_is_finished(void **state) {
  (void)state;
  enum { MOST = 2 * SRTP_BACKEND_BATCH + 3 };
  uint64_t seed = 71;
  static uint8_t payload[1300], single[MOST][1400], later[MOST][1400];
  const struct srtp_profile_info *info = srtp_profile_info(SRTP_PROFILE_AES128_CM_SHA1_80);
  void *library;
  assert_int_equal(ops->library_create(&library), SRTP_OK);
  for (size_t count = 0; count <= MOST; count++) {
    void *ciphers[3];
    uint8_t iv[16];
    for (size_t c = 0; c < COUNT(ciphers); c++) {
      struct srtp_session_keys keys;
      fill_random(&seed, (uint8_t *)&keys, sizeof keys);
      assert_int_equal(ops->cipher_create(&ciphers[c], library, info, &keys, 1), SRTP_OK);
    }
    for (size_t i = 0; i < count; i++) {
      size_t len = i % 7 == 6 ? 0 : next_random(&seed) % sizeof payload;
      fill_random(&seed, payload, len);
      fill_random(&seed, iv, sizeof iv);
      memset(single[i], 0x42, sizeof single[i]);
      memset(later[i], 0x42, sizeof later[i]);
      size_t header_len = write_header(single[i], (uint32_t)i, 8, (int)(i % 4), i % 2 ? 2 : -1);
      memcpy(later[i], single[i], header_len);
      struct srtp_seal_job job = {ciphers[i % 3], iv, payload, len, single[i], header_len, (uint32_t)count};
      assert_int_equal(ops->seal(&job), SRTP_OK);
      job.packet = later[i];
      assert_int_equal(ops->seal_later(&job), SRTP_OK); /* payload and IV may be written over from here on */
    }
    if (count % 2) ops->finish(library);
    for (size_t c = 0; c < COUNT(ciphers); c++)
      ops->cipher_free(ciphers[c]);
    for (size_t i = 0; i < count; i++)
      assert_memory_equal(later[i], single[i], sizeof single[i]);
  }
  ops->library_free(library);
}

static void is_what_it_says(void **state) {
  (void)state;
  assert_string_equal(ops->name, "ipsec-mb");
}

int main(void) {
  void *library = NULL;
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_what_it_says), SRTP_BACKEND_CHECKS,
                                     cmocka_unit_test(a_batch_is_its_packets),
                                     cmocka_unit_test(what_waits_is_finished)};
  if (ops->library_create(&library) == SRTP_UNAVAILABLE) return library == NULL ? 77 : 1; /* skipped: no AES-NI */
  ops->library_free(library);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77; /* skipped: built without it */
}
#endif
