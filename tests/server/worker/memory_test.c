/* tests/server/worker/memory_test.c: a worker's memory after many joins and leaves is what it was before them.
 *
 * One member stays; others come one after the other, connect, send sound and pictures, receive the one's, open data channels and leave.
 * What the C library has given out is counted (mallinfo2), the test's own side of each member included. Its lists of freed blocks
 * for the next allocation of that size ("tcache") count as given out, and fill in the course of a thousand joins to 56 kB: the
 * test runs without them. Live blocks by their call sites, after 160 and 640 joins, were the same ones but for usrsctp's table of
 * tags that may not come back for a minute (208 bytes for 15 of them).
 */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/server/worker/engine_harness.h"

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#define SETTLED      40  /* joins until tables have the size that they keep */
#define JOINS        160 /* after those; CONSILIUM_JOINS has another number */

/* Of all the joins together, however many they are. A member that is forgotten costs 200 kB. */
#define GROWTH_BYTES (4 << 10)

static size_t in_use(void) {
  const struct mallinfo2 m = mallinfo2();
  return m.uordblks + m.hblkhd;
}

static void come_and_go(struct harness *h, struct source *stays) {
  struct browser *m = harness_connect(h, "patient");
  browser_open_channels(m);
  browser_publish(m, "0", "microphone");
  browser_publish(m, "1", "camera");
  struct source sound = source_audio(m, "0"), picture = source_video(m, "1", "f", 640, 360);
  for (int i = 0; i < 5; i++) {
    source_send(&sound, false);
    source_send(&picture, i == 0);
    source_send(stays, i == 0);
    harness_advance(h, 20 * MILLISECOND);
  }
  assert_true(m->rtp_count > 0); /* it was there */
  harness_dismiss(h);
  harness_forget(h);
  harness_advance(h, 400 * MILLISECOND); /* rates of requests recover, too */
}

static void joins_leave_nothing_behind(void **state) {
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip(); /* its allocator keeps what was freed; leaks are reported by itself */
#endif
  const char *wanted = getenv("CONSILIUM_JOINS");
  const long joins = wanted ? strtol(wanted, NULL, 10) : JOINS;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor");
  browser_publish(a, "1", "camera");
  struct source stays = source_video(a, "1", "f", 640, 360);
  for (int i = 0; i < SETTLED; i++)
    come_and_go(h, &stays);
  const size_t before = in_use();
  for (long i = 0; i < joins; i++)
    come_and_go(h, &stays);
  const size_t after = in_use();
  print_message("%zu bytes, %zu after %ld joins\n", before, after, joins);
  assert_true(after <= before + GROWTH_BYTES);
  harness_free(h);
}

#define NO_TCACHE "glibc.malloc.tcache_count=0"

int main(int argc, char **argv) {
  (void)argc;
  if (!getenv("GLIBC_TUNABLES") && setenv("GLIBC_TUNABLES", NO_TCACHE, 1) == 0) execv("/proc/self/exe", argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(joins_leave_nothing_behind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
