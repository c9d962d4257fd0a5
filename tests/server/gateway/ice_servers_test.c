/* server/gateway/ice_servers.c: the list browsers get; TURN credentials as coturn computes them. */
#include "tests/server/check.h"

#include "server/gateway/internal.h"

static void test_list(void **state) {
  (void)state;
  char message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  static const char yaml[] =
      "ice_servers: [{urls: [\"stun:a\", \"stun:b\"]}, {urls: [\"turn:c\"], username: u, credential: p}]\n"
      "turn: {secret: north, urls: [\"turn:d\"], ttl_seconds: 60}\n";
  assert_int_equal(config_create(&c), CONFIG_OK);
  assert_int_equal(config_load_text(c, yaml, strlen(yaml), "t", message), CONFIG_OK);
  json_t *list = ice_servers_json(c, "s_x", 1000);
  char *text = json_dumps(list, JSON_COMPACT);
  /* printf '1060:s_x' | openssl dgst -sha1 -hmac north -binary | base64 */
  assert_string_equal(
      text,
      "[{\"urls\":[\"stun:a\",\"stun:b\"]},{\"urls\":[\"turn:c\"],\"username\":\"u\",\"credential\":\"p\"},"
      "{\"urls\":[\"turn:d\"],\"username\":\"1060:s_x\",\"credential\":\"bqoOKlWrVWOLGd0FMNZFT2FhdM8=\"}]");
  free(text);
  json_decref(list);
  config_free(c);
}

/* Values that others have published. */
static void test_published_credentials(void **state) {
  (void)state;
  char credential[ICE_SERVERS_CREDENTIAL_BYTES];
  /* pion/turn, lt_cred_test.go: the password its long-term TURN REST credentials have for this time and secret. */
  assert_int_equal(ice_servers_credential("foobar", "1599491771", credential), 0);
  assert_string_equal(credential, "Tpz/nKkyvX/vMSLKvL4sbtBt8Vs=");
  /* RFC 2202 §3, test case 2: 0xeffcdf6ae5eb2fa2d27416d5f184df9c259a7c79. */
  assert_int_equal(ice_servers_credential("Jefe", "what do ya want for nothing?", credential), 0);
  assert_string_equal(credential, "7/zfauXrL6LSdBbV8YTfnCWafHk=");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_published_credentials)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
