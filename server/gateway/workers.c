/* The workers as the gateway sees them: which sessions are open where, what they answer, and what happens when one dies. */
#include <stdlib.h>
#include <string.h>

#include "server/child.h"
#include "server/gateway/internal.h"
#include "server/log.h"
#include "signaling/sdp_json.h"

#define SILENCE_MS (CHILD_SILENCE_SECONDS * INT64_C(1000))

int workers_send(struct gateway *g, int worker, json_t *message) {
  if (worker >= 0) return worker_link_send(g->workers[worker].link, message);
  json_decref(message);
  return -1;
}

void workers_tell(struct gateway *g, const struct session *s, const char *op) {
  if (s->worker >= 0) workers_send(g, s->worker, json_pack("{s:s, s:s}", "op", op, "session", s->id));
}

/* Sessions in the lobby have no room and no media: some worker keeps them for a gateway that is started again. */
static int place_in_lobby(const struct gateway *g, const struct session *s) {
  for (size_t i = 0; i < g->worker_count; i++) {
    size_t worker = ((unsigned char)s->id[3] + i) % g->worker_count;
    if (worker_link_is_up(g->workers[worker].link)) return (int)worker;
  }
  return ROOM_DIRECTORY_NO_WORKER;
}

/* What a worker keeps for us, because the token said it and we forget it when we are started again. */
static json_t *kept_json(const struct session *s) {
  return json_pack("{s:s, s:b, s:b, s:b}", "home", s->home, "wait", (int)s->home_wait, "calls", (int)s->calls, "guest",
                   (int)s->guest);
}

enum signaling_error workers_open_session(struct gateway *g, struct session *s) {
  int worker = *s->room ? room_directory_place(g->directory, s->room) : place_in_lobby(g, s);
  if (worker == ROOM_DIRECTORY_FULL) return SIGNALING_BUSY;
  if (worker < 0) return worker == ROOM_DIRECTORY_NO_WORKER ? SIGNALING_WORKER_LOST : SIGNALING_INTERNAL;
  json_t *open = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:b, s:b, s:o}", "op", "open", "session",
                           s->id, "room", *s->room ? s->room : SESSION_LOBBY, "identity", s->identity, "name", s->name,
                           "role", s->role, "jti", s->jti, "exp", (json_int_t)s->expires_s, "resumeHash",
                           s->resume_hash, "wait", (int)s->wait, "admitted", (int)s->admitted, "keep", kept_json(s));
  if (workers_send(g, worker, open) != 0) return SIGNALING_WORKER_LOST;
  s->worker = worker;
  room_directory_session_added(g->directory, s->room);
  return SIGNALING_OK;
}

void workers_forget_session(struct gateway *g, struct session *s) {
  if (s->worker >= 0) room_directory_session_removed(g->directory, s->room, gateway_now_us());
  calls_session_close(g->calls, s->id, gateway_now_us());
  session_table_remove(&g->sessions, s);
}

/* Its worker died: open it somewhere else and tell the client that its media is gone. Without any worker, or without a
 * client, that waits until there is one. */
void workers_recover_session(struct gateway *g, struct session *s) {
  if (!s->client || workers_open_session(g, s) != SIGNALING_OK) return;
  s->media_lost = false;
  if (!*s->room) return; /* it had no media */
  clients_send(s, signaling_event_encode("mediaLost", json_pack("{s:s}", "reason", "worker_lost")));
}

static void recover_all(struct gateway *g) {
  struct session *s, *next;
  HASH_ITER(hh, g->sessions.sessions, s, next)
  if (s->media_lost) workers_recover_session(g, s);
}

/* Not by its own will: what it has ringing goes on. */
static void set_joined(struct gateway *g, struct session *s, bool joined) {
  s->joined = joined;
  if (joined)
    calls_session_joined(g->calls, s->id);
  else
    calls_session_left(g->calls, s->id, false, gateway_now_us());
}

void workers_session_left(struct gateway *g, struct session *s) {
  s->joined = false;
  calls_session_left(g->calls, s->id, true, gateway_now_us());
}

