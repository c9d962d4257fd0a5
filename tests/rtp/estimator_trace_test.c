/* Golden traces: what was sent and the feedback that came back, byte for byte (tests/rtp/traces/NAME.trace, made by make.py), through
 * the parser, the history of what was sent and the estimator; the estimate at the end of each second is in traces/expected.txt.
 *
 *   rtp_estimator_trace_test           compares; 5 % and 3 kbit/s either way
 *   rtp_estimator_trace_test --write   writes expected.txt anew
 *
 * Write it anew only when a change of the estimator is meant to move these figures, and say in that commit which moved and why. The
 * traces' own claims (h lines: what must hold in any case) are not changed with it. What is sent here is fixed, whatever the estimate
 * says; loops that follow it are in bandwidth_estimator_test.c and tests/sim. */
#include "rtp/bandwidth_estimator.h"
#include "rtp/transport_feedback.h"
#include "tests/rtp/rtcp_packets.h"

#define SECONDS    32
#define CLAIMS     8
#define TICK_US    50000 /* the estimator is looked at so often between the lines */
#define LINE_BYTES 4096
#define EXPECTED   TRACES "/expected.txt"

static const char *const names[] = {"steady", "start", "ramp", "drop", "loss", "policer", "wifi", "blackout", "clocks"};

struct claim {
  double from_s, to_s, least_kbps, most_kbps;
};

struct replay {
  const char *name;
  struct bandwidth_estimator e;
  struct transport_send_history history;
  int64_t now_us, begin_us;
  uint16_t tag; /* of the cluster that runs; 0: none */
  struct claim claims[CLAIMS];
  int claim_count, broken;
  int second, kbps[SECONDS];
  uint64_t messages, clusters;
};

static struct replay r;

static double elapsed_s(void) {
  return (double)(r.now_us - r.begin_us) / 1e6;
}

static void check_claims(void) {
  double kbps = (double)bandwidth_estimator_bps(&r.e) / 1e3, at_s = elapsed_s();
  assert_true(kbps >= BANDWIDTH_MIN_BPS / 1e3 && kbps <= BANDWIDTH_MAX_BPS / 1e3);
  for (int i = 0; i < r.claim_count; i++) {
    const struct claim *c = &r.claims[i];
    if (at_s < c->from_s || at_s >= c->to_s || (kbps >= c->least_kbps && kbps <= c->most_kbps)) continue;
    if (r.broken++ < 5)
      printf("%s: %.0f kbit/s after %.2f s, claimed %.0f to %.0f\n", r.name, kbps, at_s, c->least_kbps, c->most_kbps);
  }
}

static void pass_until(int64_t until_us) {
  while (r.now_us < until_us) {
    int64_t tick_us = r.begin_us + ((r.now_us - r.begin_us) / TICK_US + 1) * TICK_US;
    r.now_us = tick_us < until_us ? tick_us : until_us;
    bandwidth_estimator_sent(&r.e, 0, r.now_us);
    if (r.now_us != tick_us) continue;
    check_claims();
    if ((r.now_us - r.begin_us) % 1000000) continue;
    assert_true(r.second < SECONDS);
    r.kbps[r.second++] = (int)(bandwidth_estimator_bps(&r.e) / 1000);
  }
}

