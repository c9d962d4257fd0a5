/* tests/ice/srtp_keys_test.c: RFC vectors of the key derivation, the exporter's layout, the IVs. */
#include "tests/ice/srtp_fixture.h"

/* RFC 3711 Appendix B.3. */
static const struct srtp_master b3 = {
    .key = {0xE1, 0xF9, 0x7A, 0x0D, 0x3E, 0x01, 0x8B, 0xE0, 0xD6, 0x4F, 0xA3, 0x2C, 0x06, 0xDE, 0x41, 0x39},
    .salt = {0x0E, 0xC6, 0x75, 0xAD, 0x49, 0x8A, 0xFE, 0xEB, 0xB6, 0x96, 0x0B, 0x3A, 0xAB, 0xE6},
};

static void derives_the_keys_of_rfc3711_b3(void **state) {
  (void)state;
  static const uint8_t cipher[16] = {0xC6, 0x1E, 0x7A, 0x93, 0x74, 0x4F, 0x39, 0xEE,
                                     0x10, 0x73, 0x4A, 0xFE, 0x3F, 0xF7, 0xA0, 0x87};
  static const uint8_t salt[14] = {0x30, 0xCB, 0xBC, 0x08, 0x86, 0x3D, 0x8C, 0x85, 0xD4, 0x9D, 0xB3, 0x4A, 0x9A, 0xE1};
  static const uint8_t auth[20] = {0xCE, 0xBE, 0x32, 0x1F, 0x6F, 0xF7, 0x71, 0x6B, 0x6F, 0xD4,
                                   0xAB, 0x49, 0xAF, 0x25, 0x6A, 0x15, 0x6D, 0x38, 0xBA, 0xA4};
  struct srtp_session_keys keys;
  const struct srtp_profile_info *info = srtp_profile_info(SRTP_PROFILE_AES128_CM_SHA1_80);
  assert_int_equal(srtp_keys_derive_session(info, &b3, &keys), SRTP_OK);
  assert_memory_equal(keys.cipher, cipher, sizeof cipher);
  assert_memory_equal(keys.salt, salt, sizeof salt);
  assert_memory_equal(keys.auth, auth, sizeof auth);
}

static void refuses_a_longer_key_than_the_profiles_have(void **state) {
  (void)state;
  uint8_t out[33];
  assert_int_equal(srtp_keys_derive(&b3, 16, SRTP_LABEL_AUTH, out, sizeof out), SRTP_BAD_ARGUMENT);
}

static void splits_the_exported_block_by_role(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(all_profiles); i++) {
    const struct srtp_profile_info *info = srtp_profile_info(all_profiles[i]);
    uint8_t exported[SRTP_MAX_EXPORTED_BYTES];
    struct srtp_master s_send, s_recv, c_send, c_recv;
    size_t len = srtp_profile_exported_bytes(all_profiles[i]);
    for (size_t b = 0; b < len; b++)
      exported[b] = (uint8_t)(b + 1);
    assert_int_equal(srtp_keys_split(info, SRTP_ROLE_SERVER, exported, len, &s_send, &s_recv), SRTP_OK);
    assert_int_equal(srtp_keys_split(info, SRTP_ROLE_CLIENT, exported, len, &c_send, &c_recv), SRTP_OK);
    assert_memory_equal(&s_send, &c_recv, sizeof s_send);
    assert_memory_equal(&s_recv, &c_send, sizeof s_send);
    /* client_write_key, server_write_key, client_write_salt, server_write_salt */
    assert_int_equal(c_send.key[0], 1);
    assert_int_equal(s_send.key[0], 1 + info->key_bytes);
    assert_int_equal(c_send.salt[0], 1 + 2 * info->key_bytes);
    assert_int_equal(s_send.salt[0], 1 + 2 * info->key_bytes + info->salt_bytes);
    assert_int_equal(s_send.salt[info->salt_bytes - 1], len);
    if (info->aead) assert_int_equal(s_send.salt[12] | s_send.salt[13], 0);
    assert_int_equal(srtp_keys_split(info, SRTP_ROLE_SERVER, exported, len - 1, &s_send, &s_recv), SRTP_BAD_ARGUMENT);
  }
}

static void gives_the_lengths_of_the_rfcs(void **state) {
  (void)state;
  assert_int_equal(srtp_profile_exported_bytes(SRTP_PROFILE_AES128_CM_SHA1_80), 60);
  assert_int_equal(srtp_profile_exported_bytes(SRTP_PROFILE_AEAD_AES_128_GCM), 56);
  assert_int_equal(srtp_profile_exported_bytes(SRTP_PROFILE_AEAD_AES_256_GCM), SRTP_MAX_EXPORTED_BYTES);
  assert_int_equal(srtp_profile_exported_bytes((enum srtp_profile)0x0002), 0); /* CM_SHA1_32: not accepted */
  assert_int_equal(srtp_profile_tag_bytes(SRTP_PROFILE_AES128_CM_SHA1_80), 10);
  assert_int_equal(srtp_profile_tag_bytes(SRTP_PROFILE_AEAD_AES_256_GCM), SRTP_MAX_TAG_BYTES);
  assert_int_equal(srtp_profile_tag_bytes((enum srtp_profile)0), 0);
  assert_string_equal(srtp_profile_name(SRTP_PROFILE_AEAD_AES_128_GCM), "SRTP_AEAD_AES_128_GCM");
  assert_string_equal(srtp_profile_name((enum srtp_profile)5), "unknown");
}

/* RFC 7714 §16.1.1: SSRC 5501a0b2, ROC 0, SEQ f17b. */
static void forms_the_gcm_iv_of_rfc7714(void **state) {
  (void)state;
  static const uint8_t salt[14] = {0x51, 0x75, 0x69, 0x64, 0x20, 0x70, 0x72, 0x6f, 0x20, 0x71, 0x75, 0x6f};
  static const uint8_t expected[12] = {0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2, 0x72, 0x6f, 0x20, 0x71, 0x84, 0x14};
  uint8_t iv[16];
  srtp_keys_write_iv(1, salt, 0x5501a0b2, 0xf17b, iv);
  assert_memory_equal(iv, expected, sizeof expected);
}

static void forms_the_counter_mode_iv_of_rfc3711(void **state) {
  (void)state;
  static const uint8_t zero_salt[14] = {0};
  static const uint8_t expected[16] = {0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 1, 2, 3, 4, 5, 6, 0, 0};
  uint8_t iv[16];
  srtp_keys_write_iv(0, zero_salt, 0xaabbccdd, UINT64_C(0x010203040506), iv);
  assert_memory_equal(iv, expected, sizeof expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(derives_the_keys_of_rfc3711_b3),
                                     cmocka_unit_test(refuses_a_longer_key_than_the_profiles_have),
                                     cmocka_unit_test(splits_the_exported_block_by_role),
                                     cmocka_unit_test(gives_the_lengths_of_the_rfcs),
                                     cmocka_unit_test(forms_the_gcm_iv_of_rfc7714),
                                     cmocka_unit_test(forms_the_counter_mode_iv_of_rfc3711)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
