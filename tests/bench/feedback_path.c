/* tests/bench/feedback_path.c: a consultation of four through the whole worker, for bench/feedback_share.py: what estimation and
 * feedback cost beside forwarding.
 *
 * Everybody has a camera of 1.4 Mbit/s (frames of six packets) and a microphone, and a link without a queue, 20 ms long, over which
 * transport-wide feedback comes back every 50 ms, as from a browser. Time runs in steps of 5 ms. What is the server's work is below
 * engine_receive(), engine_flush() and engine_tick(); all else here plays the browsers.
 * Usage: feedback_path SECONDS     prints how many packets were forwarded after begin_counting(), where callgrind forgets the first
 * seconds, in which people join and their links are found out.
 */
#include <stdio.h>

#include "tests/server/worker/engine_harness.h"

#define MEMBERS       4
#define FRAME_PACKETS 6
#define FRAME_STEPS   7 /* of 5 ms: 28.6 frames a second */
#define AUDIO_STEPS   4
#define KEY_STEPS     (10 * FRAME_STEPS) /* whoever has just joined waits for one */
#define STEP_US       5000

#define FIRST_STEPS   (3 * SECOND / STEP_US)

static unsigned long seconds = 3;

__attribute__((noipa)) static uint64_t begin_counting(const struct harness *h) {
  return h->engine->counters.rtp_out;
}

/* One number for all that a member sends. */
static void send_next(struct source *s, int *number, bool keyframe) {
  uint8_t packet[1600];
  s->transport_seq = (*number)++ & 0xffff;
  browser_send_rtp(s->member, packet, source_write(s, keyframe, packet));
}

static void consult(void **state) {
  (void)state;
  struct harness *h = harness_new_governed(4000000);
  struct browser *members[MEMBERS];
  struct source cameras[MEMBERS], microphones[MEMBERS];
  int numbers[MEMBERS] = {0};
  for (size_t i = 0; i < MEMBERS; i++) {
    members[i] = harness_connect(h, i ? "patient" : "doctor");
    browser_link(members[i], NO_LIMIT_BPS, SECOND, 20 * MILLISECOND);
  }
  for (size_t i = 0; i < MEMBERS; i++) {
    browser_publish(members[i], "0", "microphone");
    browser_publish(members[i], "1", "camera");
    cameras[i] = source_video(members[i], "1", "f", 1280, 720);
    microphones[i] = source_audio(members[i], "0");
  }
  uint64_t before = 0;
  for (unsigned long step = 0; step < FIRST_STEPS + seconds * SECOND / STEP_US; step++) {
    if (step == FIRST_STEPS) before = begin_counting(h);
    for (size_t i = 0; i < MEMBERS; i++) {
      if (step % AUDIO_STEPS == i) send_next(&microphones[i], &numbers[i], false);
      for (size_t n = 0; n < FRAME_PACKETS && step % FRAME_STEPS == i; n++)
        send_next(&cameras[i], &numbers[i], step % KEY_STEPS < FRAME_STEPS && n == 0);
    }
    harness_pump(h);
    harness_advance(h, STEP_US);
    for (size_t i = 0; i < MEMBERS; i++)
      browser_forget(members[i]);
  }
  printf("%llu packets forwarded\n", (unsigned long long)(h->engine->counters.rtp_out - before));
  harness_free(h);
}

int main(int argc, char **argv) {
  if (argc > 1) seconds = strtoul(argv[1], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(consult)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
