#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench/load/participant.h"
static struct load_counters counters;
static void ready(void *a, struct participant *p, int64_t now) {
  (void)a;
  fprintf(stderr, "ready\n");
  participant_start_media(p, now);
}
static void first(void *a, struct participant *p, int64_t now) {
  (void)a;
  (void)p;
  (void)now;
  fprintf(stderr, "first media\n");
}
static void failed(void *a, struct participant *p, const char *why) {
  (void)a;
  fprintf(stderr, "failed %s\n", why);
  participant_free(p);
}
int main(int argc, char **argv) {
  (void)argc;
  struct web_address g;
  const char *w = web_address_parse(&g, argv[1]);
  if (w) {
    fprintf(stderr, "%s\n", w);
    return 1;
  }
  struct participant_shared s = {
      .counters = &counters, .gateway = &g, .listener = {NULL, ready, first, failed}, .receive_buffer_bytes = 1 << 20};
  event_loop_create(&s.loop);
  w = transport_context_create(&s.transport, LOAD_SUITE_GCM);
  if (w) {
    fprintf(stderr, "%s\n", w);
    return 1;
  }
  struct timespec r;
  clock_gettime(CLOCK_REALTIME, &r);
  s.clock_offset_us = (int64_t)r.tv_sec * 1000000 + r.tv_nsec / 1000 - event_loop_clock_us();
  struct participant *p[3];
  for (int i = 0; i < 3; i++) {
    struct participant_plan pl = {.room = "r1",
                                  .role = "doctor",
                                  .audio_slots = 3,
                                  .video_slots = 3,
                                  .sampled = true,
                                  .seed = (uint32_t)i + 1,
                                  .media = {.microphone = true,
                                            .camera = true,
                                            .layers = 1,
                                            .fps = 30,
                                            .video_bps = 1500000,
                                            .audio_bps = 32000,
                                            .width = 1280,
                                            .height = 720,
                                            .packet_bytes = 1160,
                                            .keyframe_factor = 6}};
    snprintf(pl.identity, sizeof pl.identity, "load-%d", i);
    fprintf(stderr, "create %d\n", participant_create(&p[i], &s, &pl));
  }
  int64_t end = event_loop_clock_us() + 5000000;
  while (event_loop_clock_us() < end)
    event_loop_turn(s.loop, end);
  struct sequence_counts c = {0};
  for (int i = 0; i < 3; i++)
    participant_counts(p[i], &c);
  printf(
      "rtp_in %lu video %lu audio %lu out %lu rtx %lu rtcp in %lu out %lu nacks %lu/%lu plis %lu/%lu openfail %lu "
      "unknown %lu foreign %lu drops %lu expected %lu received %lu\n",
      counters.rtp_in, counters.video_in, counters.audio_in, counters.rtp_out, counters.rtx_in, counters.rtcp_in,
      counters.rtcp_out, counters.nacks_in, counters.nacks_out, counters.plis_in, counters.plis_out,
      counters.open_failures, counters.unknown_ssrc, counters.foreign_payload, counters.kernel_drops, c.expected,
      c.received);
  printf("lat p50 %ld p99 %ld max %ld late p99 %ld join %ld first %ld\n",
         histogram_percentile(&counters.latency_us, 50), histogram_percentile(&counters.latency_us, 99),
         counters.latency_us.max, histogram_percentile(&counters.lateness_us, 99),
         histogram_percentile(&counters.join_us, 50), histogram_percentile(&counters.first_media_us, 50));
  return 0;
}
