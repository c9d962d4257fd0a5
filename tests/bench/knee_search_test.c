/* Every knee is found, within the precision, in few steps, and single failures do not mislead. */
#include "bench/load/knee_search.h"

#include "tests/bench/check.h"

static unsigned search(unsigned knee, unsigned start, unsigned limit, unsigned *steps) {
  struct knee_search k;
  *steps = 0;
  knee_search_init(&k, start, limit);
  for (unsigned load; (load = knee_search_next(&k)) != 0;) {
    assert_true(load <= limit);
    assert_true(++*steps < 100);
    knee_search_report(&k, load <= knee);
  }
  return k.good;
}

static void finds_every_knee(void **state) {
  (void)state;
  for (unsigned knee = 0; knee <= 400; knee++) {
    unsigned steps, found = search(knee, 4, 1000, &steps);
    assert_true(found <= knee);
    assert_true(knee - found <= 1 + knee / 20);
    assert_true(steps <= 40);
  }
}

static void stops_at_the_limit(void **state) {
  (void)state;
  unsigned steps;
  assert_int_equal(search(5000, 4, 100, &steps), 100);
  assert_int_equal(search(5000, 400, 100, &steps), 100);
  assert_int_equal(steps, 1);
}

static void one_failure_is_not_believed(void **state) {
  (void)state;
  struct knee_search k;
  knee_search_init(&k, 10, 1000);
  knee_search_report(&k, false);
  assert_int_equal(knee_search_next(&k), 10); /* once more */
  knee_search_report(&k, true);
  assert_int_equal(k.good, 10);
  assert_int_equal(knee_search_next(&k), 15);
  knee_search_report(&k, false);
  knee_search_report(&k, false);
  assert_int_equal(k.bad, 15);
  assert_int_equal(knee_search_next(&k), 12);
}

static void even_the_first_may_be_too_much(void **state) {
  (void)state;
  struct knee_search k;
  knee_search_init(&k, 0, 0);
  assert_int_equal(knee_search_next(&k), 1);
  knee_search_report(&k, false);
  knee_search_report(&k, false);
  assert_int_equal(knee_search_next(&k), 0);
  assert_int_equal(k.good, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_every_knee),
      cmocka_unit_test(stops_at_the_limit),
      cmocka_unit_test(one_failure_is_not_believed),
      cmocka_unit_test(even_the_first_may_be_too_much),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
