/* tests/bench/emulator_test.c: the link emulator without a clock: rate, delay, loss, outages, and that a seed repeats itself. */
#include "bench/link/emulator.h"

#include <string.h>

#include "tests/bench/check.h"

#define SECOND INT64_C(1000000)

struct end {
  size_t count[2], bytes[2];
  int64_t now_us, first_us, last_us;
  uint64_t hash;
};

static void deliver(void *arg, enum wan_direction d, const uint8_t *packet, size_t len) {
  struct end *end = arg;
  end->count[d]++;
  end->bytes[d] += len;
  if (!end->first_us) end->first_us = end->now_us;
  end->last_us = end->now_us;
  end->hash = end->hash * 31 + packet[1] + (uint64_t)end->now_us;
}

/* `packets` of 1000 bytes down, one every `every_us`; then two quiet seconds. */
static struct end play(const char *profile, uint64_t seed, int packets, int64_t every_us, int64_t from_us) {
  struct end end = {.now_us = from_us};
  struct emulator *e = emulator_create(wan_profile_find(profile), seed, deliver, &end, from_us);
  assert_non_null(e);
  uint8_t packet[1000] = {0x45};
  int64_t until_us = from_us + packets * every_us + 2 * SECOND;
  for (int sent = 0; end.now_us < until_us; end.now_us += 1000) {
    emulator_advance(e, end.now_us);
    for (; sent < packets && from_us + sent * every_us <= end.now_us; sent++) {
      packet[1] = (uint8_t)sent;
      emulator_send(e, WAN_DOWN, packet, sizeof packet, end.now_us);
    }
  }
  assert_int_equal(emulator_deadline(e), INT64_MAX);
  emulator_free(e);
  return end;
}

static void a_clean_link_delays_and_nothing_else(void **state) {
  (void)state;
  struct end end = play("clean", 1, 1000, 2000, 5 * SECOND);
  assert_int_equal(end.count[WAN_DOWN], 1000);
  assert_int_equal(end.count[WAN_UP], 0);
  assert_in_range(end.first_us - 5 * SECOND, 10000, 13000);
}

static void a_bottleneck_lets_its_rate_through(void **state) {
  (void)state;
  struct end end = play("rate780", 1, 5000, 2000, SECOND);       /* 4 Mbit/s for ten seconds */
  assert_in_range(end.bytes[WAN_DOWN] * 8 / 10, 760000, 830000); /* and what was in the queue at the end */
  assert_true(end.last_us - 11 * SECOND <= 350000);              /* 300 ms of queue, and the way */
}

static void loss_is_what_it_says(void **state) {
  (void)state;
  assert_in_range(play("loss10", 3, 20000, 1000, SECOND).count[WAN_DOWN], 17800, 18200);
  assert_in_range(play("loss30", 3, 20000, 1000, SECOND).count[WAN_DOWN], 13700, 14300);
}

static void a_seed_repeats_itself(void **state) {
  (void)state;
  struct end one = play("lte", 7, 5000, 2000, SECOND), same = play("lte", 7, 5000, 2000, SECOND);
  struct end other = play("lte", 8, 5000, 2000, SECOND);
  assert_int_equal(one.hash, same.hash);
  assert_int_not_equal(one.hash, other.hash);
}

static void steps_count_from_where_they_are_started(void **state) {
  (void)state;
  struct end end = {.now_us = SECOND};
  struct emulator *e = emulator_create(wan_profile_find("blackout3s"), 1, deliver, &end, SECOND);
  uint8_t packet[1000] = {0x45};
  size_t at_start = 0, at_outage = 0, at_end = 0;
  for (int64_t ms = 0; ms < 60000; ms++, end.now_us += 1000) {
    emulator_advance(e, end.now_us);
    if (ms == 10000) emulator_restart_steps(e, end.now_us);
    if (ms % 10 == 0) emulator_send(e, WAN_DOWN, packet, sizeof packet, end.now_us);
    if (ms == 25100) at_start = end.count[WAN_DOWN];
    if (ms == 27990) at_outage = end.count[WAN_DOWN];
    if (ms == 29100) at_end = end.count[WAN_DOWN];
  }
  assert_in_range(at_start, 2495, 2510);
  assert_int_equal(at_outage, at_start);
  assert_in_range(at_end - at_outage, 100, 115);
  struct emulator_stats stats;
  emulator_get_stats(e, WAN_DOWN, &stats);
  assert_int_equal(stats.overflowed, 300);
  assert_int_equal(stats.entered, 6000);
  emulator_free(e);
}

