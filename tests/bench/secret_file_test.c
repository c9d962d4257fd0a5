/* The secret as `openssl rand -base64 48 >file` leaves it. */
#include "bench/load/secret_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/check.h"

static char path[] = "/tmp/secret-XXXXXX";
static uint8_t secret[256];
static size_t len;

static const char *read_with(const char *content) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(content, f);
  fclose(f);
  return secret_file_read(path, secret, sizeof secret, &len);
}

static void the_line_end_does_not_count(void **state) {
  (void)state;
  assert_null(read_with("0123456789abcdef0123456789abcdef\n"));
  assert_int_equal(len, 32);
  assert_memory_equal(secret, "0123456789abcdef0123456789abcdef", 32);
}

static void too_short_and_absent(void **state) {
  (void)state;
  assert_non_null(strstr(read_with("short\n"), "shorter"));
  assert_non_null(read_with(""));
  assert_non_null(secret_file_read("/nowhere/at/all", secret, sizeof secret, &len));
}

static int set_up(void **state) {
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_line_end_does_not_count),
      cmocka_unit_test(too_short_and_absent),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