static void send(char *sizes) {
  char *rest = NULL;
  for (char *word = strtok_r(sizes, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
    uint16_t bytes = (uint16_t)strtoul(word, NULL, 10);
    transport_send_history_sent(&r.history, bytes, r.tag, (struct transport_content){0}, r.now_us);
    if (r.tag) bandwidth_estimator_probe_sent(&r.e, r.tag, bytes, r.now_us);
    bandwidth_estimator_sent(&r.e, bytes, r.now_us);
  }
}

static void take_feedback(char *hex) {
  static struct transport_result results[TRANSPORT_HISTORY_PACKETS];
  struct transport_results out = {.results = results, .capacity = TRANSPORT_HISTORY_PACKETS};
  hex[strcspn(hex, "\n")] = '\0';
  struct bytes b = bytes_hex(hex);
  struct rtcp_packet p = first_packet(&b);
  struct rtcp_transport_feedback f;
  assert_int_equal(rtcp_parse_transport_feedback(&p, &f), RTP_OK);
  transport_send_history_feedback(&r.history, &f, r.now_us, &out);
  assert_int_equal(r.history.unknown, 0);
  bandwidth_estimator_feedback(&r.e, &out, transport_send_history_in_flight(&r.history), r.now_us);
  bytes_free(&b);
  r.messages++;
}

static void begin_cluster(void) {
  struct probe_cluster cluster;
  assert_true(
      bandwidth_estimator_probe(&r.e, r.now_us, &cluster)); /* the estimator asks for none where the trace has one */
  r.tag = cluster.id;
  r.clusters++;
}

static void follow(char *line) {
  char *rest = line + 1;
  struct claim *c = &r.claims[r.claim_count];
  switch (line[0]) {
    case 'h':
      assert_true(r.claim_count < CLAIMS);
      c->from_s = strtod(rest, &rest);
      c->to_s = strtod(rest, &rest);
      c->least_kbps = strtod(rest, &rest);
      c->most_kbps = strtod(rest, &rest);
      r.claim_count++;
      break;
    case 'w': {
      uint64_t next_bps = strtoull(rest, &rest, 10);
      bandwidth_estimator_want(&r.e, next_bps, strtoull(rest, &rest, 10), r.now_us);
      break;
    }
    case 'p':
      begin_cluster();
      break;
    case 'e':
      bandwidth_estimator_probe_end(&r.e, r.tag);
      r.tag = 0;
      break;
    case 's':
    case 'f':
      pass_until(r.now_us + strtoll(rest, &rest, 10));
      rest += *rest == ' ';
      line[0] == 's' ? send(rest) : take_feedback(rest);
      break;
    default:
      assert_int_equal(line[0], '#');
  }
}

static void replay(const char *name) {
  char path[512], line[LINE_BYTES];
  memset(&r, 0, sizeof r);
  r.name = name;
  r.now_us = r.begin_us = 1000000;
  bandwidth_estimator_init(&r.e, NULL);
  transport_send_history_init(&r.history);
  snprintf(path, sizeof path, "%s/%s.trace", TRACES, name);
  FILE *f = fopen(path, "r");
  if (!f) fail_msg("%s is not there", path);
  while (fgets(line, sizeof line, f)) {
    assert_non_null(strchr(line, '\n'));
    follow(line);
  }
  fclose(f);
  assert_true(r.second > 5 && r.claim_count > 0 && r.messages > 50);
}

/* One line of expected.txt: the figures of a trace. */
static void print(FILE *f) {
  fprintf(f, "%s:", r.name);
  for (int s = 0; s < r.second; s++)
    fprintf(f, " %d", r.kbps[s]);
  fprintf(f, "\n");
}

/* Returns how many seconds differ from those of a line's. */
static int compare(const char *figures) {
  int wrong = 0, second = 0;
  for (char *rest = NULL;; second++, figures = rest) {
    long expected = strtol(figures, &rest, 10);
    if (rest == figures) break;
    if (second >= r.second) return SECONDS;
    double apart = (double)labs(expected - r.kbps[second]);
    wrong += apart > 3 && apart > 0.05 * (double)expected;
  }
  return second == r.second ? wrong : SECONDS;
}

static bool find_expected(const char *name, char *line, size_t cap) {
  FILE *f = fopen(EXPECTED, "r");
  size_t len = strlen(name);
  bool found = false;
  while (f && !found && fgets(line, (int)cap, f))
    found = strncmp(line, name, len) == 0 && line[len] == ':';
  if (f) fclose(f);
  return found;
}

static void each_trace_gives_the_estimate_that_it_gave(void **state) {
  (void)state;
  int different = 0;
  for (size_t i = 0; i < COUNT(names); i++) {
    char line[LINE_BYTES];
    replay(names[i]);
    bool found = find_expected(names[i], line, sizeof line);
    if (found && compare(strchr(line, ':') + 1) == 0 && r.broken == 0) continue;
    different++;
    printf("%s  was: %s  now: ", r.broken ? "broken claims; " : "", found ? line : "nothing\n");
    print(stdout);
  }
  assert_int_equal(different, 0);
}

/* That the traces show what they are for: otherwise a figure that stays the same would say nothing. */
static void the_traces_meet_what_they_are_for(void **state) {
  (void)state;
  replay("start");
  assert_int_equal(r.clusters, 2);
  replay("ramp");
  assert_true(r.e.decreases >= 1);
  replay("drop");
  assert_true(r.e.drops + r.e.decreases >= 1);
  replay("loss");
  assert_true(loss_bound_random(&r.e.loss) > 0.05 && loss_bound_random(&r.e.loss) < 0.2);
  replay("policer");
  assert_true(r.history.lost > 50);
  replay("wifi");
  assert_true(r.e.jitter_us > 1000);
  replay("blackout");
  assert_int_equal(r.e.stalls, 1);
  assert_false(r.e.stalled);
  replay("clocks");
  assert_true(r.history.acked > 500 && r.e.stalls == 0);
}

static int write_expected(void) {
  FILE *f = fopen(EXPECTED, "w");
  if (!f) return 1;
  fprintf(f,
          "# kbit/s at the end of each second of tests/rtp/traces/NAME.trace. When this may be written anew, and how:\n"
          "# tests/rtp/estimator_trace_test.c\n");
  for (size_t i = 0; i < COUNT(names); i++) {
    replay(names[i]);
    print(f);
  }
  return fclose(f) != 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--write") == 0) return write_expected();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_trace_gives_the_estimate_that_it_gave),
      cmocka_unit_test(the_traces_meet_what_they_are_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
