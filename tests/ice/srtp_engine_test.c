/* tests/ice/srtp_engine_test.c: choice of a back-end, names, creation and its refusals. */
#include "tests/ice/srtp_fixture.h"

static void names_the_backend_it_took(void **state) {
  (void)state;
  struct srtp_engine *engine = NULL;
  assert_int_equal(srtp_engine_create(&engine, SRTP_BACKEND_EVP), SRTP_OK);
  assert_string_equal(srtp_engine_backend_name(engine), "evp");
  srtp_engine_free(engine);
  assert_int_equal(srtp_engine_create(&engine, SRTP_BACKEND_AUTO), SRTP_OK);
#ifdef ICE_HAVE_IPSEC_MB
  struct srtp_engine *mb = NULL;
  if (srtp_engine_create(&mb, SRTP_BACKEND_IPSEC_MB) == SRTP_OK) {
    assert_string_equal(srtp_engine_backend_name(engine), "ipsec-mb");
    srtp_engine_free(mb);
  }
#else
  assert_string_equal(srtp_engine_backend_name(engine), "evp");
#endif
  srtp_engine_free(engine);
  srtp_engine_free(NULL);
}

static void refuses_an_unknown_backend_and_leaves_out_alone(void **state) {
  (void)state;
  struct srtp_engine *engine = (struct srtp_engine *)state;
  assert_int_equal(srtp_engine_create(&engine, (enum srtp_backend)77), SRTP_BAD_ARGUMENT);
  assert_ptr_equal(engine, state);
}

static void refuses_unknown_profiles_and_wrong_lengths(void **state) {
  (void)state;
  struct srtp_engine *engine;
  struct srtp_session *s = NULL;
  uint8_t exported[SRTP_MAX_EXPORTED_BYTES] = {0};
  assert_int_equal(srtp_engine_create(&engine, SRTP_BACKEND_AUTO), SRTP_OK);
  assert_int_equal(srtp_session_create(&s, engine, (enum srtp_profile)2, SRTP_ROLE_SERVER, exported, 60),
                   SRTP_BAD_ARGUMENT);
  for (size_t len = 0; len <= sizeof exported; len++) {
    int rc = srtp_session_create(&s, engine, SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_ROLE_SERVER, exported, len);
    assert_int_equal(rc, len == 56 ? SRTP_OK : SRTP_BAD_ARGUMENT);
    if (rc == SRTP_OK) assert_int_equal(srtp_session_profile(s), SRTP_PROFILE_AEAD_AES_128_GCM);
    srtp_session_free(s);
    s = NULL;
  }
  srtp_engine_free(engine);
}

static void every_status_has_its_own_name(void **state) {
  (void)state;
  for (int a = 0; a < SRTP_STATUS_COUNT; a++) {
    assert_string_not_equal(srtp_status_name(-a), "unknown");
    for (int b = 0; b < a; b++)
      assert_string_not_equal(srtp_status_name(-a), srtp_status_name(-b));
  }
  assert_string_equal(srtp_status_name(SRTP_AUTH_FAILED), "auth_failed");
  assert_string_equal(srtp_status_name(SRTP_CRYPTO_ERROR), "crypto_error");
  assert_string_equal(srtp_status_name(-SRTP_STATUS_COUNT), "unknown");
  assert_string_equal(srtp_status_name(1), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_the_backend_it_took), cmocka_unit_test(refuses_an_unknown_backend_and_leaves_out_alone),
      cmocka_unit_test(refuses_unknown_profiles_and_wrong_lengths), cmocka_unit_test(every_status_has_its_own_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
