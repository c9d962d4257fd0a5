/* Who speaks: changes at sentences, not at coughs; the ranking of a large room. */
#include "rtp/speaker_detector.h"

#include "tests/rtp/stream_fixture.h"

static int64_t now;

/* Everybody sends 20 ms packets for `ms`; member `loud` at `dbov`, the others silent. Returns how often the speaker changed. */
static int talk(struct speaker_detector *d, uint32_t members, uint32_t loud, uint8_t dbov, int ms) {
  int changes = 0;
  for (int t = 0; t < ms; t += 20, now += 20000) {
    for (uint32_t i = 0; i < members; i++) {
      speaker_detector_level(d, i, i == loud ? dbov : 127, i == loud, now);
    }
    uint32_t before = speaker_detector_active(d);
    if (now % SPEAKER_UPDATE_US == 0) {
      bool changed = speaker_detector_update(d, now);
      if (speaker_detector_active(d) != before) {
        assert_true(changed);
        changes++;
      }
    }
  }
  return changes;
}

static struct speaker_detector *room(uint32_t members) {
  struct speaker_detector *d;
  now = 1000000;
  assert_int_equal(speaker_detector_create(&d, members), 0);
  for (uint32_t i = 0; i < members; i++)
    assert_int_equal(speaker_detector_add(d), i);
  return d;
}

static void the_speaker_follows_the_conversation(void **state) {
  (void)state;
  struct speaker_detector *d = room(3);
  assert_int_equal(speaker_detector_active(d), SPEAKER_NONE);
  talk(d, 3, 99, 0, 1000);
  assert_int_equal(speaker_detector_active(d), SPEAKER_NONE);
  talk(d, 3, 1, 30, 1000);
  assert_int_equal(speaker_detector_active(d), 1);
  talk(d, 3, 99, 0, 3000); /* silence: the last one stays */
  assert_int_equal(speaker_detector_active(d), 1);
  talk(d, 3, 2, 35, 2000);
  assert_int_equal(speaker_detector_active(d), 2);
  speaker_detector_free(d);
}

static void a_short_interjection_changes_nothing(void **state) {
  (void)state;
  struct speaker_detector *d = room(2);
  talk(d, 2, 0, 30, 5000);
  assert_int_equal(talk(d, 2, 1, 30, 300), 0); /* "mhm" */
  assert_int_equal(talk(d, 2, 0, 30, 2000), 0);
  assert_int_equal(speaker_detector_active(d), 0);
  speaker_detector_free(d);
}

static void noise_without_voice_is_no_speech(void **state) {
  (void)state;
  struct speaker_detector *d = room(2);
  speaker_detector_level(d, 0, 30, true, now); /* fills in the V bit */
  for (int i = 0; i < 200; i++, now += 20000) {
    speaker_detector_level(d, 0, 20, false, now);
    speaker_detector_update(d, now);
  }
  assert_int_equal(speaker_detector_active(d), SPEAKER_NONE);
  for (int i = 0; i < 200; i++, now += 20000) { /* never sets it: after a second its levels are believed */
    speaker_detector_level(d, 1, 30, false, now);
    speaker_detector_update(d, now);
  }
  assert_int_equal(speaker_detector_active(d), 1);
  speaker_detector_free(d);
}

static void the_ranking_is_loudest_first_and_does_not_flicker(void **state) {
  (void)state;
  struct speaker_detector *d = room(20);
  struct speaker_rank ranks[20];
  for (int t = 0; t < 100; t++, now += 20000) {
    for (uint32_t i = 0; i < 20; i++)
      speaker_detector_level(d, i, (uint8_t)(20 + i * 3), true, now);
  }
  speaker_detector_update(d, now);
  assert_int_equal(speaker_detector_loudest(d, ranks, 20), 20);
  for (uint32_t i = 0; i < 17; i++)
    assert_int_equal(ranks[i].member, i);
  assert_true(ranks[0].level > ranks[5].level);
  assert_true(ranks[0].speaking);
  assert_false(ranks[19].speaking);
  uint32_t forwarded[1] = {1};
  speaker_detector_set_forwarded(d, forwarded, 1); /* 3 dB behind the first, but it is on air */
  speaker_detector_update(d, now);
  assert_int_equal(speaker_detector_loudest(d, ranks, 1), 1);
  assert_int_equal(ranks[0].member, 1);
  speaker_detector_remove(d, 1);
  assert_int_equal(speaker_detector_loudest(d, ranks, 20), 19);
  assert_int_equal(ranks[0].member, 0);
  assert_int_equal(speaker_detector_add(d), 1); /* the number is free again */
  assert_int_equal(speaker_detector_add(d), SPEAKER_NONE);
  speaker_detector_free(d);
}

static void a_microphone_that_stops_sending_is_silent(void **state) {
  (void)state;
  struct speaker_detector *d = room(2);
  struct speaker_rank ranks[2];
  talk(d, 2, 0, 30, 2000);
  now += 1000000;
  assert_true(speaker_detector_update(d, now)); /* its speaking ended */
  speaker_detector_loudest(d, ranks, 2);
  assert_int_equal(ranks[0].member, 0); /* spoke most recently */
  assert_int_equal(ranks[0].level, 0);
  assert_false(speaker_detector_update(d, now + 200000));
  speaker_detector_level(d, 7, 0, true, now); /* unknown members */
  speaker_detector_mute(d, 7);
  speaker_detector_mute(d, 0);
  speaker_detector_remove(d, 0);
  assert_int_equal(speaker_detector_active(d), SPEAKER_NONE);
  speaker_detector_free(d);
  assert_int_equal(speaker_detector_create(&d, 0), -1);
  assert_int_equal(speaker_detector_create(&d, 100000), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_speaker_follows_the_conversation),
                                     cmocka_unit_test(a_short_interjection_changes_nothing),
                                     cmocka_unit_test(noise_without_voice_is_no_speech),
                                     cmocka_unit_test(the_ranking_is_loudest_first_and_does_not_flicker),
                                     cmocka_unit_test(a_microphone_that_stops_sending_is_silent)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
