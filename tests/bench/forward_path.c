/* tests/bench/forward_path.c: the whole of the worker's forwarding path for callgrind: from a received datagram to sendmmsg.
 *
 * One camera, seven receivers, frames of six packets; the datagrams are made beforehand and go straight into the engine.
 * Only what measured() calls counts:
 *   valgrind --tool=callgrind --toggle-collect=measured build/release/tests/bench/forward_path
 * Prints how many packets were forwarded there.
 *
 * `forward_path cold RECEIVERS BATCH`: nothing is in the caches when a batch of BATCH packets comes, as after a sleep or behind a hundred
 * other receivers, and what follows a batch (feedback, timers of who was heard) counts, too. With callgrind's simulated cache each line
 * or page that is touched is then one miss: tests/bench/locality.py.
 */
#include <stdio.h>

#include "tests/server/worker/engine_harness.h"

#define WARM_FRAMES   120 /* histories and windows have grown to what the stream needs: four seconds */
#define FRAMES        50
#define FRAME_PACKETS 6
#define PACKETS       (FRAMES * FRAME_PACKETS)
#define RECEIVERS     7
#define FRAME_US      33333

/* A frame as a loaded worker reads it: in one batch. */
static inline void forward_frame(struct harness *h, const struct browser *from, struct datagram *frame) {
  for (size_t i = 0; i < FRAME_PACKETS; i++)
    engine_receive(h->engine, &from->address.any, ice_address_length(&from->address), frame[i].data, frame[i].len,
                   h->now_us);
  engine_flush(h->engine);
}

/* More than the simulated cache holds. */
#define WASH_BYTES  (8u << 20)
#define COLD_FRAMES 10

static unsigned receivers = RECEIVERS, batch = FRAME_PACKETS;
static bool cold;

static void wash_caches(void) {
  static volatile uint8_t bytes[WASH_BYTES];
  for (size_t i = 0; i < sizeof bytes; i += 64)
    bytes[i]++;
}

/* As worker.c does. */
__attribute__((noinline, noclone)) static void measured_batch(struct harness *h, const struct browser *from,
                                                              struct datagram *datagrams) {
  for (size_t i = 0; i < batch; i++)
    engine_receive(h->engine, &from->address.any, ice_address_length(&from->address), datagrams[i].data,
                   datagrams[i].len, h->now_us);
  engine_batch_over(h->engine);
  egress_batch_flush(udp_socket_egress(h->engine->sockets[0]));
  engine_service_touched(h->engine, h->now_us);
  engine_flush(h->engine);
}

__attribute__((noinline, noclone)) static void measured(struct harness *h, const struct browser *from,
                                                        struct datagram *frame) {
  forward_frame(h, from, frame);
}

static void forward(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor");
  for (size_t i = 0; i < receivers; i++)
    harness_connect(h, "patient");
  browser_publish(a, "1", "camera");
  struct source s = source_video(a, "1", "f", 1280, 720);
  s.transport_seq = 1;
  s.frame_packets = FRAME_PACKETS;
  for (size_t i = 0; i < FRAME_PACKETS; i++)
    source_send(&s, true); /* what is made once is made now */
  struct datagram *datagrams = calloc(WARM_FRAMES * FRAME_PACKETS + PACKETS, sizeof *datagrams);
  assert_non_null(datagrams);
  for (size_t i = 0; i < WARM_FRAMES * FRAME_PACKETS + PACKETS; i++)
    source_seal(&s, i == 0, &datagrams[i]);
  struct datagram *next = datagrams;
  for (size_t i = 0; i < WARM_FRAMES; i++, next += FRAME_PACKETS) {
    h->now_us += FRAME_US;
    forward_frame(h, a, next);
    harness_pump(h);
  }
  const uint64_t out = h->engine->counters.rtp_out;
  const size_t frames = cold ? COLD_FRAMES : FRAMES;
  for (size_t i = 0; i < frames; i++) {
    struct datagram *frame = next + i * FRAME_PACKETS;
    h->now_us += FRAME_US;
    if (!cold) measured(h, a, frame);
    for (size_t k = 0; cold && k < FRAME_PACKETS; k += batch) {
      wash_caches();
      measured_batch(h, a, frame + k);
    }
    harness_pump(h);
  }
  assert_int_equal(h->engine->counters.rtp_out - out, frames * FRAME_PACKETS * receivers);
  printf("%zu packets forwarded\n", frames * FRAME_PACKETS * receivers);
  free(datagrams);
  harness_free(h);
}

int main(int argc, char **argv) {
  if (argc == 4) {
    cold = strcmp(argv[1], "cold") == 0;
    receivers = (unsigned)strtoul(argv[2], NULL, 10);
    batch = (unsigned)strtoul(argv[3], NULL, 10);
  }
  if (argc != (cold ? 4 : 1) || receivers > RECEIVERS || batch == 0 || FRAME_PACKETS % batch) return 2;
  const struct CMUnitTest tests[] = {cmocka_unit_test(forward)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
