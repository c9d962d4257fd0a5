/* server/gateway/clients.c: hello in every way it can go, what is answered here and what goes to the worker, and the ends. */
#include "tests/server/gateway/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/gateway/guest_links.h"

static struct session *session_of(const struct page *p) {
  return session_table_find(&world.g.sessions, p->session);
}

static const char *hello_code(const struct token_claims *claims) {
  static char code[64];
  struct page p;
  page_open(&p);
  (void)snprintf(code, sizeof code, "%s", text_at(page_hello(&p, claims), "error.code"));
  page_drop(&p);
  return code;
}

static void test_welcome(void **state) {
  (void)state;
  struct page p;
  world_open("ice_servers: [{urls: [\"stun:s\"]}]\nrooms: {resume_window_seconds: 77}");
  struct token_claims claims = world_claims("r1");
  claims.wait = true;
  page_open(&p);
  json_t *ok = at(page_hello(&p, &claims), "ok");
  assert_int_equal(number_at(p.last, "re"), 1);
  assert_int_equal(number_at(ok, "version"), 1);
  assert_int_equal(strncmp(text_at(ok, "session"), "s_", 2), 0);
  assert_true(json_is_false(at(ok, "resumed")));
  assert_string_equal(text_at(ok, "identity"), "ann");
  assert_string_equal(text_at(ok, "name"), "Dr. Ann");
  assert_string_equal(text_at(ok, "role"), "doctor");
  assert_string_equal(text_at(ok, "room"), "r1");
  assert_string_equal(text_at(ok, "iceServers.0.urls.0"), "stun:s");
  assert_int_equal(number_at(ok, "limits.messageBytes"), 65536);
  assert_int_equal(number_at(ok, "limits.offerBytes"), 262144);
  assert_int_equal(number_at(ok, "limits.chatBytes"), 4096);
  assert_int_equal(number_at(ok, "resumeWindow"), 77);
  json_t *open = world_worker_line(0, "open");
  assert_string_equal(text_at(open, "room"), "r1");
  assert_string_equal(text_at(open, "jti"), claims.jti);
  assert_int_equal(number_at(open, "exp"), claims.expires_s);
  assert_true(json_is_true(at(open, "wait")));
  char hash[RESUME_KEY_CHARS + 1];
  assert_int_equal(resume_key_hash(p.key, strlen(p.key), hash), 0);
  assert_string_equal(text_at(open, "resumeHash"), hash); /* the key itself goes to nobody else */
  page_send(&p, "{'id':2,'type':'hello','version':1,'token':'x'}");
  page_expect_error(&p, "bad_request"); /* once */
  assert_int_equal(world.g.counters.hellos_ok, 1);
  assert_int_equal(world.g.counters.hellos_refused, 1);
  page_drop(&p);
}

static void test_refused_hellos(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  world.g.config->tokens.max_lifetime_seconds = 7200;
  page_open(&p);
  page_send(&p, "{'id':1,'type':'hello','version':2,'token':'x'}");
  page_expect_error(&p, "unsupported_version");
  page_send(&p, "{'id':2,'type':'hello','version':1}");
  page_expect_error(&p, "not_authenticated");
  page_send(&p, "{'id':3,'type':'hello','version':1,'token':'x'}");
  page_expect_error(&p, "token_invalid");
  page_send(&p, "{'id':4,'type':'chat','text':'x'}");
  page_expect_error(&p, "not_authenticated");
  page_send(&p, "{'id':5,'type':'ping'}");
  page_expect_error(&p, "not_authenticated");
  page_drop(&p);
  struct token_claims claims = world_claims("r");
  claims.expires_s = gateway_wall_s();
  assert_string_equal(hello_code(&claims), "token_expired");
  claims.expires_s = gateway_wall_s() + 7200 + 60; /* longer than this server allows */
  assert_string_equal(hello_code(&claims), "token_invalid");
  claims = world_claims(SESSION_LOBBY);
  assert_string_equal(hello_code(&claims), "token_invalid");
  assert_int_equal(session_table_count(&world.g.sessions), 0);
  assert_int_equal(used_tokens_count(world.g.used), 0);
  assert_int_equal(world.g.counters.hellos_refused, 6);
  /* A guest's link may live for a day whatever the tokens of the clinic may. */
  claims = world_claims("r");
  claims.guest = true;
  claims.expires_s = gateway_wall_s() + GUEST_LINKS_TTL_MAX;
  assert_string_equal(hello_code(&claims), "");
}

