/* tests/ice/sctp_stack_test.c: one stack a process, deadlines, ids that die with their association, names, the cap. */
#include "tests/ice/sctp_fixture.h"

static void ignore_packet(const uint8_t *data, size_t len, void *arg) {
  (void)data;
  (void)len;
  (void)arg;
}

static const struct sctp_association_listener silent = {.send_packet = ignore_packet};
static const struct sctp_association_config plain;

static void there_is_one_at_a_time_and_it_can_come_again(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct sctp_stack *stack = NULL, *second = NULL;
    assert_int_equal(sctp_stack_create(&stack), SCTP_OK);
    assert_int_equal(sctp_stack_create(&second), SCTP_BAD_ARGUMENT);
    assert_null(second);
    sctp_stack_free(stack);
  }
  sctp_stack_free(NULL);
}

static void is_due_every_tick_while_an_association_lives(void **state) {
  (void)state;
  struct sctp_stack *stack;
  struct sctp_association *a;
  assert_int_equal(sctp_stack_create(&stack), SCTP_OK);
  assert_true(sctp_stack_deadline(stack) == INT64_MAX);
  assert_int_equal(sctp_association_create(&a, stack, &plain, &silent), SCTP_OK);
  assert_int_equal(sctp_stack_deadline(stack), 0);
  sctp_stack_tick(stack, 5000000);
  assert_int_equal(sctp_stack_deadline(stack), 5000000 + SCTP_TICK_US);
  sctp_stack_tick(stack, 5010999); /* the rest below a millisecond is not lost */
  assert_int_equal(sctp_stack_deadline(stack), 5010000 + SCTP_TICK_US);
  sctp_stack_tick(stack, 4000000); /* time does not go back */
  assert_int_equal(sctp_stack_deadline(stack), 5010000 + SCTP_TICK_US);
  sctp_association_free(a);
  assert_true(sctp_stack_deadline(stack) == INT64_MAX);
  sctp_stack_free(stack);
}

static void ids_are_not_used_again_at_once(void **state) {
  (void)state;
  struct sctp_stack *stack;
  struct sctp_association *a;
  assert_int_equal(sctp_stack_create(&stack), SCTP_OK);
  assert_int_equal(sctp_association_create(&a, stack, &plain, &silent), SCTP_OK);
  uintptr_t id = a->id;
  assert_ptr_equal(sctp_stack_find(stack, id), a);
  assert_int_not_equal(id, (uintptr_t)a);
  sctp_association_free(a);
  assert_null(sctp_stack_find(stack, id));
  for (int i = 0; i < 5000; i++) {
    assert_int_equal(sctp_association_create(&a, stack, &plain, &silent), SCTP_OK);
    assert_int_not_equal(a->id, id);
    assert_null(sctp_stack_find(stack, id));
    sctp_association_free(a);
  }
  sctp_stack_free(stack);
}

static void caps_associations(void **state) {
  (void)state;
  static struct sctp_association *all[SCTP_MAX_ASSOCIATIONS];
  struct sctp_stack *stack;
  struct sctp_association *more = NULL;
  assert_int_equal(sctp_stack_create(&stack), SCTP_OK);
  for (size_t i = 0; i < SCTP_MAX_ASSOCIATIONS; i++)
    assert_int_equal(sctp_association_create(&all[i], stack, &plain, &silent), SCTP_OK);
  assert_int_equal(sctp_association_create(&more, stack, &plain, &silent), SCTP_NO_MEMORY);
  assert_null(more);
  for (size_t i = 0; i < SCTP_MAX_ASSOCIATIONS; i++)
    sctp_association_free(all[i]);
  assert_int_equal(stack->count, 0);
  sctp_stack_free(stack);
}

static void refuses_a_listener_that_cannot_send(void **state) {
  (void)state;
  struct sctp_stack *stack;
  struct sctp_association *a = NULL;
  const struct sctp_association_listener mute = {0};
  assert_int_equal(sctp_stack_create(&stack), SCTP_OK);
  assert_int_equal(sctp_association_create(&a, stack, &plain, &mute), SCTP_BAD_ARGUMENT);
  assert_null(a);
  sctp_stack_free(stack);
}

static void everything_has_its_own_name(void **state) {
  (void)state;
  for (int a = 0; a >= SCTP_LIBRARY_ERROR; a--) {
    assert_string_not_equal(sctp_result_name(a), "unknown");
    for (int b = 0; b > a; b--)
      assert_string_not_equal(sctp_result_name(a), sctp_result_name(b));
  }
  assert_string_equal(sctp_result_name(SCTP_QUEUE_FULL), "queue_full");
  assert_string_equal(sctp_result_name(SCTP_LIBRARY_ERROR), "library_error");
  assert_string_equal(sctp_result_name(1), "unknown");
  assert_string_equal(sctp_result_name(SCTP_LIBRARY_ERROR - 1), "unknown");
  for (int a = 0; a < SCTP_DROP_COUNT; a++) {
    assert_non_null(sctp_drop_name((enum sctp_drop)a));
    for (int b = 0; b < a; b++)
      assert_string_not_equal(sctp_drop_name((enum sctp_drop)a), sctp_drop_name((enum sctp_drop)b));
  }
  assert_string_equal(sctp_drop_name(SCTP_DROP_COUNT), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_one_at_a_time_and_it_can_come_again),
                                     cmocka_unit_test(is_due_every_tick_while_an_association_lives),
                                     cmocka_unit_test(ids_are_not_used_again_at_once),
                                     cmocka_unit_test(caps_associations),
                                     cmocka_unit_test(refuses_a_listener_that_cannot_send),
                                     cmocka_unit_test(everything_has_its_own_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
