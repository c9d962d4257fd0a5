/* server/gateway/call_requests.c: calls and guest links as pages ask for them: replies before events, whom they reach, and
 * every refusal. */
#include "tests/server/gateway/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/gateway/guest_links.h"

static struct page doctor, patient;
static int doctor_at, patient_at; /* their workers */

/* A doctor in the room "visit", joined; a patient with the right to "home", not joined. */
static void open_two(const char *yaml) {
  world_open(yaml);
  doctor_at = page_enter(&doctor, "visit", "ann", SIGNALING_ROLE_DOCTOR);
  page_join(&doctor, doctor_at);
  patient_at = page_enter(&patient, "home", "ben", SIGNALING_ROLE_PATIENT);
}

static int close_two(void **state) {
  if (world.open && doctor.session[0]) page_drop(&doctor);
  if (world.open && patient.session[0]) page_drop(&patient);
  doctor.session[0] = patient.session[0] = '\0';
  return world_close(state);
}

static void expect_event(struct page *p, const char *name) {
  json_t *message = page_take(p);
  if (strcmp(text_at(message, "event"), name) != 0) fail_msg("%s instead of %s", json_dumps(message, 0), name);
}

static void expect_ok(struct page *p, int id) {
  json_t *message = page_take(p);
  if (!at(message, "ok") || number_at(message, "re") != id) fail_msg("%s", json_dumps(message, 0));
}

/* The doctor calls; call id into `call`. Both have been told. */
static void invite(char call[CALLS_ID_BYTES]) {
  page_send(&doctor, "{'id':10,'type':'invite','to':['ben'],'message':'Now?','video':true}");
  expect_ok(&doctor, 10); /* first of all */
  (void)snprintf(call, CALLS_ID_BYTES, "%s", text_at(doctor.last, "ok.call"));
  assert_string_equal(text_at(doctor.last, "ok.room"), "visit");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t left_ms = number_at(doctor.last, "ok.expiresAt") - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
  assert_true(left_ms > 40000 && left_ms <= 60000);
  expect_event(&doctor, "callRinging");
  expect_event(&patient, "incomingCall");
  assert_string_equal(text_at(patient.last, "call"), call);
}

static void test_a_call_is_accepted(void **state) {
  (void)state;
  char call[CALLS_ID_BYTES];
  open_two("calls: {ring_seconds: 60}");
  invite(call);
  assert_string_equal(text_at(patient.last, "message"), "Now?");
  page_send(&patient, "{'id':20,'type':'accept','call':'%s','video':false}", call);
  expect_ok(&patient, 20); /* before the events that it causes */
  assert_string_equal(text_at(patient.last, "ok.room"), "visit");
  expect_event(&patient, "callEnded");
  assert_string_equal(text_at(patient.last, "reason"), "answered");
  expect_event(&doctor, "callAccepted");
  expect_event(&doctor, "callEnded");
  /* It has the room now, past lock and waiting room. */
  json_t *open = world_worker_line(doctor_at, "open");
  assert_string_equal(text_at(open, "session"), patient.session);
  assert_string_equal(text_at(open, "room"), "visit");
  assert_true(json_is_true(at(open, "admitted")));
  page_sync(&doctor);
  page_sync(&patient);
  assert_null(world.g.held_events);
}

static void test_a_call_is_declined_or_cancelled(void **state) {
  (void)state;
  char call[CALLS_ID_BYTES];
  open_two("calls: {ring_seconds: 60}");
  invite(call);
  page_send(&patient, "{'id':21,'type':'decline','call':'%s','reason':'Driving.'}", call);
  expect_ok(&patient, 21);
  assert_int_equal(json_object_size(at(patient.last, "ok")), 0);
  expect_event(&patient, "callEnded");
  expect_event(&doctor, "callDeclined");
  assert_string_equal(text_at(doctor.last, "reason"), "Driving.");
  expect_event(&doctor, "callEnded");
  invite(call);
  page_send(&doctor, "{'id':11,'type':'cancel','call':'%s'}", call);
  expect_ok(&doctor, 11);
  expect_event(&doctor, "callEnded");
  expect_event(&patient, "callEnded");
  assert_string_equal(text_at(patient.last, "reason"), "cancelled");
  static const char *const types[] = {"accept", "decline", "cancel"};
  for (int i = 0; i < 3; i++) { /* it is over */
    page_send(i == 2 ? &doctor : &patient, "{'id':30,'type':'%s','call':'%s'}", types[i], call);
    page_expect_error(i == 2 ? &doctor : &patient, "call_not_found");
  }
  page_sync(&doctor);
  page_sync(&patient);
}

