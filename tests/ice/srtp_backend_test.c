/* tests/ice/srtp_backend_test.c: both cryptographic back-ends against RFC 7714 §16 and against one another. */
#include "ice/srtp_backend.h"

#include "tests/ice/srtp_fixture.h"

static const struct srtp_backend_ops *const all_ops[] = {
    &srtp_backend_evp,
#ifdef ICE_HAVE_IPSEC_MB
    &srtp_backend_ipsec_mb,
#endif
};

/* RFC 7714 §16: the packet, before and after. */
static const uint8_t plain[] = "\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2Gallia est omnis divisa in partes tres";
static const uint8_t salt[14] = "Quid pro quo";
static const uint8_t sealed_128[] =
    "\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2\xf2\x4d\xe3\xa3\xfb\x34\xde\x6c\xac\xba\x86\x1c\x9d\x7e\x4b\xca"
    "\xbe\x63\x3b\xd5\x0d\x29\x4e\x6f\x42\xa5\xf4\x7a\x51\xc7\xd1\x9b\x36\xde\x3a\xdf\x88\x33\x89\x9d\x7f\x27\xbe\xb1"
    "\x6a\x91\x52\xcf\x76\x5e\xe4\x39\x0c\xce";
static const uint8_t sealed_256[] =
    "\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2\x32\xb1\xde\x78\xa8\x22\xfe\x12\xef\x9f\x78\xfa\x33\x2e\x33\xaa"
    "\xb1\x80\x12\x38\x9a\x58\xe2\xf3\xb5\x0b\x2a\x02\x76\xff\xae\x0f\x1b\xa6\x37\x99\xb8\x7b\x7a\xa3\xdb\x36\xdf\xff"
    "\xd6\xb0\xf9\xbb\x78\x78\xd7\xa7\x6c\x13";

static void rfc7714_vector(const struct srtp_backend_ops *ops, enum srtp_profile profile, const uint8_t *sealed,
                           size_t sealed_len) {
  const struct srtp_profile_info *info = srtp_profile_info(profile);
  struct srtp_session_keys keys = {0};
  uint8_t iv[16], packet[128];
  void *library, *sealing, *opening;
  for (size_t i = 0; i < info->key_bytes; i++)
    keys.cipher[i] = (uint8_t)i;
  assert_int_equal(ops->library_create(&library), SRTP_OK);
  assert_int_equal(ops->cipher_create(&sealing, library, info, &keys, 1), SRTP_OK);
  assert_int_equal(ops->cipher_create(&opening, library, info, &keys, 0), SRTP_OK);
  srtp_keys_write_iv(1, salt, 0x5501a0b2, 0xf17b, iv);

  memcpy(packet, plain, 12);
  struct srtp_seal_job seal = {sealing, iv, plain + 12, sizeof plain - 1 - 12, packet, 12, 0};
  assert_int_equal(ops->seal(&seal), SRTP_OK);
  assert_int_equal(sealed_len, 12 + seal.payload_len + 16);
  assert_memory_equal(packet, sealed, sealed_len);

  struct srtp_open_job open = {opening, iv, packet, 12, seal.payload_len, 0};
  assert_int_equal(ops->open(&open), SRTP_OK);
  assert_memory_equal(packet, plain, sizeof plain - 1);
  ops->cipher_free(sealing);
  ops->cipher_free(opening);
  ops->library_free(library);
}

static void every_backend_gives_the_packets_of_rfc7714(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(all_ops); i++) {
    rfc7714_vector(all_ops[i], SRTP_PROFILE_AEAD_AES_128_GCM, sealed_128, sizeof sealed_128 - 1);
    rfc7714_vector(all_ops[i], SRTP_PROFILE_AEAD_AES_256_GCM, sealed_256, sizeof sealed_256 - 1);
  }
}

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
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_backend_gives_the_packets_of_rfc7714),
                                     cmocka_unit_test(backends_agree_at_every_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
