/* The line of live figures: what is in it, and that only a terminal sees it, within its width. */
#include "bench/load/progress.h"

#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/check.h"

static const struct run_sample sample = {.packets_per_second = 12345,
                                         .bits_per_second = 98.7e6,
                                         .loss_percent = 0.02,
                                         .latency_p99_us = 1234,
                                         .server_cpu_percent = 41,
                                         .generator_cpu_percent = 17};

static unsigned count_of(const char *text, const char *what) {
  unsigned count = 0;
  for (; (text = strstr(text, what)); text += strlen(what))
    count++;
  return count;
}

static void the_line_has_phase_bar_and_people(void **state) {
  (void)state;
  char text[512];
  struct progress p = {"joining", 0.25, 3, 12, NULL};
  progress_line(text, sizeof text, &p, 0);
  assert_non_null(strstr(text, "joining"));
  assert_int_equal(count_of(text, "█"), 5);
  assert_int_equal(count_of(text, "·"), 15);
  assert_non_null(strstr(text, " 25 %  3/12 in"));
  assert_null(strstr(text, "loss"));
  p.fraction = 7; /* a clock that jumped */
  assert_int_equal(count_of(progress_line(text, sizeof text, &p, 0), "█"), 20);
  p.fraction = -1;
  assert_int_equal(count_of(progress_line(text, sizeof text, &p, 0), "█"), 0);
}

static void the_line_has_the_last_seconds_figures(void **state) {
  (void)state;
  char text[512], small[20];
  struct progress p = {"measuring", 0.5, 12, 12, &sample};
  struct run_sample without = sample;
  progress_line(text, sizeof text, &p, 0);
  assert_non_null(strstr(text, "12.3 k/s  98.7 Mbit/s  loss 0.020 %  p99 1.23 ms  server 41 %  self 17 %"));
  without.server_cpu_percent = 0; /* no --pid */
  p.last = &without;
  assert_null(strstr(progress_line(text, sizeof text, &p, 0), "server"));
  progress_line(small, sizeof small, &p, 0); /* cut, not overrun */
  assert_int_equal(strlen(small), sizeof small - 1);
}

static unsigned columns_of(const char *text) {
  unsigned columns = 0;
  for (; *text; text++)
    columns += ((unsigned char)*text & 0xc0) != 0x80;
  return columns;
}

static void the_bar_gives_way_to_the_figures(void **state) {
  (void)state;
  char text[512];
  struct progress p = {"measuring", 0.5, 12, 12, &sample};
  unsigned whole = columns_of(progress_line(text, sizeof text, &p, 0));
  progress_line(text, sizeof text, &p, whole - 8);
  assert_int_equal(count_of(text, "█"), 6);
  assert_int_equal(count_of(text, "·"), 6);
  assert_non_null(strstr(text, "self 17 %"));
  assert_int_equal(columns_of(text), whole - 8);
  progress_line(text, sizeof text, &p, 30); /* what does not fit is cut off at the end */
  assert_int_equal(count_of(text, "█") + count_of(text, "·"), 4);
}

static void a_file_gets_nothing(void **state) {
  (void)state;
  FILE *f = tmpfile();
  progress_show(f, &(struct progress){"joining", 0.5, 1, 2, NULL});
  progress_clear(f);
  assert_int_equal(ftell(f), 0);
  fclose(f);
}

static void a_terminal_gets_one_line_of_its_width(void **state) {
  (void)state;
  int master, slave;
  char got[1024] = "";
  const struct winsize size = {.ws_row = 24, .ws_col = 40};
  assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
  FILE *f = fdopen(slave, "w");
  progress_show(f, &(struct progress){"measuring", 1, 12, 12, &sample});
  ssize_t len = read(master, got, sizeof got - 1);
  assert_true(len > 0);
  assert_memory_equal(got, "\r\033[K", 4); /* over the last one */
  unsigned columns = 0;
  for (const char *c = got + 4; *c; c++)
    columns += ((unsigned char)*c & 0xc0) != 0x80;
  assert_int_equal(columns, 39);
  assert_null(strchr(got + 4, '\n'));
  progress_clear(f);
  progress_clear(f); /* once is enough */
  assert_int_equal(read(master, got, sizeof got), 4);
  fclose(f);
  close(master);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_line_has_phase_bar_and_people),     cmocka_unit_test(the_line_has_the_last_seconds_figures),
      cmocka_unit_test(the_bar_gives_way_to_the_figures),      cmocka_unit_test(a_file_gets_nothing),
      cmocka_unit_test(a_terminal_gets_one_line_of_its_width),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