static void test_refused_invitations(void **state) {
  (void)state;
  open_two(NULL);
  page_send(&patient, "{'id':20,'type':'invite','to':['ann']}"); /* its token has no right to call */
  page_expect_error(&patient, "forbidden");
  page_send(&doctor, "{'id':10,'type':'invite','to':['ann']}");
  page_expect_error(&doctor, "bad_request");
  page_send(&doctor, "{'id':11,'type':'invite','to':['ben','ben']}");
  page_expect_error(&doctor, "bad_request");
  page_send(&doctor, "{'id':12,'type':'invite','to':['ben'],'room':'elsewhere'}"); /* it is in a call */
  page_expect_error(&doctor, "forbidden");
  page_sync(&doctor);
  page_sync(&patient);
}

/* A room made for the call holds nobody's door shut, whoever enters it first. */
static void test_a_room_for_the_call(void **state) {
  (void)state;
  struct page caller;
  struct token_claims claims;
  open_two(NULL);
  claims = world_claims("");
  (void)snprintf(claims.identity, sizeof claims.identity, "cat");
  claims.calls = true;
  page_open(&caller);
  page_hello(&caller, &claims);
  page_send(&caller, "{'id':2,'type':'invite','to':['ben']}");
  json_t *reply = page_take(&caller);
  assert_int_equal(strncmp(text_at(reply, "ok.room"), CALLS_ROOM_PREFIX, strlen(CALLS_ROOM_PREFIX)), 0);
  struct session *s = session_table_find(&world.g.sessions, caller.session);
  assert_string_equal(s->room, text_at(reply, "ok.room"));
  assert_true(s->admitted);
  expect_event(&patient, "incomingCall");
  page_drop(&caller);
}

/* `enter` can refuse: then nothing rings. */
static void test_no_room_left(void **state) {
  (void)state;
  struct page caller;
  struct token_claims claims;
  open_two("limits: {rooms: 2}");
  claims = world_claims("");
  (void)snprintf(claims.identity, sizeof claims.identity, "cat");
  claims.calls = true;
  page_open(&caller);
  page_hello(&caller, &claims);
  page_send(&caller, "{'id':2,'type':'invite','to':['ben']}");
  page_expect_error(&caller, "busy");
  page_sync(&patient);
  assert_int_equal(calls_counts(world.g.calls).open, 0);
  page_drop(&caller);
}

static void expect_user(const char *identity, bool online, bool busy) {
  page_send(&doctor, "{'id':40,'type':'checkUser','identity':'%s'}", identity);
  expect_ok(&doctor, 40);
  assert_int_equal(json_is_true(at(doctor.last, "ok.online")), online);
  assert_int_equal(json_is_true(at(doctor.last, "ok.busy")), busy);
}

static void test_check_user(void **state) {
  (void)state;
  struct page watcher;
  open_two(NULL);
  expect_user("ben", true, false);
  expect_user("nobody", false, false);
  expect_user("ann", true, true); /* in a room */
  page_enter(&watcher, "home", "owl", SIGNALING_ROLE_OBSERVER);
  expect_user("owl", false, false); /* observers do not count as being there */
  page_drop(&watcher);
  page_send(&doctor, "{'id':41,'type':'invite','to':['ben']}");
  expect_ok(&doctor, 41);
  expect_event(&doctor, "callRinging");
  expect_user("ben", true, true);
}

/* Claims of the token in an answer to createGuestLink. */
static struct token_claims claims_of(const json_t *ok, const char *base) {
  const struct token_key key = {(const uint8_t *)WORLD_SECRET, strlen(WORLD_SECRET)};
  struct token_claims claims;
  const char *url = text_at(ok, "url");
  assert_int_equal(strncmp(url, base, strlen(base)), 0);
  url += strlen(base);
  assert_int_equal(strncmp(url, "/#token=", 8), 0);
  assert_int_equal(token_verify(url + 8, strlen(url + 8), &key, 1, gateway_wall_s(), &claims), TOKEN_OK);
  return claims;
}

