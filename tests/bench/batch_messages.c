/* tests/bench/batch_messages.c: how many messages the packets of a batch become, for meetings like those of the load runs.
 *
 * A count, not a timing: cameras of 30 pictures a second in packets of a third of a millisecond, microphones of 50 packets, each with its
 * own phase, read in batches of so many microseconds; pictures differ in size by a fifth, and everybody has two slots for sound and two for
 * pictures. `most` is a message for each packet, `least` one for each receiver that a batch has something for.
 *
 *   build/release/tests/bench/batch_messages
 */
#include <stdio.h>

#include "tests/server/worker/engine_harness.h"

#define SECONDS    5
#define WARM_UP_US INT64_C(1000000)
#define STEP_US    100
#define PICTURE_US 33333
#define SPACING_US 300
#define SOUND_US   20000
#define BATCH      64

struct meeting {
  const char *name;
  unsigned members, publishers, frame_packets;
  uint16_t packet_bytes;
  int64_t batch_us;
  int64_t whole_us; /* frames leave whole within it, 0: they do not */
};

static const struct meeting meetings[] = {
    {"lecture", 8, 1, 6, 900, 300, 2000},          {"consult", 4, 4, 5, 900, 100, 0},
    {"consult, loaded", 4, 4, 5, 900, 2000, 2000}, {"gallery", 8, 8, 1, 600, 300, 0},
    {"gallery, loaded", 8, 8, 1, 600, 2000, 2000},
};

struct person {
  struct browser *browser;
  struct source camera, microphone;
  int64_t picture_us, sound_us;
  uint16_t bytes;
};

static struct datagram batch[BATCH];
static uint32_t dice = 1;

static uint32_t roll(uint32_t below) {
  dice = dice * 1664525 + 1013904223;
  return (uint32_t)((uint64_t)dice * below >> 32);
}

static void receive(struct harness *h, struct source *s, struct datagram *d) {
  const struct browser *from = s->member;
  source_seal(s, s->picture_id == 0, d);
  engine_receive(h->engine, &from->address.any, ice_address_length(&from->address), d->data, d->len, h->now_us);
}

/* What `p` sends in this step; returns how many datagrams. */
static size_t step(struct harness *h, struct person *p, const struct meeting *meeting, size_t used) {
  const size_t before = used;
  if (h->now_us >= p->sound_us) {
    receive(h, &p->microphone, &batch[used++]);
    p->sound_us += SOUND_US;
  }
  if (h->now_us < p->picture_us) return used - before;
  if (p->camera.frame_at == 0) p->camera.packet_bytes = (uint16_t)(meeting->packet_bytes * (900 + roll(200)) / 1000);
  receive(h, &p->camera, &batch[used++]);
  p->picture_us += p->camera.frame_at ? SPACING_US : PICTURE_US - (meeting->frame_packets - 1) * SPACING_US;
  return used - before;
}

/* How many receivers have something in what is about to be flushed. */
static uint64_t receivers(const struct person *people, const struct meeting *meeting, uint32_t *generations) {
  uint64_t count = 0;
  for (size_t i = 0; i < meeting->members; i++) {
    const uint32_t generation = (uint32_t)(browser_peer(people[i].browser)->destination.open >> 32); /* the flush */
    if (generation != generations[i]) count++;
    generations[i] = generation;
  }
  return count;
}

static void hold(const struct meeting *meeting) {
  struct harness *h = harness_new();
  struct person people[HARNESS_SEATS] = {0};
  uint32_t generations[HARNESS_SEATS] = {0};
  uint64_t least = 0, packets = 0, messages = 0;
  for (size_t i = 0; i < meeting->members; i++)
    people[i].browser = harness_connect(h, i ? "patient" : "doctor");
  for (size_t i = 0; i < meeting->publishers; i++) {
    struct person *p = &people[i];
    browser_publish(p->browser, "0", "microphone");
    browser_publish(p->browser, "1", "camera");
    p->microphone = source_audio(p->browser, "0");
    p->camera = source_video(p->browser, "1", "f", 1280, 720);
    p->camera.frame_packets = (uint8_t)meeting->frame_packets;
    p->camera.transport_seq = -1;
    p->picture_us = h->now_us + roll(PICTURE_US);
    p->sound_us = h->now_us + roll(SOUND_US);
  }
  h->engine->gather.whole_us = meeting->whole_us;
  const struct egress_counters *egress = egress_batch_counters(udp_socket_egress(h->socket));
  const int64_t end_us = h->now_us + SECONDS * INT64_C(1000000), counted_us = h->now_us + WARM_UP_US;
  int64_t read_us = h->now_us;
  size_t used = 0;
  for (; h->now_us < end_us; h->now_us += STEP_US) {
    for (size_t i = 0; i < meeting->publishers; i++)
      used += step(h, &people[i], meeting, used);
    if (used == 0 || (h->now_us < read_us && used < BATCH - 2 * meeting->publishers)) continue;
    read_us = h->now_us + meeting->batch_us;
    used = 0;
    const uint64_t packets_before = egress->packets, messages_before = egress->messages;
    engine_batch_over(h->engine);
    const uint64_t heard = receivers(people, meeting, generations);
    engine_flush(h->engine);
    if (h->now_us >= counted_us) {
      packets += egress->packets - packets_before;
      messages += egress->messages - messages_before;
      least += heard;
    }
    harness_pump(h);
    harness_forget(h);
    (void)receivers(people, meeting, generations); /* who got something else meanwhile does not count */
  }
  printf("%-16s packets (most) %6llu, messages %6llu, least %6llu\n", meeting->name, (unsigned long long)packets,
         (unsigned long long)messages, (unsigned long long)least);
  harness_free(h);
}

static void count(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++)
    hold(&meetings[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(count)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
