/* server/gateway/workers.c: our picture and the workers' brought together: hellos, deaths, returns, answers, and the clock. */
#include "tests/server/gateway/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/child.h"

static int supervisor; /* our end of CHILD_STATUS_FD */

static struct session *session_of(const struct page *p) {
  return session_table_find(&world.g.sessions, p->session);
}

/* One element of a hello's `sessions`. */
static const char *told(const char *session, const char *room, const char *hash, bool joined) {
  static char text[900];
  (void)snprintf(text, sizeof text,
                 "{'session':'%s','room':'%s','identity':'ann','name':'Dr. Ann','role':'doctor','resumeHash':'%s',"
                 "'jti':'j_told','exp':%lld,'wait':true,'admitted':true,'joined':%s,"
                 "'keep':{'home':'clinic','wait':true,'calls':true,'guest':false}}",
                 session, room, hash, (long long)gateway_wall_s() + 60, joined ? "true" : "false");
  return text;
}

#define ID "s_0123456789012345678901"

/* A gateway that is started again: everything comes from the workers. */
static void test_sessions_are_adopted(void **state) {
  (void)state;
  struct page p, old = {.session = ID};
  world_open_alone(NULL);
  char hash[RESUME_KEY_CHARS + 1];
  assert_int_equal(resume_key_generate(old.key), 0);
  assert_int_equal(resume_key_hash(old.key, strlen(old.key), hash), 0);
  world_worker_listen(1);
  world_worker_say(1,
                   "{'op':'hello','worker':1,'pid':7,'port':1,'rooms':['empty',{'room':'other'}],'sessions':[%s],"
                   "'spent':[{'jti':'j_spent','exp':%lld},{'exp':1}]}",
                   told(ID, "r1", hash, true), (long long)gateway_wall_s() + 60);
  world_turn();
  struct session *s = session_table_find(&world.g.sessions, ID);
  assert_non_null(s);
  assert_string_equal(s->room, "r1");
  assert_string_equal(s->home, "clinic");
  assert_string_equal(s->identity, "ann");
  assert_true(s->home_wait && s->calls && !s->guest && s->wait && s->admitted && s->joined);
  assert_int_equal(s->worker, 1);
  assert_int_equal(room_directory_find(world.g.directory, "r1"), 1);
  assert_int_equal(room_directory_find(world.g.directory, "empty"), 1);
  assert_int_equal(room_directory_find(world.g.directory, "other"), 1);
  assert_int_equal(used_tokens_add(world.g.used, "j_told", gateway_wall_s() + 60), 0);
  assert_int_equal(used_tokens_add(world.g.used, "j_spent", gateway_wall_s() + 60), 0);
  assert_int_equal(used_tokens_count(world.g.used), 2);
  page_open(&p);
  json_t *reply = page_resume(&p, &old);
  assert_true(json_is_true(at(reply, "ok.resumed")));
  assert_string_equal(text_at(world_worker_line(1, "resumed"), "session"), ID);
  assert_true(calls_presence(world.g.calls, "ann", gateway_now_us()).busy); /* it is in its room */
  assert_int_equal(world_worker_lines(1, "open"), 0);
  page_drop(&p);
}

static void test_strange_sessions_are_not_adopted(void **state) {
  (void)state;
  char room[300];
  memset(room, 'r', sizeof room);
  room[sizeof room - 1] = '\0';
  world_open_alone(NULL);
  world_worker_listen(0);
  world_worker_hello(0, "7,{'room':7}", told(ID, room, "hash", true)); /* longer than any room */
  assert_null(session_table_find(&world.g.sessions, ID));
  world_worker_hang_up(0);
  world_worker_hello(0, "", "{},7,{'session':7},{'session':'s_this-one-is-longer-than-ours-are'}");
  assert_int_equal(session_table_count(&world.g.sessions), 0);
  world_worker_hang_up(0);
  world_worker_hello(0, "", told(ID, SESSION_LOBBY, "hash", false));
  struct session *s = session_table_find(&world.g.sessions, ID);
  assert_non_null(s);
  assert_string_equal(s->room, ""); /* the lobby is no room */
  assert_int_equal(room_directory_find(world.g.directory, SESSION_LOBBY), -1);
}

