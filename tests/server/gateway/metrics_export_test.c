/* server/gateway/metrics_export.c: the whole page as Prometheus reads it, the workers' numbers in their places, and nothing in
 * it that names a room, a person or an address. */
#include "tests/server/gateway/world.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static char *page;

static char *export(void) {
  size_t length = 0;
  free(page);
  page = metrics_export(&world.g, &length);
  assert_non_null(page);
  assert_int_equal(strlen(page), length);
  return page;
}

static int end(void **state) {
  free(page);
  page = NULL;
  return world_close(state);
}

static void expect_line(const char *line) {
  char text[256];
  (void)snprintf(text, sizeof text, "\n%s\n", line);
  if (!strstr(page, text)) fail_msg("%s is not in\n%s", line, page);
}

/* Tells worker `worker`'s statistics as its answer to the gateway's question. */
static void tell_stats(int worker, const char *stats) {
  workers_tick(&world.g, gateway_now_us());
  json_int_t ref = -1;
  while (ref < 0) {
    json_t *query = world_worker_line(worker, "query");
    if (strcmp(text_at(query, "what"), "stats") == 0) ref = number_at(query, "ref");
  }
  world_worker_say(worker, "{'op':'result','ref':%d,'value':%s}", (int)ref, stats);
  world_turn();
}

/* The format 0.0.4: HELP, then TYPE, then that family's samples; no family twice; no sample twice. */
static void check_format(const char *text) {
  char family[128] = "", seen[16384] = "", line[512], key[600];
  static char samples[65536];
  samples[0] = '\0';
  for (const char *at = text, *next; *at; at = next) {
    next = strchr(at, '\n');
    assert_non_null(next); /* the last line ends, too */
    (void)snprintf(line, sizeof line, "%.*s", (int)(next - at), at);
    next++;
    if (strncmp(line, "# HELP ", 7) == 0) {
      (void)snprintf(family, sizeof family, "%.*s", (int)strcspn(line + 7, " "), line + 7);
      (void)snprintf(key, sizeof key, "|%s|", family);
      if (strstr(seen, key)) fail_msg("%s is there twice", family);
      strncat(seen, key, sizeof seen - strlen(seen) - 1);
      assert_true(strncmp(family, "consilium_", 10) == 0);
    } else if (strncmp(line, "# TYPE ", 7) == 0) {
      assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
      const char *type = line + 7 + strlen(family) + 1;
      size_t n = strlen(family);
      bool total = n > 6 && strcmp(family + n - 6, "_total") == 0;
      if (total != (strcmp(type, "counter") == 0)) fail_msg("%s is a %s", family, type);
    } else {
      assert_int_equal(strncmp(line, family, strlen(family)), 0);
      char *value = strrchr(line, ' '), *rest;
      assert_non_null(value);
      (void)strtod(value + 1, &rest);
      assert_true(rest != value + 1 && !*rest);
      *value = '\0';
      (void)snprintf(key, sizeof key, "|%s|", line);
      if (strstr(samples, key)) fail_msg("%s is there twice", line);
      strncat(samples, key, sizeof samples - strlen(samples) - 1);
    }
  }
}

static void test_everything_is_well_formed(void **state) {
  (void)state;
  world_open(NULL);
  tell_stats(0, "{'rooms':1,'drops':{'replay':3,'bad_mac':0},'direct':{'attempts':2}}");
  tell_stats(1, "{'rooms':2,'drops':{'replay':4}}");
  check_format(export());
}

static void test_workers(void **state) {
  (void)state;
  world_open(NULL);
  export();
  expect_line("consilium_worker_up{worker=\"0\"} 1");
  assert_null(strstr(page, "consilium_rooms{")); /* nothing told yet: no zero that is none */
  tell_stats(1,
             "{'rooms':3,'participants':7,'rtpBytesOut':12345678901234,'busyPercent':12.5,'gatherUs':'soon',"
             "'drops':{'replay':4,'no_such_peer':1},'unknown':9,"
             "'quality':{'uplink':{'poor':2},'downlink':{'good':1}},'qualityCauses':{'uplink':2,'otherUplink':3}}");
  export();
  expect_line("consilium_rooms{worker=\"1\"} 3");
  expect_line("consilium_participants{worker=\"1\"} 7");
  expect_line("consilium_rtp_sent_bytes_total{worker=\"1\"} 12345678901234");
  expect_line("consilium_worker_busy_ratio{worker=\"1\"} 0.125");
  assert_null(strstr(page, "consilium_worker_gather_seconds{")); /* no number */
  expect_line("consilium_dropped_packets_total{worker=\"1\",reason=\"replay\"} 4");
  expect_line("consilium_dropped_packets_total{worker=\"1\",reason=\"no_such_peer\"} 1");
  expect_line("consilium_connection_quality{worker=\"1\",direction=\"uplink\",quality=\"poor\"} 2");
  expect_line("consilium_connection_quality_causes{worker=\"1\",cause=\"uplink\"} 2");
  expect_line("consilium_connection_quality_causes{worker=\"1\",cause=\"otherUplink\"} 3");
  assert_null(strstr(page, "unknown"));
  assert_null(strstr(page, "consilium_worker_gather_microseconds{")); /* not a number */
  assert_null(strstr(page, "consilium_rooms{worker=\"0\"}"));
  world_worker_die(1);
  export();
  expect_line("consilium_worker_up{worker=\"1\"} 0");
  expect_line("consilium_worker_up{worker=\"0\"} 1");
  expect_line("consilium_workers_lost_total 1");
  assert_null(strstr(page, "consilium_rooms{")); /* a dead worker's rooms are gone with it */
}

