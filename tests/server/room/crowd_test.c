/* tests/server/room/crowd_test.c: what a member costs does not depend on how many others there are: it has as many voices and pictures,
 * and hears as much of the room, among a hundred as among ten. Counted, not timed. */
#include <stdlib.h>
#include <string.h>

#include "tests/server/room/harness.h"

#define AUDIO_SLOTS     10
#define VIDEO_SLOTS     9
#define TURNS           12
/* Names are as long; the list of speakers and the places of slots are what they are. */
#define ROOM_FOR_CHANCE 110 /* percent */

struct cost {
  size_t voices, pictures; /* slots in use */
  size_t events, bytes;    /* told to one member while people talk */
  double orders;           /* to the media engine, per member */
};

static size_t bytes_of(const struct seat *s) {
  char *text = json_dumps(s->events, JSON_COMPACT);
  const size_t len = strlen(text);
  free(text);
  return len;
}

static void a_large_room(struct room_settings *settings) {
  settings->max_participants = SEATS;
}

static bool is_on_stage(const struct harness *h, uint32_t handle) {
  const struct track *t;
  HASH_FIND(hh, h->m->tracks, &handle, sizeof handle, t);
  return t->on_stage;
}

static struct cost talk(size_t count) {
  struct harness *h = harness_new_with(20261122, a_large_room);
  uint32_t mics[SEATS];
  for (size_t i = 0; i < count; i++) {
    struct seat *s = harness_connect(h, i, "doctor", AUDIO_SLOTS, VIDEO_SLOTS);
    mics[i] = room_manager_find_track(h->m, harness_publish(h, s, "mic", "microphone"));
    harness_publish(h, s, "cam", "camera");
  }
  harness_advance(h, 5 * SECOND);
  harness_forget(h);
  struct cost cost = {0};
  const struct seat *one = &h->seats[0];
  for (size_t turn = 0, who = 0; turn < TURNS; turn++) {
    do /* somebody who has not been heard lately */
      who = (who + 1) % count;
    while (who == 0 || is_on_stage(h, mics[who]));
    harness_speak(h, &mics[who], 1, 2 * SECOND);
    cost.events += json_array_size(one->events);
    cost.bytes += bytes_of(one);
    cost.orders += (double)h->assigns / (double)count;
    harness_forget(h);
  }
  const struct member *member = harness_member(h, one);
  for (size_t i = 0; i < member->slot_count; i++) {
    const struct track *track = member->slots[i].track;
    if (track && track->kind == ROOM_AUDIO) cost.voices++;
    if (track && track->kind == ROOM_VIDEO) cost.pictures++;
  }
  harness_free(h);
  return cost;
}

static void a_member_costs_the_same_among_ten_and_a_hundred(void **state) {
  (void)state;
  const size_t sizes[] = {10, 30, 100};
  struct cost costs[3];
  for (size_t i = 0; i < 3; i++) {
    const struct cost *c = &costs[i];
    costs[i] = talk(sizes[i]);
    print_message("%zu: %zu events, %zu bytes, %.1f orders\n", sizes[i], c->events, c->bytes, c->orders);
    assert_int_equal(c->voices, 8);
    assert_int_equal(c->pictures, VIDEO_SLOTS);
    /* Who begins to speak takes a voice's place and a picture's: two events, two orders. Of ten many are there already. */
    assert_true(c->orders <= TURNS * 2.1);
    assert_true(c->events <= TURNS * 2);
  }
  assert_true(costs[2].bytes * 100 <= costs[1].bytes * ROOM_FOR_CHANCE);
  assert_true(costs[2].bytes <= costs[0].bytes * 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_member_costs_the_same_among_ten_and_a_hundred)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
