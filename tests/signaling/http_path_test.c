/* tests/signaling/http_path_test.c: paths, origins, lengths and addresses as an attacker would write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/http_path.h"

static void test_paths(void **state) {
  (void)state;
  static const char *const good[] = {"/",         "/a",  "/a/", "/a/b.c", "/a..b", "/...", "/.well-known/x",
                                     "/\xc3\xa9", "/a b"};
  static const char *const bad[] = {"",
                                    "a",
                                    "//",
                                    "/a//b",
                                    "/./a",
                                    "/a/.",
                                    "/..",
                                    "/a/../b",
                                    "/a/..",
                                    "/../",
                                    "/a\n",
                                    "/a\x7f",
                                    "/a\\..",
                                    "/\xff",
                                    "/\xc0\xae\xc0\xae",
                                    "/a\xe2\x80\xae"};
  for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
    if (!http_path_valid(good[i], strlen(good[i]))) fail_msg("%s", good[i]);
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    if (http_path_valid(bad[i], strlen(bad[i]))) fail_msg("%zu %s", i, bad[i]);
  assert_false(http_path_valid("/a\0b", 4));
}

static void test_origins(void **state) {
  (void)state;
  static const char *const allowed[] = {"https://clinic.example", "https://a.example:8443"};
  static const struct {
    const char *origin, *host;
    bool tls, ok;
  } cases[] = {
      {"", "h.example", true, true},
      {"https://h.example", "h.example", true, true},
      {"https://h.example", "h.example:443", true, true},
      {"https://h.example:443", "h.example", true, true},
      {"https://H.Example", "h.example", true, true},
      {"http://h.example", "h.example", true, false}, /* a page anybody on the path may have written */
      {"http://h.example", "h.example", false, true},
      {"http://h.example:80", "h.example", false, true},
      {"https://h.example", "h.example", false, true}, /* a proxy in front took TLS off */
      {"http://localhost:8080", "localhost:8080", false, true},
      {"http://localhost:8081", "localhost:8080", false, false},
      {"http://localhost", "localhost:8080", false, false},
      {"https://h.example.evil.example", "h.example", true, false},
      {"https://evil-h.example", "h.example", true, false},
      {"https://h.example/", "h.example", true, false},
      {"https://user@h.example", "h.example", true, false},
      {"https://", "", true, false},
      {"https://:443", ":443", true, false},
      {"null", "h.example", true, false},
      {"null", "null", false, false},
      {"file://", "", false, false},
      {"h.example", "h.example", true, false},
      {"https://clinic.example", "h.example", true, true},
      {"https://clinic.example:443", "h.example", true, false},
      {"http://clinic.example", "h.example", true, false},
      {"https://a.example:8443", "h.example", true, true},
      {"https://clinic.example.evil.example", "h.example", true, false},
      {"https://[2001:db8::1]:8443", "[2001:db8::1]:8443", true, true},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
    if (http_origin_allowed(cases[i].origin, cases[i].host, cases[i].tls, allowed, 2) != cases[i].ok)
      fail_msg("%zu: %s at %s", i, cases[i].origin, cases[i].host);
}

static void test_content_length(void **state) {
  (void)state;
  static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1,1", "1.0", "1234567890", "a"};
  size_t n = 7;
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    assert_int_equal(http_content_length(bad[i], &n), -1);
  assert_int_equal(n, 7);
  assert_int_equal(http_content_length("0", &n), 0);
  assert_int_equal(n, 0);
  assert_int_equal(http_content_length("999999999", &n), 0);
  assert_int_equal(n, 999999999);
}