static void test_a_token_opens_one_session(void **state) {
  (void)state;
  world_open("limits: {rooms: 1}");
  struct token_claims first = world_claims("r1"), second = world_claims("r2"), third = world_claims("r1");
  assert_string_equal(hello_code(&first), "");
  assert_string_equal(hello_code(&first), "token_used");
  assert_int_equal(world.g.counters.tokens_reused, 1);
  /* What could not be opened is not used up. */
  assert_string_equal(hello_code(&second), "busy");
  room_directory_set_rooms_max(world.g.directory, 2);
  assert_string_equal(hello_code(&second), "");
  world.g.draining = true;
  assert_string_equal(hello_code(&third), ""); /* into a room that is there */
  third = world_claims("r3");
  assert_string_equal(hello_code(&third), "draining");
  world.g.draining = false;
  assert_string_equal(hello_code(&third), "busy");
  room_directory_set_rooms_max(world.g.directory, 3);
  assert_string_equal(hello_code(&third), "");
}

static void test_without_workers(void **state) {
  (void)state;
  world_open_alone(NULL);
  struct token_claims claims = world_claims("r1");
  assert_string_equal(hello_code(&claims), "worker_lost");
  assert_int_equal(session_table_count(&world.g.sessions), 0);
  world_worker_listen(0);
  world_worker_hello(0, "", "");
  assert_string_equal(hello_code(&claims), ""); /* the same token */
}