static void test_guest_links(void **state) {
  (void)state;
  int64_t expires_s = 0, now_s;
  open_two("http: {public_url: \"https://clinic.example\"}");
  now_s = gateway_wall_s();
  page_send(&doctor, "{'id':50,'type':'createGuestLink','role':'patient'}");
  expect_ok(&doctor, 50);
  const json_t *ok = at(doctor.last, "ok");
  struct token_claims first = claims_of(ok, "https://clinic.example");
  assert_true(guest_links_check(WORLD_SECRET, "visit", text_at(ok, "link"), &expires_s));
  assert_string_equal(first.jti, text_at(ok, "link"));
  assert_string_equal(first.room, "visit");
  assert_string_equal(first.name, "Guest");
  assert_int_equal(strncmp(first.identity, "guest-", 6), 0);
  assert_int_equal(first.role, SIGNALING_ROLE_PATIENT);
  assert_true(first.guest && first.wait && !first.calls);
  assert_true(first.expires_s >= now_s + GUEST_LINKS_TTL_DEFAULT &&
              first.expires_s <= now_s + GUEST_LINKS_TTL_DEFAULT + 5);
  assert_int_equal(number_at(ok, "expiresAt"), first.expires_s * 1000);
  assert_int_equal(expires_s, first.expires_s);
  page_send(&doctor, "{'id':51,'type':'createGuestLink','role':'interpreter','name':'Eve','ttl':60}");
  expect_ok(&doctor, 51);
  struct token_claims second = claims_of(at(doctor.last, "ok"), "https://clinic.example");
  assert_string_equal(second.name, "Eve");
  assert_false(second.wait); /* only patients wait unless it is said */
  assert_true(second.expires_s <= gateway_wall_s() + 60);
  assert_string_not_equal(second.identity, first.identity);
  assert_string_not_equal(second.jti, first.jti);
  page_send(&doctor, "{'id':52,'type':'createGuestLink','role':'observer','wait':true}");
  expect_ok(&doctor, 52);
  assert_true(claims_of(at(doctor.last, "ok"), "https://clinic.example").wait);
  page_send(&doctor, "{'id':53,'type':'createGuestLink','role':'doctor'}"); /* never */
  page_expect_error(&doctor, "bad_request");
  page_send(&patient, "{'id':22,'type':'createGuestLink','role':'patient'}");
  page_expect_error(&patient, "forbidden");
  assert_int_equal(world.g.counters.links_created, 3);
}

static void create(char link[GUEST_LINKS_BYTES]) {
  page_send(&doctor, "{'id':60,'type':'createGuestLink','role':'patient'}");
  expect_ok(&doctor, 60);
  (void)snprintf(link, GUEST_LINKS_BYTES, "%s", text_at(doctor.last, "ok.link"));
}

static void expect_revoked(const char *link, bool used) {
  page_send(&doctor, "{'id':61,'type':'revokeGuestLink','link':'%s'}", link);
  expect_ok(&doctor, 61);
  assert_int_equal(json_is_true(at(doctor.last, "ok.used")), used);
}

static void test_revoked_links(void **state) {
  (void)state;
  struct page guest;
  char link[GUEST_LINKS_BYTES], other[GUEST_LINKS_BYTES];
  open_two(NULL);
  create(link);
  struct token_claims claims = claims_of(at(doctor.last, "ok"), "");
  expect_revoked(link, false);
  for (int i = 0; i < WORLD_WORKERS; i++) /* whoever outlives this gateway remembers it */
    assert_string_equal(text_at(world_worker_line(i, "spend"), "jti"), link);
  page_open(&guest);
  page_hello(&guest, &claims);
  assert_string_equal(text_at(guest.last, "error.code"), "token_used");
  expect_revoked(link, false); /* once more: still not by a guest */
  assert_int_equal(world.g.counters.links_revoked, 1);
  page_drop(&guest);
  /* One that a guest has used. */
  create(other);
  claims = claims_of(at(doctor.last, "ok"), "");
  page_open(&guest);
  page_hello(&guest, &claims);
  assert_true(*guest.session);
  expect_revoked(other, true);
  expect_revoked(other, true);
  assert_int_equal(world.g.counters.links_revoked, 1);
  page_drop(&guest);
}

