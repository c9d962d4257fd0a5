/* The phases of a run in virtual time, with a crowd whose traffic is known: what is measured and what is not, what stands in the
 * way of a run and in which words, an interrupt, and samples. The counter of system calls is the test's: to close it takes 40 ms.
 * Covers: bench/load/run_samples.c bench/load/run_world.c */
#include "bench/load/run.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/load/run_internal.h"
#include "bench/load/syscall_counter.h"
#include "tests/bench/check.h"
#include "tests/bench/fake_crowd.h"
#include "tests/bench/virtual_loop.h"

static struct load_options o;
static struct run_result r;

static struct {
  bool is_refused;
  int64_t opened_us, counted_us;
} syscalls;

struct syscall_counter *syscall_counter_open(const struct server_snapshot *snapshot) {
  assert_true(snapshot->count > 0);
  syscalls.opened_us = virtual_loop_now_us;
  return syscalls.is_refused ? NULL : malloc(1);
}

uint64_t syscall_counter_read(const struct syscall_counter *c) {
  assert_non_null(c);
  syscalls.counted_us = virtual_loop_now_us - syscalls.opened_us;
  return 1000;
}

void syscall_counter_close(struct syscall_counter *c) {
  free(c);
  virtual_loop_now_us += 40000;
}

static int set_up(void **state) {
  (void)state;
  fake_crowd = (struct fake_crowd){.admitted = 10000};
  memset(&syscalls, 0, sizeof syscalls);
  o = (struct load_options){.scenario = SCENARIO_CONSULT,
                            .rooms = 2,
                            .members = 4,
                            .duration_s = 5,
                            .warmup_s = 2,
                            .join_rate = 50,
                            .video_bps = 1000,
                            .layers = 1,
                            .quiet = true,
                            .pin = -1,
                            .url = "http://127.0.0.1:8080"};
  return 0;
}

static double figure(const char *name) {
  const struct metric *m = metric_find(&r.metrics, name);
  assert_non_null(m);
  assert_true(m->known);
  return m->value;
}

static bool near(double a, double b, double by) {
  return a > b - by && a < b + by;
}

static void only_the_window_is_measured(void **state) {
  (void)state;
  fake_crowd.late_packets = 7;
  assert_null(run_load(&r, &o));
  assert_int_equal(fake_crowd.target_count, 1);
  assert_int_equal(fake_crowd.targets[0], 8);
  assert_int_equal(fake_crowd.stops, 1);
  assert_true(near(r.window.seconds, 5, 0.02));
  assert_true(
      near(figure("packets_per_second"), 8 * FAKE_PACKETS_PER_SECOND, 5)); /* not those of joining and warming up */
  assert_true(near(figure("latency_p50"), 1000, 20));
  assert_true(near(figure("loss"), 0, 1e-9)); /* what came while draining is not lost */
  assert_true(near(figure("participants"), 8, 0.1));
  assert_false(metric_find(&r.metrics, "cpu_us_per_packet")->known); /* no --pid */
  assert_false(metric_find(&r.metrics, "data_sent")->known);
  assert_string_equal(r.note, "");
}

static void there_is_a_sample_a_second(void **state) {
  (void)state;
  assert_null(run_load(&r, &o));
  assert_in_range(r.sample_count, 6, 9);
  for (size_t i = 2; i < r.sample_count; i++) {
    assert_true(r.samples[i].at_s > r.samples[i - 1].at_s);
    if (r.samples[i].at_s < 7) assert_true(near(r.samples[i].packets_per_second, 800, 60));
  }
  o.duration_s = 3000; /* more seconds than there is room for: every second one is dropped, the whole length is kept */
  assert_null(run_load(&r, &o));
  assert_true(r.sample_count <= RUN_SAMPLES_MAX);
  assert_true(r.samples[r.sample_count - 1].at_s > 2990);
  assert_true(r.samples[0].at_s < 3);
}