static void test_accept_encoding(void **state) {
  (void)state;
  static const char *const yes[] = {"gzip",
                                    "gzip, deflate, br, zstd",
                                    "br;q=1.0, GZIP;q=0.001",
                                    "x-gzip",
                                    "*",
                                    "gzip;q=1, *;q=0",
                                    "identity;q=0,\tgzip",
                                    "gzip ; q=0.5",
                                    "deflate,gzip",
                                    ",,gzip",
                                    "*;q=0, gzip"};
  static const char *const no[] = {"",        "identity",     "deflate, br", "gzip;q=0", "gzip;q=0.000", "gzip ;\tQ=0.",
                                   "*;q=0.0", "gzip;q=0, *",  "*, gzip;q=0", "gzippy",   "q=1;gzip",     ",",
                                   "agzip",   "br;q=0, *;q=0"};
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
    if (!http_accepts_gzip(yes[i])) fail_msg("%s", yes[i]);
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
    if (http_accepts_gzip(no[i])) fail_msg("%s", no[i]);
}

static void test_if_none_match(void **state) {
  (void)state;
  static const char *const yes[] = {"\"ab\"", "W/\"ab\"", " *", "\"x\", \"ab\"", "\"x\",W/\"ab\"", "\"a, b\" , \"ab\""};
  static const char *const no[] = {"", "ab", "\"ab", "\"ab-gz\"", "\"abc\", \"b\"", "\"", "W/", "\",\"ab", "\"x*\""};
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
    if (!http_etag_listed(yes[i], "\"ab\"")) fail_msg("%s", yes[i]);
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
    if (http_etag_listed(no[i], "\"ab\"")) fail_msg("%s", no[i]);
}

static void test_forwarded(void **state) {
  (void)state;
  char out[64] = "kept";
  static const char *const bad[] = {"",         "unknown",       "1.2.3",          "1.2.3.4:80",
                                    "1.2.3.4,", "1.2.3.4, evil", "1.2.3.4 5.6.7.8"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    assert_int_equal(http_forwarded_address(bad[i], out, sizeof(out)), -1);
    assert_string_equal(out, "kept");
  }
  assert_int_equal(http_forwarded_address("6.6.6.6, 192.0.2.7", out, sizeof(out)), 0);
  assert_string_equal(out, "192.0.2.7"); /* the last is our proxy's word, the first anybody's */
  assert_int_equal(http_forwarded_address("2001:db8::7 ", out, sizeof(out)), 0);
  assert_string_equal(out, "2001:db8::7");
  assert_int_equal(http_forwarded_address("::ffff:192.0.2.8", out, sizeof(out)), 0);
  assert_string_equal(out, "192.0.2.8");
  assert_int_equal(http_forwarded_address("::ffff:7f:7.6.6.1", out, sizeof(out)), 0);
  assert_string_equal(out, "::ffff:7f:7.6.6.1"); /* not a mapped one */
}

static void test_address_keys(void **state) {
  (void)state;
  assert_int_equal(http_address_key("nonsense"), 0);
  assert_true(http_address_key("0.0.0.0") != 0 && http_address_key("::1") != 0);
  assert_true(http_address_key("192.0.2.1") != http_address_key("192.0.2.2"));
  assert_true(http_address_key("2001:db8::1") == http_address_key("2001:db8::ffff"));
  assert_true(http_address_key("2001:db8:0:1::1") != http_address_key("2001:db8:0:2::1"));
}

static void test_media_types(void **state) {
  (void)state;
  assert_string_equal(http_media_type("/a/app.MJS"), "text/javascript; charset=utf-8");
  assert_string_equal(http_media_type("/index.html"), "text/html; charset=utf-8");
  assert_string_equal(http_media_type("/a.html/b"), "application/octet-stream");
  assert_string_equal(http_media_type("/x.d.ts"), "text/plain; charset=utf-8");
  assert_false(http_header_value_valid("a\r\nb"));
  assert_true(http_header_value_valid("a b"));
  assert_string_equal(http_status_text(404), "Not Found");
  assert_string_equal(http_status_text(999), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths),           cmocka_unit_test(test_origins),
                                     cmocka_unit_test(test_content_length),  cmocka_unit_test(test_forwarded),
                                     cmocka_unit_test(test_accept_encoding), cmocka_unit_test(test_if_none_match),
                                     cmocka_unit_test(test_address_keys),    cmocka_unit_test(test_media_types)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