static void test_the_gateway_s_own(void **state) {
  (void)state;
  struct page a, b;
  char wrong[64], *token;
  world_open(NULL);
  struct token_claims claims = world_claims("secret-room");
  (void)snprintf(claims.identity, sizeof claims.identity, "secret-person");
  page_open(&a);
  page_hello(&a, &claims);
  assert_true(*a.session);
  page_open(&b);
  token = world_token(&claims);
  page_send(&b, "{'id':1,'type':'hello','version':1,'token':'%s'}", token);
  page_expect_error(&b, "token_used");
  export();
  check_format(page);
  expect_line("consilium_sessions 1");
  expect_line("consilium_used_tokens 1");
  expect_line("consilium_hellos_total{result=\"ok\"} 1");
  expect_line("consilium_hellos_total{result=\"refused\"} 1");
  expect_line("consilium_tokens_reused_total 1");
  expect_line("consilium_requests_total 2");
  expect_line("consilium_requests_refused_total 1");
  expect_line("consilium_websockets 2");
  expect_line("consilium_websocket_received_messages_total 2");
  expect_line("consilium_draining 0");
  world.g.draining = true;
  export();
  expect_line("consilium_draining 1");
  assert_null(strstr(page, "secret"));
  assert_null(strstr(page, "127.0.0.1"));
  assert_null(strstr(page, a.session));
  page_drop(&b);
  (void)snprintf(wrong, sizeof wrong, "{'id':0}");
  page_open(&b);
  page_send(&b, "%s", wrong);
  page_expect_error(&b, "bad_message");
  export();
  expect_line("consilium_requests_refused_total 2");
  free(token);
  page_drop(&a);
  page_drop(&b);
}

static void test_calls(void **state) {
  (void)state;
  struct page doctor, patient;
  world_open(NULL);
  int worker = page_enter(&doctor, "r", "ann", SIGNALING_ROLE_DOCTOR);
  page_enter(&patient, "q", "ben", SIGNALING_ROLE_PATIENT);
  page_join(&doctor, worker);
  page_send(&doctor, "{'id':3,'type':'invite','to':['ben']}");
  assert_true(*text_at(page_take(&doctor), "ok.call"));
  char call[32];
  (void)snprintf(call, sizeof call, "%s", text_at(doctor.last, "ok.call"));
  export();
  expect_line("consilium_calls_ringing 1");
  expect_line("consilium_calls_total{outcome=\"cancelled\"} 0");
  page_send(&doctor, "{'id':4,'type':'cancel','call':'%s'}", call);
  while (!at(page_take(&doctor), "ok"))
    continue;
  page_send(&doctor, "{'id':5,'type':'createGuestLink','role':'patient'}");
  while (!at(page_take(&doctor), "ok.link"))
    continue;
  export();
  check_format(page);
  expect_line("consilium_calls_ringing 0");
  expect_line("consilium_calls_total{outcome=\"cancelled\"} 1");
  expect_line("consilium_guest_links_total{result=\"created\"} 1");
  expect_line("consilium_guest_links_total{result=\"revoked\"} 0");
  assert_null(strstr(page, "accepted_elsewhere")); /* an end for pages, not for calls */
  page_drop(&doctor);
  page_drop(&patient);
}

/* Every name of the table comes out, with a sample for each worker that told it. */
static void test_every_name(void **state) {
  (void)state;
  static const char *const keys[] = {"rooms",
                                     "participants",
                                     "tracks",
                                     "waiting",
                                     "roomsDirect",
                                     "peers",
                                     "rtpPacketsIn",
                                     "rtpPacketsOut",
                                     "rtpBytesIn",
                                     "rtpBytesOut",
                                     "rtcpPacketsIn",
                                     "rtcpPacketsOut",
                                     "rtxPacketsOut",
                                     "nacksIn",
                                     "nacksOut",
                                     "keyframeRequestsIn",
                                     "keyframeRequestsOut",
                                     "dataMessages",
                                     "receiveCalls",
                                     "sendCalls",
                                     "sendMessages",
                                     "gsoRefused"};
  char stats[1024] = "{", value[64];
  world_open(NULL);
  for (int i = 0; i < (int)(sizeof keys / sizeof *keys); i++) {
    (void)snprintf(value, sizeof value, "%s'%s':%d", i ? "," : "", keys[i], 70001 + i);
    strncat(stats, value, sizeof stats - strlen(stats) - 2);
  }
  strncat(stats, "}", 2);
  tell_stats(0, stats);
  export();
  for (int i = 0; i < (int)(sizeof keys / sizeof *keys); i++) {
    (void)snprintf(value, sizeof value, "{worker=\"0\"} %d\n", 70001 + i);
    if (!strstr(page, value)) fail_msg("%s is not told", keys[i]);
  }
}

static void test_base_units(void **state) {
  (void)state;
  world_open(NULL);
  tell_stats(0, "{'busyPercent':100,'gatherUs':2000}");
  export();
  expect_line("consilium_worker_busy_ratio{worker=\"0\"} 1");
  expect_line("consilium_worker_gather_seconds{worker=\"0\"} 0.002");
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_everything_is_well_formed),
                                     TEST(test_workers),
                                     TEST(test_the_gateway_s_own),
                                     TEST(test_calls),
                                     TEST(test_every_name),
                                     TEST(test_base_units)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