/* The connection breaks; the worker still has everything. */
static void test_a_worker_comes_back(void **state) {
  (void)state;
  struct page here, gone;
  char sessions[2000], hash[RESUME_KEY_CHARS + 1];
  world_open(NULL);
  int worker = page_enter(&here, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  assert_int_equal(page_enter(&gone, "r1", "ben", SIGNALING_ROLE_PATIENT), worker);
  page_drop(&gone);
  world_worker_line(worker, "lost");
  page_send(&here, "{'id':5,'type':'chat','text':'x'}");
  world_worker_line(worker, "request");
  world_worker_hang_up(worker);
  page_expect_error(&here, "worker_lost"); /* its reply went down with the line */
  memset(hash, 'a', sizeof hash - 1);
  hash[sizeof hash - 1] = '\0';
  (void)snprintf(sessions, sizeof sessions, "%s,", told(here.session, "r1", hash, true));
  strcat(sessions, told(gone.session, "r1", hash, false));
  world_worker_hello(worker, "'r1'", sessions);
  assert_string_equal(text_at(world_worker_line(worker, "resumed"), "session"), here.session);
  assert_string_equal(text_at(world_worker_line(worker, "lost"), "session"), gone.session);
  assert_true(session_of(&here)->joined);
  assert_int_equal(world_worker_lines(worker, "open"), 0);
  page_sync(&here);                                              /* nothing was lost: no mediaLost */
  assert_string_not_equal(session_of(&here)->resume_hash, hash); /* ours counts */
  page_drop(&here);
}

/* One line for many: it goes to those who are here and on that worker, and to nobody else. */
static void test_an_event_for_many(void **state) {
  (void)state;
  struct page ann, ben, gone, far;
  world_open(NULL);
  int worker = page_enter(&ann, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  assert_int_equal(page_enter(&ben, "r1", "ben", SIGNALING_ROLE_PATIENT), worker);
  assert_int_equal(page_enter(&gone, "r1", "eva", SIGNALING_ROLE_PATIENT), worker);
  assert_int_not_equal(page_enter(&far, "r2", "fay", SIGNALING_ROLE_DOCTOR), worker);
  page_drop(&gone);
  world_worker_say(
      worker, "{'op':'event','sessions':['%s','s_nobody',7,'%s','%s','%s'],'msg':{'event':'roomLocked','locked':true}}",
      ann.session, gone.session, far.session, ben.session);
  assert_string_equal(text_at(page_take(&ann), "event"), "roomLocked");
  assert_string_equal(text_at(page_take(&ben), "event"), "roomLocked");
  assert_true(json_is_true(at(ben.last, "locked")));
  page_sync(&far);
  page_sync(&ann);
  world_worker_say(worker, "{'op':'event','sessions':{},'msg':{'event':'x'}}");
  world_worker_say(worker, "{'op':'event','sessions':['%s']}", ann.session);
  page_sync(&ann);
  page_drop(&far);
  page_drop(&ben);
  page_drop(&ann);
}

/* It was started anew and knows nothing. */
static void test_a_worker_that_forgot(void **state) {
  (void)state;
  struct page here, gone;
  world_open(NULL);
  int worker = page_enter(&here, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_join(&here, worker);
  page_enter(&gone, "r1", "ben", SIGNALING_ROLE_PATIENT);
  page_drop(&gone);
  world_worker_line(worker, "lost");
  world_worker_hang_up(worker);
  world_worker_hello(worker, "", "");
  assert_string_equal(text_at(world_worker_line(worker, "open"), "session"), here.session);
  assert_string_equal(text_at(page_take(&here), "event"), "mediaLost");
  assert_string_equal(text_at(here.last, "reason"), "worker_lost");
  assert_false(session_of(&here)->joined);
  /* Who has no page is opened when it has one. */
  assert_int_equal(world_worker_lines(worker, "open"), 0);
  assert_true(session_of(&gone)->media_lost);
  struct page back;
  page_open(&back);
  page_resume(&back, &gone);
  assert_string_equal(text_at(world_worker_line(worker, "open"), "session"), gone.session);
  assert_string_equal(text_at(page_take(&back), "event"), "mediaLost");
  page_drop(&back);
  page_drop(&here);
}

static void test_a_dead_worker_s_rooms_move(void **state) {
  (void)state;
  struct page p, lobby;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR), other = !worker;
  page_join(&p, worker);
  struct token_claims claims = world_claims("");
  claims.calls = true;
  page_open(&lobby);
  page_hello(&lobby, &claims);
  world.g.draining = true;
  world_worker_die(worker);
  assert_string_equal(text_at(page_take(&p), "event"), "mediaLost");
  assert_int_equal(session_of(&p)->worker, other);
  assert_int_equal(room_directory_find(world.g.directory, "r1"), other);
  while (strcmp(text_at(world_worker_line(other, "open"), "room"), "r1") != 0)
    continue;
  page_sync(&lobby); /* it had no media */
  assert_int_equal(session_of(&lobby)->worker, other);
  world_worker_die(other);
  assert_int_equal(session_of(&p)->worker, -1);
  assert_int_equal(world.g.counters.workers_lost, 2);
  page_send(&p, "{'id':9,'type':'chat','text':'x'}");
  page_expect_error(&p, "worker_lost");
  /* The first one is there again, and is told that the server drains. */
  world_worker_listen(worker);
  world_worker_hello(worker, "", "");
  world_worker_line(worker, "drain");
  assert_string_equal(text_at(page_take(&p), "event"), "mediaLost");
  assert_int_equal(session_of(&p)->worker, worker);
  page_drop(&p);
  page_drop(&lobby);
}

/* It comes back with sessions that live elsewhere by now, or that were given another room meanwhile. */
static void test_a_worker_that_remembers_too_much(void **state) {
  (void)state;
  struct page moved, elsewhere;
  char sessions[2000];
  world_open(NULL);
  int worker = page_enter(&moved, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  int other = page_enter(&elsewhere, "r2", "ben", SIGNALING_ROLE_PATIENT);
  assert_int_equal(other, !worker);
  world_worker_hang_up(worker);
  (void)snprintf(sessions, sizeof sessions, "%s,", told(moved.session, "an-older-room", "hash", true));
  strcat(sessions, told(elsewhere.session, "r2", "hash", true));
  world_worker_hello(worker, "", sessions);
  assert_string_equal(text_at(world_worker_line(worker, "end"), "session"), moved.session);
  assert_string_equal(text_at(world_worker_line(worker, "end"), "session"), elsewhere.session);
  json_t *open = world_worker_line(worker, "open");
  assert_string_equal(text_at(open, "session"), moved.session);
  assert_string_equal(text_at(open, "room"), "r1");
  assert_string_equal(text_at(page_take(&moved), "event"), "mediaLost");
  assert_int_equal(session_of(&elsewhere)->worker, other);
  page_sync(&elsewhere);
  page_drop(&moved);
  page_drop(&elsewhere);
}

static void test_words_of_a_worker(void **state) {
  (void)state;
  struct page p;
  char reason[128];
  world_open("turn: {secret: north, urls: [\"turn:t\"]}");
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  struct session *s = session_of(&p);
  const char *id = p.session;
  world_worker_say(worker, "{'op':'event','session':'%s','msg':{'event':'sync','room':{}}}", id);
  assert_string_equal(text_at(page_take(&p), "event"), "sync");
  assert_true(s->joined);
  world_worker_say(worker, "{'op':'event','session':'%s','msg':{'event':'sentBack'}}", id);
  assert_string_equal(text_at(page_take(&p), "event"), "sentBack");
  assert_false(s->joined);
  world_worker_say(worker, "{'op':'event','session':'%s','msg':{'event':'direct'}}", id);
  assert_string_equal(text_at(page_take(&p), "iceServers.0.urls.0"), "turn:t");
  assert_true(strstr(text_at(p.last, "iceServers.0.username"), id) != NULL); /* made now, for it */
  s->admitted = true;
  world_worker_say(worker, "{'op':'wait','session':'%s','wait':false}", id);
  world_turn();
  assert_true(!s->wait && s->admitted);
  world_worker_say(worker, "{'op':'wait','session':'%s','wait':true}", id);
  world_turn();
  assert_true(s->wait && !s->admitted);
  /* Of nobody, from the wrong worker, without sense. */
  world_worker_say(worker, "{'op':'event','session':'s_x','msg':{'event':'chat'}}");
  world_worker_say(!worker, "{'op':'event','session':'%s','msg':{'event':'chat'}}", id);
  world_worker_say(!worker, "{'op':'close','session':'%s','code':4001}", id);
  world_worker_say(worker, "{'op':'fly','session':'%s'}", id);
  page_sync(&p);
  world_worker_say(worker, "{'op':'event','session':'%s','msg':{'event':'kicked'}}", id);
  world_worker_say(worker, "{'op':'close','session':'%s','code':4001,'reason':'kicked'}", id);
  assert_string_equal(text_at(page_take(&p), "event"), "kicked");
  assert_int_equal(page_close_code(&p, reason), 4001);
  assert_string_equal(reason, "kicked");
  assert_null(session_table_find(&world.g.sessions, id));
  page_drop(&p);
  assert_int_equal(world_worker_lines(worker, "lost"), 0);
}

static void test_replies(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  struct session *s = session_of(&p);
  page_join(&p, worker);
  page_send(&p, "{'id':3,'type':'chat','text':'a'}");
  world_worker_line(worker, "request");
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':3,'error':{'code':'forbidden'}}}", p.session);
  page_expect_error(&p, "forbidden");
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':3,'ok':{}}}", p.session); /* once */
  page_sync(&p);
  assert_int_equal(world.g.counters.replies_unmatched, 1);
  page_send(&p, "{'id':4,'type':'leave'}");
  world_worker_line(worker, "request");
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':4,'error':{'code':'not_joined'}}}", p.session);
  page_expect_error(&p, "not_joined");
  assert_true(s->joined);
  page_send(&p, "{'id':5,'type':'leave'}");
  world_worker_line(worker, "request");
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':5,'ok':{}}}", p.session);
  assert_non_null(at(page_take(&p), "ok"));
  assert_false(s->joined);
  page_send(&p, "{'id':6,'type':'join'}"); /* into the waiting room: not in yet */
  world_worker_line(worker, "request");
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':6,'ok':{'waiting':'w_1'}}}", p.session);
  assert_non_null(at(page_take(&p), "ok"));
  assert_false(s->joined);
  page_drop(&p);
}

#define PRINT "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define SDP                                                                                                          \
  "v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\\r\\n"  \
  "c=IN IP4 0.0.0.0\\r\\na=mid:0\\r\\na=ice-ufrag:abcd\\r\\na=ice-pwd:abcdefghijklmnopqrstuvwx\\r\\na=setup:actpass" \
  "\\r\\na=fingerprint:sha-256 " PRINT "\\r\\na=sctp-port:5000\\r\\n"

static void answer_offer(struct page *p, int worker, int id, const char *pwd) {
  page_send(p, "{'id':%d,'type':'offer','sdp':'%s'}", id, SDP);
  world_worker_line(worker, "request");
  world_worker_say(worker,
                   "{'op':'reply','session':'%s','msg':{'re':%d,'ok':{'answer':{'ice':{'ufrag':'srvr','pwd':'%s'},"
                   "'fingerprint':{'algorithm':'sha-256','value':'" PRINT
                   "'},'setup':'passive','candidates':[],"
                   "'sctp':{'mid':'0','port':5000,'maxMessageSize':65536},'media':[{'mid':'0','accepted':true,"
                   "'direction':'sendrecv','pts':[],'extensions':[]}]}}}}",
                   p->session, id, pwd);
  page_take(p);
}

static void test_answers_become_sdp(void **state) {
  (void)state;
  struct page p;
  char origin[128];
  world_open(NULL);
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  answer_offer(&p, worker, 3, "0123456789012345678901");
  const char *sdp = text_at(p.last, "ok.sdp");
  assert_non_null(strstr(sdp, "a=ice-ufrag:srvr\r\n"));
  assert_null(at(p.last, "ok.answer"));
  (void)snprintf(origin, sizeof origin, "o=- %llu 2 ", (unsigned long long)session_of(&p)->origin_id);
  answer_offer(&p, worker, 4, "0123456789012345678901");
  if (!strstr(text_at(p.last, "ok.sdp"), origin)) /* RFC 3264 §8: the version goes up by one */
    fail_msg("no %s in %s", origin, text_at(p.last, "ok.sdp"));
  answer_offer(&p, worker, 5, "short");
  assert_string_equal(text_at(p.last, "error.code"), "internal");
  assert_int_equal(number_at(p.last, "re"), 5);
  assert_int_equal(world.g.counters.bad_answers, 1);
  page_sync(&p);
  page_drop(&p);
}

static void test_the_resume_window(void **state) {
  (void)state;
  struct page p, open;
  world_open("rooms: {resume_window_seconds: 30}");
  int worker = page_enter(&p, "r1", "ann", SIGNALING_ROLE_DOCTOR);
  page_enter(&open, "r1", "ben", SIGNALING_ROLE_PATIENT);
  page_drop(&p);
  int64_t lost_us = session_of(&p)->lost_us;
  workers_tick(&world.g, lost_us + 30000000);
  assert_non_null(session_of(&p));
  assert_int_equal(world_worker_lines(worker, "end"), 0);
  workers_tick(&world.g, lost_us + 30000001);
  assert_null(session_of(&p));
  assert_string_equal(text_at(world_worker_line(worker, "end"), "session"), p.session);
  assert_non_null(session_of(&open));
  assert_int_equal(room_directory_find(world.g.directory, "r1"), worker);
  page_drop(&open);
  workers_tick(&world.g, gateway_now_us() + 31000000);
  int64_t linger_us = (world.g.config->rooms.empty_linger_seconds + 5) * INT64_C(1000000);
  workers_tick(&world.g, gateway_now_us() + 40000000 + linger_us);
  assert_int_equal(room_directory_find(world.g.directory, "r1"), -1);
}

static const char *heard(void) {
  static char text[64];
  ssize_t n = recv(supervisor, text, sizeof text - 1, MSG_DONTWAIT);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static void test_the_clock(void **state) {
  (void)state;
  while (*heard())
    continue;
  world_open(NULL);
  world.g.last_tick_us = gateway_now_us();
  workers_tick(&world.g, gateway_now_us());
  json_t *query = world_worker_line(0, "query");
  assert_string_equal(text_at(query, "what"), "stats");
  json_int_t ref = number_at(query, "ref");
  world_worker_line(1, "query");
  world_worker_say(0, "{'op':'result','ref':%d,'value':{'rooms':4}}", (int)ref);
  world_turn();
  assert_int_equal(number_at(world.g.workers[0].stats, "rooms"), 4);
  /* No answer keeps the last one. */
  workers_tick(&world.g, gateway_now_us());
  query_tick(&world.g, gateway_now_us() + 3000000);
  assert_int_equal(number_at(world.g.workers[0].stats, "rooms"), 4);
  assert_string_equal(heard(), "");
  /* Worker 1 has said nothing for five seconds, worker 0 for a little less. The loop's clock is set, not waited for. */
  struct worker_link *const *links = (struct worker_link *[]){world.g.workers[0].link, world.g.workers[1].link};
  while (worker_link_silent_since_ms(links[0]) <= worker_link_silent_since_ms(links[1])) {
    world_worker_say(0, "{'op':'event','session':'s_x','msg':{}}");
    world_turn();
  }
  world.g.last_tick_us = gateway_now_us();
  world.g.loop.time = (uint64_t)worker_link_silent_since_ms(links[1]) + CHILD_SILENCE_SECONDS * 1000 - 1;
  workers_tick(&world.g, gateway_now_us());
  assert_string_equal(heard(), "");
  world.g.loop.time++;
  workers_tick(&world.g, gateway_now_us());
  assert_string_equal(heard(), "stalled 1");
  assert_string_equal(heard(), "");
  /* After a pause of the gateway itself nobody is accused. */
  world.g.last_tick_us = gateway_now_us() - 3000000;
  workers_tick(&world.g, gateway_now_us());
  assert_string_equal(heard(), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {WORLD_TEST(test_sessions_are_adopted),
                                     WORLD_TEST(test_an_event_for_many),
                                     WORLD_TEST(test_strange_sessions_are_not_adopted),
                                     WORLD_TEST(test_a_worker_comes_back),
                                     WORLD_TEST(test_a_worker_that_forgot),
                                     WORLD_TEST(test_a_dead_worker_s_rooms_move),
                                     WORLD_TEST(test_a_worker_that_remembers_too_much),
                                     WORLD_TEST(test_words_of_a_worker),
                                     WORLD_TEST(test_replies),
                                     WORLD_TEST(test_answers_become_sdp),
                                     WORLD_TEST(test_the_resume_window),
                                     WORLD_TEST(test_the_clock)};
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return 1;
  supervisor = fcntl(pair[0], F_DUPFD_CLOEXEC, 10);
  if (supervisor < 0 || (pair[1] != CHILD_STATUS_FD && dup2(pair[1], CHILD_STATUS_FD) < 0)) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
