/* server/gateway/room_directory.c: placement, stickiness, a worker's death, caps. */
#include "tests/server/check.h"

#include "server/gateway/room_directory.h"

static struct room_directory *make(size_t workers, size_t rooms) {
  struct room_directory *d = NULL;
  assert_int_equal(room_directory_create(&d, workers, rooms), 0);
  for (size_t i = 0; i < workers; i++)
    room_directory_worker_up(d, i);
  return d;
}

static void test_fewest_sessions_wins_and_rooms_stay(void **state) {
  (void)state;
  struct room_directory *d = make(3, 100);
  assert_int_equal(room_directory_place(d, "a"), 0);
  room_directory_session_added(d, "a");
  assert_int_equal(room_directory_place(d, "b"), 1);
  room_directory_session_added(d, "b");
  assert_int_equal(room_directory_place(d, "c"), 2);
  for (int i = 0; i < 5; i++)
    room_directory_session_added(d, "c");
  assert_int_equal(room_directory_place(d, "a"), 0); /* sticky */
  room_directory_session_added(d, "a");
  assert_int_equal(room_directory_place(d, "d"), 1); /* one session only */
  for (int i = 0; i < 5; i++)
    room_directory_session_removed(d, "c", 1);
  assert_int_equal(room_directory_place(d, "e"), 2);
  room_directory_session_removed(d, "c", 1); /* one too many: ignored */
  assert_int_equal(room_directory_find(d, "nothing"), -1);
  room_directory_free(d);
}

static void test_a_dead_worker_forgets(void **state) {
  (void)state;
  struct room_directory *d = make(2, 100);
  assert_int_equal(room_directory_place(d, "a"), 0);
  room_directory_session_added(d, "a");
  room_directory_worker_down(d, 0);
  assert_int_equal(room_directory_find(d, "a"), -1);
  assert_int_equal(room_directory_place(d, "a"), 1);
  room_directory_worker_down(d, 1);
  assert_int_equal(room_directory_place(d, "a"), ROOM_DIRECTORY_NO_WORKER);
  room_directory_worker_up(d, 0);
  assert_int_equal(room_directory_learn(d, "z", 0), 0);
  assert_int_equal(room_directory_learn(d, "z", 1), 0); /* the first one to say so keeps it */
  assert_int_equal(room_directory_find(d, "z"), 0);
  room_directory_free(d);
}

static void test_empty_rooms_linger_then_go(void **state) {
  (void)state;
  struct room_directory *d = make(1, 100);
  room_directory_place(d, "a");
  room_directory_session_added(d, "a");
  room_directory_learn(d, "told", 0);
  room_directory_expire(d, 1000, 500);
  assert_int_equal(room_directory_count(d), 2); /* one is in use, the clock of the other starts now */
  room_directory_session_removed(d, "a", 1200);
  room_directory_expire(d, 1500, 500);
  assert_int_equal(room_directory_count(d), 2);
  room_directory_expire(d, 1501, 500);
  assert_int_equal(room_directory_find(d, "told"), -1);
  assert_int_equal(room_directory_find(d, "a"), 0);
  room_directory_expire(d, 1701, 500);
  assert_int_equal(room_directory_count(d), 0);
  room_directory_free(d);
  room_directory_free(NULL);
}

static void test_cap(void **state) {
  (void)state;
  struct room_directory *d = make(1, 2);
  assert_int_equal(room_directory_place(d, "a"), 0);
  assert_int_equal(room_directory_place(d, "b"), 0);
  assert_int_equal(room_directory_place(d, "c"), ROOM_DIRECTORY_FULL);
  assert_int_equal(room_directory_place(d, "a"), 0);
  room_directory_set_rooms_max(d, 3);
  assert_int_equal(room_directory_place(d, "c"), 0);
  room_directory_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fewest_sessions_wins_and_rooms_stay),
                                     cmocka_unit_test(test_a_dead_worker_forgets),
                                     cmocka_unit_test(test_empty_rooms_linger_then_go), cmocka_unit_test(test_cap)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