/* Lets go of what was open on a worker that died. */
static void lose_sessions(struct gateway *g, int worker, const json_t *except) {
  struct session *s, *next;
  int64_t ids[SESSION_PENDING_MAX];
  HASH_ITER(hh, g->sessions.sessions, s, next) {
    if (s->worker != worker || (except && json_object_get(except, s->id))) continue;
    size_t count = session_pending_drop(s, ids);
    for (size_t i = 0; i < count; i++)
      clients_send(s, signaling_error_encode(ids[i], SIGNALING_WORKER_LOST, NULL));
    s->worker = -1;
    s->media_lost = true;
    set_joined(g, s, false);
  }
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

static bool copy_text(char *to, size_t capacity, const json_t *object, const char *key) {
  const char *text = text_of(object, key);
  return (size_t)snprintf(to, capacity, "%s", text) < capacity;
}

/* A session that the worker has and we do not: we were started again. Its client will resume. */
static void adopt_session(struct gateway *g, int worker, const json_t *told) {
  struct session *s = session_table_add(&g->sessions, text_of(told, "session"));
  if (!s) return;
  bool ok = copy_text(s->room, sizeof s->room, told, "room") && copy_text(s->role, sizeof s->role, told, "role") &&
            copy_text(s->identity, sizeof s->identity, told, "identity") &&
            copy_text(s->name, sizeof s->name, told, "name") && copy_text(s->jti, sizeof s->jti, told, "jti") &&
            copy_text(s->resume_hash, sizeof s->resume_hash, told, "resumeHash");
  s->expires_s = json_integer_value(json_object_get(told, "exp"));
  s->wait = json_is_true(json_object_get(told, "wait"));
  s->admitted = json_is_true(json_object_get(told, "admitted"));
  s->joined = json_is_true(json_object_get(told, "joined"));
  const json_t *kept = json_object_get(told, "keep");
  ok = ok && copy_text(s->home, sizeof s->home, kept, "home");
  s->home_wait = json_is_true(json_object_get(kept, "wait"));
  s->calls = json_is_true(json_object_get(kept, "calls"));
  s->guest = json_is_true(json_object_get(kept, "guest"));
  if (strcmp(s->room, SESSION_LOBBY) == 0) s->room[0] = '\0';
  s->lost_us = gateway_now_us();
  if (!ok) {
    session_table_remove(&g->sessions, s);
    return;
  }
  s->worker = worker;
  call_requests_session(g, s);
}

static void take_used(struct gateway *g, const json_t *list) {
  size_t i;
  json_t *one;
  json_array_foreach(list, i, one) {
    if (*text_of(one, "jti"))
      used_tokens_add(g->used, text_of(one, "jti"), json_integer_value(json_object_get(one, "exp")));
  }
}

/* Brings our picture in line with what the worker says it holds. */
static void worker_up(void *arg, size_t index, const json_t *hello) {
  struct gateway *g = arg;
  struct worker *w = &g->workers[index];
  const json_t *sessions = json_object_get(hello, "sessions");
  json_t *held = json_object(), *one;
  size_t i;
  w->ups++;
  w->pid = json_integer_value(json_object_get(hello, "pid"));
  room_directory_worker_up(g->directory, index);
  json_array_foreach(json_object_get(hello, "rooms"), i, one)
      room_directory_learn(g->directory, json_is_string(one) ? json_string_value(one) : text_of(one, "room"), index);
  json_array_foreach(sessions, i, one) json_object_set(held, text_of(one, "session"), one);
  lose_sessions(g, (int)index, held); /* ours that it does not know (any more) */
  json_array_foreach(sessions, i, one) {
    struct session *s = session_table_find(&g->sessions, text_of(one, "session"));
    if (strcmp(text_of(one, "room"), SESSION_LOBBY) != 0)
      room_directory_learn(g->directory, text_of(one, "room"), index);
    if (!s) {
      adopt_session(g, (int)index, one);
      s = session_table_find(&g->sessions, text_of(one, "session"));
    } else if (s->worker >= 0 && s->worker != (int)index) {
      workers_send(g, (int)index, json_pack("{s:s, s:s}", "op", "end", "session", s->id)); /* it lives elsewhere now */
      continue;
    } else if (strcmp(text_of(one, "room"), *s->room ? s->room : SESSION_LOBBY) != 0) {
      /* It was given another room, and the line broke before the worker heard of it: recover_all() opens it there. */
      workers_send(g, (int)index, json_pack("{s:s, s:s}", "op", "end", "session", s->id));
      s->worker = -1;
      s->media_lost = true;
      set_joined(g, s, false);
      continue;
    } else {
      s->worker = (int)index;
      s->media_lost = false;
      set_joined(g, s, json_is_true(json_object_get(one, "joined")));
      workers_tell(g, s, s->client ? "resumed" : "lost");
    }
    if (s) room_directory_session_added(g->directory, s->room);
  }
  take_used(g, sessions);
  take_used(g, json_object_get(hello, "spent"));
  json_decref(held);
  log_info("worker_up", log_number("worker", index), log_number("pid", w->pid),
           log_number("sessions", json_array_size(sessions)));
  if (g->draining) workers_send(g, (int)index, json_pack("{s:s}", "op", "drain"));
  recover_all(g);
}

static void worker_down(void *arg, size_t index) {
  struct gateway *g = arg;
  struct session *s, *next;
  int64_t ids[SESSION_PENDING_MAX];
  if (!g->ending) log_warn("worker_connection_lost", log_number("worker", index));
  query_worker_down(g, (int)index);
  room_directory_worker_down(g->directory, index);
  HASH_ITER(hh, g->sessions.sessions, s, next) {
    if (s->worker != (int)index) continue;
    size_t count = session_pending_drop(s, ids); /* their replies went down with the connection */
    for (size_t i = 0; i < count; i++)
      clients_send(s, signaling_error_encode(ids[i], SIGNALING_WORKER_LOST, NULL));
  }
}

static void worker_absent(void *arg, size_t index) {
  struct gateway *g = arg;
  struct worker *w = &g->workers[index];
  if (w->ups > 0 && !g->ending) {
    g->counters.workers_lost++;
    log_error("worker_lost", log_number("worker", index), log_number("pid", w->pid));
  }
  json_decref(w->stats);
  w->stats = NULL;
  lose_sessions(g, (int)index, NULL);
  recover_all(g);
}

/* Puts SDP in place of the parsed answer. Returns false when that cannot be done. */
static bool write_answer(struct session *s, json_t *ok, const struct sdp_offer *offer) {
  struct sdp_answer *answer = NULL;
  struct sdp_json_fault fault = {""};
  const char *mid = NULL;
  static char text[SDP_MAX_BYTES]; /* one loop: one answer at a time */
  size_t length = 0;
  int error = sdp_answer_from_json(&answer, json_object_get(ok, "answer"), &fault);
  if (error == SDP_OK) {
    answer->origin_id = s->origin_id;
    answer->origin_version = ++s->origin_version;
    error = sdp_answer_write(answer, offer, text, sizeof text, &length, &mid);
    sdp_answer_free(answer);
  }
  if (error != SDP_OK) {
    log_error("bad_answer", log_text("error", sdp_error_name(error)), log_text("key", fault.key),
              log_text("mid", mid ? mid : ""));
    return false;
  }
  json_object_del(ok, "answer");
  json_object_set_new(ok, "sdp", json_stringn(text, length));
  return true;
}

static void take_reply(struct gateway *g, struct session *s, json_t *reply) {
  struct session_pending request;
  int64_t id = json_integer_value(json_object_get(reply, "re"));
  json_t *ok = json_object_get(reply, "ok");
  if (!session_pending_take(s, id, &request)) {
    g->counters.replies_unmatched++; /* the client came back meanwhile and does not wait for it */
    return;
  }
  if (request.offer && ok && !write_answer(s, ok, request.offer)) {
    g->counters.bad_answers++;
    clients_send(s, signaling_error_encode(id, SIGNALING_INTERNAL, NULL));
  } else {
    clients_send(s, json_dumps(reply, JSON_COMPACT));
  }
  sdp_offer_free(request.offer);
  if (ok && request.type == SIGNALING_JOIN && json_object_get(ok, "participant")) set_joined(g, s, true);
  if (ok && request.type == SIGNALING_LEAVE) workers_session_left(g, s);
}

/* An attempt at a direct connection may come hours after `hello`: the credentials for TURN are made anew. */
static void pass_event(struct gateway *g, struct session *s, json_t *event) {
  const char *name = text_of(event, "event");
  if (strcmp(name, "sync") == 0) set_joined(g, s, true);
  if (strcmp(name, "sentBack") == 0) set_joined(g, s, false);
  if (strcmp(name, "direct") == 0)
    json_object_set_new(event, "iceServers", ice_servers_json(g->config, s->id, gateway_wall_s()));
  clients_send(s, json_dumps(event, JSON_COMPACT));
}

/* NULL: it ended here while the message was on its way. */
static struct session *session_of(const struct gateway *g, size_t index, const char *id) {
  struct session *s = session_table_find(&g->sessions, id);
  return s && s->worker == (int)index && s->deaf == 0 ? s : NULL;
}

/* Written once for all of a room. Never one of those that pass_event() looks into: they are told one by one. */
static void pass_to_all(const struct gateway *g, size_t index, const json_t *sessions, const json_t *event) {
  char *text = json_dumps(event, JSON_COMPACT);
  size_t place;
  const json_t *id;
  if (!text) return;
  json_array_foreach(sessions, place, id) {
    struct session *s = json_is_string(id) ? session_of(g, index, json_string_value(id)) : NULL;
    if (s) clients_send(s, strdup(text));
  }
  free(text);
}

static void worker_message(void *arg, size_t index, json_t *message) {
  struct gateway *g = arg;
  const char *op = text_of(message, "op");
  json_t *inner = json_object_get(message, "msg");
  const json_t *sessions = json_object_get(message, "sessions");
  if (strcmp(op, "result") == 0) {
    query_result(g, message);
    return;
  }
  if (sessions && strcmp(op, "event") == 0) {
    pass_to_all(g, index, sessions, inner);
    return;
  }
  struct session *s = session_of(g, index, text_of(message, "session"));
  if (!s) return;
  if (strcmp(op, "reply") == 0) {
    take_reply(g, s, inner);
  } else if (strcmp(op, "event") == 0) {
    pass_event(g, s, inner);
  } else if (strcmp(op, "wait") == 0) {
    s->wait = json_is_true(json_object_get(message, "wait"));
    if (s->wait) s->admitted = false; /* sent back */
  } else if (strcmp(op, "close") == 0) {
    uint16_t code = (uint16_t)json_integer_value(json_object_get(message, "code"));
    if (code == SIGNALING_CLOSE_ROOM_CLOSED && sessions_return(g, s)) return;
    clients_disconnect(g, s, code, text_of(message, "reason"));
    workers_forget_session(g, s);
  }
}

static void keep_stats(void *arg, json_t *value, const char *code, const char *message) {
  struct worker *w = arg;
  (void)code;
  (void)message;
  if (!value) return;
  json_decref(w->stats);
  w->stats = json_incref(value);
}

void workers_tick(struct gateway *g, int64_t now_us) {
  char text[32];
  struct session *s, *next;
  for (size_t i = 0; i < g->worker_count; i++) {
    struct worker_link *link = g->workers[i].link;
    if (worker_link_is_up(link)) query_send(g, (int)i, "stats", NULL, keep_stats, &g->workers[i]);
    /* After a pause of our own (SIGSTOP, a suspended laptop) their words still wait in the socket. */
    if (now_us - g->last_tick_us > 2500000) continue;
    if ((int64_t)uv_now(&g->loop) - worker_link_silent_since_ms(link) < SILENCE_MS) continue;
    snprintf(text, sizeof text, "stalled %zu", i); /* connected, asked every second, and silent */
    child_tell(text);
  }
  const int64_t window_us = g->config->rooms.resume_window_seconds * 1000000;
  HASH_ITER(hh, g->sessions.sessions, s, next) {
    if (s->client || now_us - s->lost_us <= window_us) continue;
    workers_tell(g, s, "end");
    workers_forget_session(g, s);
  }
  room_directory_expire(g->directory, now_us, (g->config->rooms.empty_linger_seconds + 5) * INT64_C(1000000));
}

int workers_start(struct gateway *g) {
  char path[160];
  const struct worker_link_listener listener = {worker_up, worker_message, worker_down, worker_absent, g};
  for (; g->worker_count < (size_t)g->config->media.workers; g->worker_count++) {
    snprintf(path, sizeof path, "%s/worker-%zu.sock", g->config->runtime_directory, g->worker_count);
    int error = worker_link_create(&g->workers[g->worker_count].link, &g->loop, g->worker_count, path, &listener);
    if (error) return error;
  }
  return 0;
}

void workers_close(struct gateway *g) {
  for (size_t i = 0; i < g->worker_count; i++) {
    worker_link_close(g->workers[i].link);
    json_decref(g->workers[i].stats);
    g->workers[i].stats = NULL;
  }
}