/* A packet half sent when the outage begins, with steps started at any microsecond. */
static void every_outage_ends(void **state) {
  (void)state;
  for (int64_t odd = 0; odd < 300; odd++) {
    struct end end = {.now_us = SECOND};
    struct emulator *e = emulator_create(wan_profile_find("blackout3s"), 1, deliver, &end, SECOND);
    uint8_t packet[1500] = {0x45};
    int64_t begin_us = SECOND + 3000000 + odd * 7919;
    emulator_restart_steps(e, begin_us);
    for (end.now_us = begin_us + 14990000; end.now_us < begin_us + 15010000; end.now_us += 1000)
      emulator_send(e, WAN_DOWN, packet, sizeof packet, end.now_us);
    end.now_us = begin_us + 18500000;
    emulator_advance(e, end.now_us);
    size_t before = end.count[WAN_DOWN];
    emulator_send(e, WAN_DOWN, packet, sizeof packet, end.now_us);
    end.now_us += SECOND;
    emulator_advance(e, end.now_us);
    assert_int_equal(end.count[WAN_DOWN], before + 1);
    emulator_free(e);
  }
}

static void a_calm_link_loses_nothing_until_it_begins(void **state) {
  (void)state;
  struct end end = {.now_us = SECOND};
  struct emulator *e = emulator_create(wan_profile_find("loss30"), 3, deliver, &end, SECOND);
  uint8_t packet[1000] = {0x45};
  size_t calm = 0;
  emulator_calm(e);
  for (int ms = 0; ms < 20200; ms++, end.now_us += 1000) {
    emulator_advance(e, end.now_us);
    if (ms == 10000) {
      calm = end.count[WAN_DOWN];
      emulator_restart_steps(e, end.now_us);
    }
    if (ms < 20000) emulator_send(e, WAN_DOWN, packet, sizeof packet, end.now_us);
  }
  assert_in_range(calm, 9930, 9960); /* 50 ms are under way */
  assert_in_range(end.count[WAN_DOWN] - calm, 6800, 7200);
  emulator_free(e);
}

/* Four seconds of more than the link carries, bytes by second; the queue is empty before. */
static void flood(struct emulator *e, struct end *end, size_t bytes[4]) {
  uint8_t packet[1000] = {0x45};
  for (int ms = 0; ms < 4000; ms++, end->now_us += 1000) {
    if (ms % 1000 == 0) bytes[ms / 1000] = end->bytes[WAN_DOWN];
    emulator_advance(e, end->now_us);
    if (ms % 4 == 0) emulator_send(e, WAN_DOWN, packet, sizeof packet, end->now_us);
    if (ms % 1000 == 999) bytes[ms / 1000] = end->bytes[WAN_DOWN] - bytes[ms / 1000];
  }
}

/* Two systems, one after the other, must meet the same cell. */
static void a_trace_begins_again_with_the_steps(void **state) {
  (void)state;
  struct end end = {.now_us = SECOND};
  struct emulator *e = emulator_create(wan_profile_find("3g"), 4, deliver, &end, SECOND);
  size_t first[4], later[4], again[4];
  emulator_restart_steps(e, end.now_us);
  flood(e, &end, first);
  end.now_us += 7 * SECOND + 123;
  emulator_advance(e, end.now_us);
  flood(e, &end, later);
  end.now_us += 5 * SECOND;
  emulator_advance(e, end.now_us);
  emulator_restart_steps(e, end.now_us);
  flood(e, &end, again);
  bool differs = false;
  for (int i = 0; i < 4; i++) {
    assert_in_range(again[i] + 3000, first[i], first[i] + 6000); /* but for the jitter */
    differs |= later[i] > first[i] + 3000 || later[i] + 3000 < first[i];
  }
  assert_true(differs);
  emulator_free(e);
}

static void every_profile_works_both_ways(void **state) {
  (void)state;
  const struct wan_profile *p;
  for (size_t i = 0; (p = wan_profile_at(i)); i++) {
    assert_ptr_equal(wan_profile_find(p->name), p);
    struct end end = {.now_us = SECOND};
    struct emulator *e = emulator_create(p, 5, deliver, &end, SECOND);
    uint8_t packet[1600] = {0x45}, large[1601] = {0x45};
    for (int ms = 0; ms < 5000; ms++, end.now_us += 1000) {
      emulator_advance(e, end.now_us);
      if (ms < 3000 && ms % 50 == 0) emulator_send(e, (enum wan_direction)(ms / 50 % 2), packet, 1500, end.now_us);
    }
    emulator_send(e, WAN_UP, large, sizeof large, end.now_us);
    assert_in_range(end.count[WAN_DOWN], 10, 30);
    assert_in_range(end.count[WAN_UP], 10, 30);
    emulator_free(e);
  }
  assert_null(wan_profile_find("perfect"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clean_link_delays_and_nothing_else),
      cmocka_unit_test(a_bottleneck_lets_its_rate_through),
      cmocka_unit_test(loss_is_what_it_says),
      cmocka_unit_test(a_seed_repeats_itself),
      cmocka_unit_test(steps_count_from_where_they_are_started),
      cmocka_unit_test(every_outage_ends),
      cmocka_unit_test(a_calm_link_loses_nothing_until_it_begins),
      cmocka_unit_test(a_trace_begins_again_with_the_steps),
      cmocka_unit_test(every_profile_works_both_ways),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