static void overload_shows_as_loss_and_latency(void **state) {
  (void)state;
  fake_crowd.capacity = 4;
  assert_null(run_load(&r, &o));
  assert_true(near(figure("loss"), 1, 0.1));
  assert_true(near(figure("p99"), 50000, 1000));
  assert_true(r.valid);
  fake_crowd.generator_late = true;
  assert_null(run_load(&r, &o));
  assert_false(r.valid); /* the same latency, but it is the generator's */
  assert_non_null(strstr(r.reasons[0], "left 49"));
}

static void some_who_fail_are_noted(void **state) {
  (void)state;
  fake_crowd.admitted = 6;
  fake_crowd.words = "join was refused: room_full";
  assert_null(run_load(&r, &o));
  assert_non_null(strstr(r.note, "2 of "));
  assert_non_null(strstr(r.note, "the first: join was refused: room_full"));
  assert_false(r.valid); /* it is another load */
  assert_string_equal(r.reasons[0], "only 6 of 8 participants were in: this is another load than was asked for");
  set_up(state);
  o.rooms = 200;
  fake_crowd.admitted = 795;
  fake_crowd.words = "Connection reset by peer";
  assert_null(run_load(&r, &o)); /* less than a hundredth of them */
  assert_true(r.valid);
  assert_non_null(strstr(r.note, "limits.connections_per_address"));
}

static void nobody_is_no_run(void **state) {
  (void)state;
  fake_crowd.admitted = 0;
  fake_crowd.words = "Connection refused";
  assert_non_null(
      strstr(run_load(&r, &o), "nobody got in at http://127.0.0.1:8080: Connection refused; nobody listens"));
  set_up(state);
  fake_crowd.admitted = 0; /* and no word of why */
  assert_non_null(strstr(run_load(&r, &o), "nobody got in"));
}

/* A Janus is a child of ours, and its threads wait for each other: three children with one core between them. */
static void waiting_of_children_is_not_the_generators(void **state) {
  (void)state;
  pid_t children[3];
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((unsigned)sched_getcpu(), &one);
  for (size_t i = 0; i < 3; i++) {
    if ((children[i] = fork())) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sched_setaffinity(0, sizeof one, &one);
    for (;;)
      ;
  }
  int64_t before_ns = run_wait_ns(), own_ns;
  uint64_t children_ns = 0;
  while (children_ns < 300000000) {
    children_ns = 0;
    for (size_t i = 0; i < 3; i++)
      children_ns += server_process_wait_ns(children[i]);
  }
  own_ns = run_wait_ns() - before_ns;
  for (size_t i = 0; i < 3; i++) {
    kill(children[i], SIGKILL);
    waitpid(children[i], NULL, 0);
  }
  assert_true(own_ns < (int64_t)children_ns);
}

static void an_interrupt_reports_what_there_is(void **state) {
  (void)state;
  fake_crowd.interrupt_at_us = VIRTUAL_LOOP_BEGIN_US + 5500000;
  assert_null(run_load(&r, &o));
  assert_false(r.valid);
  assert_true(r.interrupted);
  assert_non_null(strstr(r.reasons[0], "interrupted after 3 s"));
  assert_true(near(figure("packets_per_second"), 800, 10));
  set_up(state);
  fake_crowd.interrupt_at_us = VIRTUAL_LOOP_BEGIN_US + 1000000; /* warming up */
  assert_non_null(strstr(run_load(&r, &o), "interrupted before anything was measured"));
}

static void churn_is_on_while_it_is_measured(void **state) {
  (void)state;
  o.scenario = SCENARIO_CHURN;
  assert_null(run_load(&r, &o));
  assert_int_equal(fake_crowd.churns, 1);
}

static void a_local_server_is_accounted(void **state) {
  (void)state;
  o.pid = getpid();
  assert_null(run_load(&r, &o));
  assert_true(r.window.has_server);
  assert_true(figure("rss") > 100000 && figure("pss") > 0);
  o.pid = 4194304; /* none has this number */
  assert_string_equal(run_load(&r, &o), "--pid 4194304: there is no such process");
}

