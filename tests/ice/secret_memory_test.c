/* tests/ice/secret_memory_test.c: key memory is zeroed, aligned, writable and left out of core dumps. */
#include "ice/secret_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/ice/srtp_fixture.h"

/* The kernel's flags of the mapping that holds `address`, from /proc/self/smaps: "dd" is MADV_DONTDUMP. */
static int is_left_out_of_dumps(const void *address) {
  FILE *maps = fopen("/proc/self/smaps", "r");
  char line[512];
  int inside = 0, result = -1;
  assert_non_null(maps);
  while (result < 0 && fgets(line, sizeof line, maps)) {
    char *end;
    unsigned long from = strtoul(line, &end, 16);
    if (*end == '-') inside = (uintptr_t)address >= from && (uintptr_t)address < strtoul(end + 1, NULL, 16);
    if (inside && strncmp(line, "VmFlags:", 8) == 0) result = strstr(line, " dd") != NULL;
  }
  fclose(maps);
  return result;
}

static void is_zeroed_aligned_and_not_dumped(void **state) {
  (void)state;
  uint8_t *p = secret_memory_alloc(5000);
  assert_non_null(p);
  assert_int_equal((uintptr_t)p % 64, 0);
  for (size_t i = 0; i < 5000; i++)
    assert_int_equal(p[i], 0);
  memset(p, 0xaa, 5000);
  assert_int_equal(is_left_out_of_dumps(p), 1);
  secret_memory_free(p, 5000);
  secret_memory_free(NULL, 5000);
}

/* Many sizes live at the same time, do not overlap, and what comes back after a free is zero again. */
static void blocks_are_apart_and_zero_again(void **state) {
  (void)state;
  enum { BLOCKS = 300 };
  static uint8_t *blocks[BLOCKS];
  static size_t sizes[BLOCKS];
  for (int round = 0; round < 4; round++) {
    for (size_t i = 0; i < BLOCKS; i++) {
      if (round && i % 3 != (size_t)round - 1) continue; /* a third comes and goes with each round */
      if (blocks[i]) {
        for (size_t k = 0; k < sizes[i]; k++)
          assert_int_equal(blocks[i][k], (uint8_t)i);
        secret_memory_free(blocks[i], sizes[i]);
      }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
      if (round && i % 3 != (size_t)round - 1) continue;
      sizes[i] = 1 + (i * 97 + (size_t)round * 1009) % 9000;
      blocks[i] = secret_memory_alloc(sizes[i]);
      assert_non_null(blocks[i]);
      assert_int_equal((uintptr_t)blocks[i] % 64, 0);
      for (size_t k = 0; k < sizes[i]; k++)
        assert_int_equal(blocks[i][k], 0);
      memset(blocks[i], (int)(uint8_t)i, sizes[i]);
    }
  }
  for (size_t i = 0; i < BLOCKS; i++) {
    for (size_t k = 0; k < sizes[i]; k++)
      assert_int_equal(blocks[i][k], (uint8_t)i);
    secret_memory_free(blocks[i], sizes[i]);
  }
}

static void gives_null_when_there_is_none(void **state) {
  (void)state;
  assert_null(secret_memory_alloc((size_t)1 << 60));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_zeroed_aligned_and_not_dumped),
                                     cmocka_unit_test(blocks_are_apart_and_zero_again),
                                     cmocka_unit_test(gives_null_when_there_is_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
