/* tests/ice/srtp_backend_test.c: both cryptographic back-ends against one another. Each by itself: srtp_backend_*_test.c. */
#include "ice/srtp_backend.h"

#include "tests/ice/srtp_fixture.h"

static const struct srtp_backend_ops *const all_ops[] = {
    &srtp_backend_evp,
#ifdef ICE_HAVE_IPSEC_MB
    &srtp_backend_ipsec_mb,
#endif
};

/* Every length from 0 to 100 and some larger ones: block and lane boundaries. */
static void backends_agree_at_every_length(void **state) {
  (void)state;
  uint64_t seed = 11;
  for (size_t p = 0; p < COUNT(all_profiles); p++) {
    const struct srtp_profile_info *info = srtp_profile_info(all_profiles[p]);
    struct srtp_session_keys keys;
    void *library[COUNT(all_ops)], *cipher[COUNT(all_ops)];
    fill_random(&seed, (uint8_t *)&keys, sizeof keys);
    for (size_t b = 0; b < COUNT(all_ops); b++) {
      assert_int_equal(all_ops[b]->library_create(&library[b]), SRTP_OK);
      assert_int_equal(all_ops[b]->cipher_create(&cipher[b], library[b], info, &keys, 1), SRTP_OK);
    }
    for (size_t n = 0; n < 140; n++) {
      size_t len = n <= 100 ? n : 100 + 37 * (n - 100), header_len = 12 + 4 * (n % 9);
      uint8_t iv[16], payload[1600], out[COUNT(all_ops)][1700];
      fill_random(&seed, iv, sizeof iv);
      fill_random(&seed, payload, len);
      for (size_t b = 0; b < COUNT(all_ops); b++) {
        memset(out[b], 0x42, sizeof out[b]);
        struct srtp_seal_job job = {cipher[b], iv, payload, len, out[b], header_len, 0x01020304};
        assert_int_equal(all_ops[b]->seal(&job), SRTP_OK);
        assert_memory_equal(out[b], out[0], sizeof out[0]); /* and nothing behind the tag was touched */
      }
    }
    for (size_t b = 0; b < COUNT(all_ops); b++) {
      all_ops[b]->cipher_free(cipher[b]);
      all_ops[b]->library_free(library[b]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(backends_agree_at_every_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