static void test_links_that_cannot_be_revoked(void **state) {
  (void)state;
  char link[GUEST_LINKS_BYTES];
  static const uint8_t random[16] = {1};
  open_two(NULL);
  /* Of another room, expired, and not of this server. */
  const char *const rooms[] = {"elsewhere", "visit", "visit"};
  const char *const secrets[] = {WORLD_SECRET, WORLD_SECRET, "a secret that is not the server's"};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(guest_links_make(secrets[i], rooms[i], gateway_wall_s() + (i == 1 ? -1 : 3600), random, link), 0);
    page_send(&doctor, "{'id':62,'type':'revokeGuestLink','link':'%s'}", link);
    page_expect_error(&doctor, "link_not_found");
  }
  page_send(&doctor, "{'id':63,'type':'revokeGuestLink','link':'g_x'}");
  page_expect_error(&doctor, "link_not_found");
  struct page outside;
  page_enter(&outside, "visit", "dan", SIGNALING_ROLE_DOCTOR);
  page_send(&outside, "{'id':3,'type':'createGuestLink','role':'patient'}");
  page_expect_error(&outside, "not_joined");
  page_send(&outside, "{'id':4,'type':'revokeGuestLink','link':'%s'}", link);
  page_expect_error(&outside, "not_joined");
  page_drop(&outside);
}

/* A caller whose page is gone rings on for a while: 15 s, or less when sessions end before that. */
static void test_the_caller_s_grace(void **state) {
  (void)state;
  char call[CALLS_ID_BYTES];
  open_two("calls: {ring_seconds: 60}\nrooms: {resume_window_seconds: 10}");
  invite(call);
  page_drop(&doctor);
  doctor.session[0] = '\0';
  int64_t now_us = gateway_now_us();
  calls_tick(world.g.calls, now_us + 9000000);
  page_sync(&patient);
  calls_tick(world.g.calls, now_us + 10100000);
  expect_event(&patient, "callEnded");
  assert_string_equal(text_at(patient.last, "reason"), "caller_gone");
}

static void test_reloaded_settings(void **state) {
  (void)state;
  open_two("calls: {ring_seconds: 60}");
  world.g.config->calls.ring_seconds = 20;
  call_requests_reload(&world.g);
  page_send(&doctor, "{'id':10,'type':'invite','to':['ben']}");
  expect_ok(&doctor, 10);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  assert_true(number_at(doctor.last, "ok.expiresAt") / 1000 <= now.tv_sec + 20);
}

static void test_which_requests_are_ours(void **state) {
  (void)state;
  static const enum signaling_type ours[] = {SIGNALING_INVITE,           SIGNALING_ACCEPT,
                                             SIGNALING_DECLINE,          SIGNALING_CANCEL,
                                             SIGNALING_CHECK_USER,       SIGNALING_CREATE_GUEST_LINK,
                                             SIGNALING_REVOKE_GUEST_LINK};
  size_t count = 0;
  for (int type = 0; type < SIGNALING_TYPE_COUNT; type++)
    count += call_requests_own((enum signaling_type)type);
  assert_int_equal(count, sizeof ours / sizeof *ours);
  for (size_t i = 0; i < count; i++)
    assert_true(call_requests_own(ours[i]));
}

#define TEST(f) cmocka_unit_test_teardown(f, close_two)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_a_call_is_accepted),
                                     TEST(test_a_call_is_declined_or_cancelled),
                                     TEST(test_refused_invitations),
                                     TEST(test_a_room_for_the_call),
                                     TEST(test_no_room_left),
                                     TEST(test_check_user),
                                     TEST(test_guest_links),
                                     TEST(test_revoked_links),
                                     TEST(test_links_that_cannot_be_revoked),
                                     TEST(test_the_caller_s_grace),
                                     TEST(test_reloaded_settings),
                                     cmocka_unit_test(test_which_requests_are_ours)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