static void counting_system_calls_is_over_when_it_is_measured(void **state) {
  (void)state;
  static const double warmups_s[] = {2, 0.5};
  for (size_t i = 0; i < 2; i++) {
    o.pid = getpid();
    o.warmup_s = warmups_s[i];
    assert_null(run_load(&r, &o));
    assert_true(near((double)syscalls.counted_us / 1e6, warmups_s[i] / 2, 0.02));
    assert_true(near(figure("syscalls_per_packet"), 1000 / (800 * warmups_s[i] / 2), 0.1));
    assert_true(figure("lateness_max") < 1000);
    assert_true(figure("latency_max") < 2000);
  }
  syscalls.is_refused = true;
  assert_null(run_load(&r, &o));
  assert_false(metric_find(&r.metrics, "syscalls_per_packet")->known);
}

static void what_is_wrong_is_said_before_anything_begins(void **state) {
  (void)state;
  o.url = "https://127.0.0.1";
  assert_non_null(strstr(run_load(&r, &o), "--url https://127.0.0.1: TLS"));
  o.url = "http://192.0.2.1";
  assert_non_null(strstr(run_load(&r, &o), "give --secret-file"));
  o.url = "http://127.0.0.1:1";
  o.secret_file = "/nowhere/at/all";
  assert_non_null(strstr(run_load(&r, &o), "--secret-file /nowhere/at/all: "));
  o.secret_file = NULL;
  static const char *const media[] = {"here", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "name:4000"};
  for (size_t i = 0; i < sizeof media / sizeof *media; i++) {
    o.media = media[i];
    assert_non_null(strstr(run_load(&r, &o), "it must look like 127.0.0.1:40000"));
  }
  o.media = NULL;
  o.pin = 1023;
  assert_non_null(strstr(run_load(&r, &o), "--pin 1023: this machine has no such CPU for us"));
  o.pin = -1;
  o.count_syscalls = true;
  assert_string_equal(run_load(&r, &o), "--count-syscalls: whose? It needs --pid");
  assert_int_equal(fake_crowd.target_count, 0);
  o.pid = getpid(); /* counted where the machine lets us, else refused; never left out */
  assert_null(run_load(&r, &o));
  assert_true(near((double)syscalls.counted_us / 1e6, 5, 0.02));
  syscalls.is_refused = true;
  assert_non_null(strstr(run_load(&r, &o), "not possible here"));
}

/* In a process of its own: limits cannot be raised again. */
static void too_few_files_are_said_with_the_number(void **state) {
  (void)state;
  int status;
  pid_t child = fork();
  if (child == 0) {
    const struct rlimit few = {64, 64};
    if (setrlimit(RLIMIT_NOFILE, &few) || (geteuid() == 0 && setuid(65534))) _exit(3);
    o.rooms = 20;
    const char *why = run_load(&r, &o);
    _exit(why && strstr(why, "80 participants need 224 file descriptors") && strstr(why, "ulimit -n 224") ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void a_soft_limit_is_raised(void **state) {
  (void)state;
  struct rlimit before, now;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  now = before;
  now.rlim_cur = 70;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
  assert_null(run_load(&r, &o));
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
  assert_int_equal(now.rlim_cur, 2 * 8 + 64);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(only_the_window_is_measured),
      CASE(there_is_a_sample_a_second),
      CASE(overload_shows_as_loss_and_latency),
      CASE(some_who_fail_are_noted),
      CASE(nobody_is_no_run),
      CASE(an_interrupt_reports_what_there_is),
      CASE(waiting_of_children_is_not_the_generators),
      CASE(churn_is_on_while_it_is_measured),
      CASE(a_local_server_is_accounted),
      CASE(counting_system_calls_is_over_when_it_is_measured),
      CASE(what_is_wrong_is_said_before_anything_begins),
      CASE(too_few_files_are_said_with_the_number),
      CASE(a_soft_limit_is_raised),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