static void test_resume(void **state) {
  (void)state;
  struct page first, second, third;
  char reason[128];
  world_open(NULL);
  int worker = page_enter(&first, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_open(&second);
  json_t *reply = page_resume(&second, &first); /* while the first one is open */
  assert_true(json_is_true(at(reply, "ok.resumed")));
  assert_string_equal(second.session, first.session);
  assert_string_equal(second.key, first.key);
  assert_int_equal(page_close_code(&first, reason), SIGNALING_CLOSE_REPLACED);
  assert_string_equal(reason, "resumed elsewhere");
  assert_string_equal(text_at(world_worker_line(worker, "resumed"), "session"), first.session);
  page_drop(&first);
  assert_string_equal(text_at(page_take(&second), "event"), "callSync");
  page_sync(&second);
  assert_int_equal(world_worker_lines(worker, "lost"), 0); /* it was never without a page */
  page_drop(&second);
  assert_string_equal(text_at(world_worker_line(worker, "lost"), "session"), second.session);
  /* Events meanwhile are nobody's; then it is back. */
  world_worker_say(worker, "{'op':'event','session':'%s','msg':{'event':'chat'}}", second.session);
  page_open(&third);
  page_resume(&third, &second);
  world_worker_line(worker, "resumed");
  assert_string_equal(text_at(page_take(&third), "event"), "callSync");
  page_sync(&third);
  assert_int_equal(world.g.counters.resumes, 2);
  page_drop(&third);
}

static void test_a_resume_needs_id_and_key(void **state) {
  (void)state;
  struct page p, thief;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  struct page wrong_key = p, wrong_id = p;
  wrong_key.key[5] = wrong_key.key[5] == 'a' ? 'b' : 'a';
  (void)snprintf(wrong_id.session, sizeof wrong_id.session, "s_AAAAAAAAAAAAAAAAAAAAAA");
  page_open(&thief);
  page_resume(&thief, &wrong_key);
  assert_string_equal(text_at(thief.last, "error.code"), "session_not_found");
  char text[256];
  (void)snprintf(text, sizeof text, "%s", text_at(thief.last, "error.message"));
  page_resume(&thief, &wrong_id);
  assert_string_equal(text_at(thief.last, "error.code"), "session_not_found");
  assert_string_equal(text_at(thief.last, "error.message"), text); /* the same words: ids cannot be tried */
  page_sync(&p);
  assert_int_equal(world_worker_lines(worker, "resumed"), 0);
  page_drop(&thief);
  page_drop(&p);
}

static void test_nobody_may_be_silent(void **state) {
  (void)state;
  struct page p, good;
  char reason[128];
  world_open(NULL);
  page_enter(&good, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_open(&p);
  int64_t now_us = gateway_now_us();
  clients_tick(&world.g, now_us + CLIENT_HELLO_US - 1000000);
  page_send(&p, "{'id':1,'type':'ping'}");
  page_expect_error(&p, "not_authenticated");
  clients_tick(&world.g, now_us + CLIENT_HELLO_US + 1000000);
  assert_int_equal(page_close_code(&p, reason), SIGNALING_CLOSE_AUTH_TIMEOUT);
  page_sync(&good);
  clients_end_all(&world.g);
  assert_int_equal(page_close_code(&good, reason), SIGNALING_CLOSE_GOING_AWAY);
  page_drop(&p);
  page_drop(&good);
}

static void test_requests_on_their_way(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_send(&p, "{'id':7,'type':'chat','text':'hello','unknown':1}");
  json_t *line = world_worker_line(worker, "request");
  assert_string_equal(text_at(line, "session"), p.session);
  assert_string_equal(text_at(line, "msg.type"), "chat");
  assert_int_equal(number_at(line, "msg.id"), 7);
  assert_string_equal(text_at(line, "msg.text"), "hello");
  assert_null(at(line, "msg.unknown"));
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':7,'ok':{'message':'m_1'}}}", p.session);
  assert_string_equal(text_at(page_take(&p), "ok.message"), "m_1");
  page_send(&p, "{'id':8,'type':'ping'}"); /* answered here */
  assert_true(number_at(page_take(&p), "ok.at") > INT64_C(1700000000000));
  page_send(&p, "{'id':9,'type':'check','room':'r2'}"); /* nobody's business */
  page_expect_error(&p, "forbidden");
  page_send(&p, "{'id':10,'type':'check','room':'r1'}");
  assert_string_equal(text_at(world_worker_line(worker, "request"), "msg.room"), "r1");
  assert_int_equal(world_worker_lines(worker, "request"), 0);
  page_drop(&p);
}

static void test_rights_and_the_lobby(void **state) {
  (void)state;
  struct page observer, guest;
  world_open(NULL);
  int worker = page_enter(&observer, "r1", "owl", SIGNALING_ROLE_OBSERVER);
  page_send(&observer, "{'id':2,'type':'chat','text':'x'}");
  page_expect_error(&observer, "forbidden");
  page_send(&observer, "{'id':3,'type':'lock','locked':true}");
  page_expect_error(&observer, "forbidden");
  assert_int_equal(world_worker_lines(worker, "request"), 0);
  struct token_claims claims = world_claims("");
  claims.calls = true;
  page_open(&guest);
  page_hello(&guest, &claims);
  assert_string_equal(text_at(guest.last, "ok.room"), "");
  page_send(&guest, "{'id':2,'type':'join'}");
  page_expect_error(&guest, "room_not_found");
  page_send(&guest, "{'id':3,'type':'chat','text':'x'}");
  page_expect_error(&guest, "not_joined");
  int at_worker = session_of(&guest)->worker; /* kept somewhere all the same */
  assert_string_equal(text_at(world_worker_line(at_worker, "open"), "room"), SESSION_LOBBY);
  page_drop(&observer);
  page_drop(&guest);
}

#define SDP                                                                                                          \
  "v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\\r\\n"  \
  "c=IN IP4 0.0.0.0\\r\\na=mid:0\\r\\na=ice-ufrag:abcd\\r\\na=ice-pwd:abcdefghijklmnopqrstuvwx\\r\\na=setup:actpass" \
  "\\r\\na=fingerprint:sha-256 "                                                                                     \
  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\\r\\n"            \
  "a=sctp-port:5000\\r\\n"

static void test_offers(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_send(&p, "{'id':2,'type':'offer','sdp':'v=0\\r\\nnonsense'}");
  page_expect_error(&p, "bad_offer");
  assert_int_equal(strncmp(text_at(p.last, "error.message"), "line ", 5), 0);
  page_send(&p, "{'id':3,'type':'offer','sdp':'%s'}", SDP);
  json_t *line = world_worker_line(worker, "request");
  assert_null(at(line, "msg.sdp")); /* workers read no SDP */
  assert_string_equal(text_at(line, "msg.offer.ice.ufrag"), "abcd");
  assert_int_equal(session_of(&p)->pending_count, 1);
  for (int i = 0; i < SESSION_OFFERS_MAX; i++)
    page_send(&p, "{'id':%d,'type':'offer','sdp':'%s'}", 10 + i, SDP);
  page_expect_error(&p, "busy"); /* the last one */
  assert_int_equal(number_at(p.last, "re"), 10 + SESSION_OFFERS_MAX - 1);
  page_drop(&p);
}

static void test_too_many_at_once(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  for (int i = 0; i < SESSION_PENDING_MAX; i++) {
    rate_limit_init(&world.g.clients->rate, gateway_now_us()); /* the rate is another matter */
    page_send(&p, "{'id':%d,'type':'raiseHand','raised':true}", 100 + i);
    world_worker_line(worker, "request");
  }
  page_send(&p, "{'id':900,'type':'raiseHand','raised':true}");
  page_expect_error(&p, "busy");
  assert_int_equal(number_at(p.last, "re"), 900);
  world_worker_hang_up(worker); /* each of them has its one answer */
  for (int i = 0; i < SESSION_PENDING_MAX; i++) {
    page_expect_error(&p, "worker_lost");
    assert_int_equal(number_at(p.last, "re"), 100 + i);
  }
  page_send(&p, "{'id':901,'type':'raiseHand','raised':true}"); /* it may come back, but is not there now */
  page_expect_error(&p, "worker_lost");
  assert_int_equal(session_of(&p)->pending_count, 0);
  page_drop(&p);
}

static void test_rates(void **state) {
  (void)state;
  struct page p;
  char reason[128];
  int refused = 0;
  world_open(NULL);
  page_open(&p);
  for (int i = 1; i <= 2 * RATE_LIMIT_BURST + RATE_LIMIT_REFUSALS + 200; i++)
    page_send(&p, "{'id':%d,'type':'ping'}", i);
  for (bool limited = false; !limited; refused++)
    limited = strcmp(text_at(page_take(&p), "error.code"), "rate_limited") == 0;
  assert_in_range(number_at(p.last, "error.retryAfterMs"), 1, 1000 / RATE_LIMIT_PER_SECOND); /* a ping's one point */
  assert_true(refused > RATE_LIMIT_BURST / 2);
  assert_int_equal(page_close_code(&p, reason), SIGNALING_CLOSE_RATE);
  assert_true(world.g.counters.rate_limited >= RATE_LIMIT_REFUSALS / 2);
  page_drop(&p);
}

static void test_bad_messages(void **state) {
  (void)state;
  struct page p;
  char reason[128];
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_send(&p, "{'id':3,'type':'fly'}");
  page_expect_error(&p, "unknown_type");
  page_send(&p, "{'id':4,'type':'chat'}");
  page_expect_error(&p, "bad_request");
  page_send(&p, "{'id':5");
  page_expect_error(&p, "bad_message");
  assert_int_equal(number_at(p.last, "re"), 0);
  assert_int_equal(page_close_code(&p, reason), SIGNALING_CLOSE_PROTOCOL);
  page_drop(&p);
  world_worker_line(worker, "lost");
}

/* A page that goes with `leave` on its way has left: nobody rings for it, and the reply is nobody's. */
static void test_gone_with_requests_on_their_way(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_join(&p, worker);
  page_send(&p, "{'id':3,'type':'leave'}");
  world_worker_line(worker, "request");
  struct session *s = session_of(&p);
  page_drop(&p);
  world_worker_line(worker, "lost");
  assert_false(s->joined);
  assert_int_equal(s->pending_count, 0);
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':3,'ok':{}}}", s->id);
  world_turn();
  assert_int_equal(world.g.counters.replies_unmatched, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {WORLD_TEST(test_welcome),
                                     WORLD_TEST(test_refused_hellos),
                                     WORLD_TEST(test_a_token_opens_one_session),
                                     WORLD_TEST(test_without_workers),
                                     WORLD_TEST(test_resume),
                                     WORLD_TEST(test_a_resume_needs_id_and_key),
                                     WORLD_TEST(test_nobody_may_be_silent),
                                     WORLD_TEST(test_requests_on_their_way),
                                     WORLD_TEST(test_rights_and_the_lobby),
                                     WORLD_TEST(test_offers),
                                     WORLD_TEST(test_too_many_at_once),
                                     WORLD_TEST(test_rates),
                                     WORLD_TEST(test_bad_messages),
                                     WORLD_TEST(test_gone_with_requests_on_their_way)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
