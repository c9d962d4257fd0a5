/* WebSockets: one client each, from the first message (hello) to the last. What a room has to decide goes to its worker. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/gateway/guest_links.h"
#include "server/gateway/internal.h"
#include "server/log.h"
#include "signaling/json_limits.h"
#include "signaling/sdp_json.h"
#include "signaling/token.h"

static void send_text(struct listener_connection *connection, char *text) {
  if (text) listener_send(connection, text, strlen(text)); /* a slow or closing one closes by itself */
  free(text);
}

void clients_send(struct session *s, char *text) {
  struct client *c = s->client;
  if (c)
    send_text(c->connection, text);
  else
    free(text);
}

static void refuse(struct gateway *g, struct client *c, int64_t id, enum signaling_error code, const char *message) {
  g->counters.requests_refused++;
  send_text(c->connection, signaling_error_encode(id, code, message));
}

/* The session goes on without this WebSocket. */
static void detach(struct gateway *g, struct client *c) {
  int64_t ids[SESSION_PENDING_MAX];
  struct session *s = c->session;
  if (!s) return;
  for (size_t i = 0; i < s->pending_count; i++) /* nobody will see the reply; of a join, `sync` tells */
    if (s->pending[i].type == SIGNALING_LEAVE) workers_session_left(g, s);
  c->session = NULL;
  s->client = NULL;
  s->lost_us = gateway_now_us();
  calls_session_lost(g->calls, s->id, s->lost_us);
  session_pending_drop(s, ids); /* PROTOCOL.md: a reply that was lost is not sent again; `sync` tells the state */
}

void clients_disconnect(struct gateway *g, struct session *s, uint16_t code, const char *reason) {
  struct client *c = s->client;
  if (!c) return;
  detach(g, c);
  listener_disconnect(c->connection, code, reason);
}

void clients_end_all(struct gateway *g) {
  for (struct client *c = g->clients; c; c = c->next)
    listener_disconnect(c->connection, SIGNALING_CLOSE_GOING_AWAY, "server ends");
}

static void opened(struct listener_connection *connection, const char *endpoint, const char *remote, const char *origin,
                   void *arg) {
  struct gateway *g = arg;
  struct client *c = calloc(1, sizeof *c);
  (void)endpoint;
  (void)remote;
  (void)origin;
  if (!c) {
    listener_disconnect(connection, SIGNALING_CLOSE_GOING_AWAY, "out of memory");
    return;
  }
  c->connection = connection;
  c->opened_us = gateway_now_us();
  rate_limit_init(&c->rate, c->opened_us);
  c->next = g->clients;
  if (c->next) c->next->previous = c;
  g->clients = c;
  listener_set_user(connection, c);
}

static void closed(struct listener_connection *connection, uint16_t code, void *arg) {
  struct gateway *g = arg;
  struct client *c = listener_user(connection);
  if (!c) return;
  struct session *s = c->session;
  detach(g, c);
  if (s) {
    log_debug("client_closed", log_text("session", s->id), log_number("code", code));
    workers_tell(g, s, "lost");
  }
  if (c->next) c->next->previous = c->previous;
  *(c->previous ? &c->previous->next : &g->clients) = c->next;
  free(c);
}

void clients_tick(struct gateway *g, int64_t now_us) {
  for (struct client *c = g->clients; c; c = c->next)
    if (!c->session && now_us - c->opened_us > CLIENT_HELLO_US)
      listener_disconnect(c->connection, SIGNALING_CLOSE_AUTH_TIMEOUT, "no hello");
}

/* ---- hello -------------------------------------------------------------------------------------------------------- */

static void attach(struct client *c, struct session *s) {
  c->session = s;
  s->client = c;
  listener_set_message_limit(c->connection, JSON_LIMITS_OFFER_BYTES + 4096);
}

static void welcome(struct gateway *g, struct client *c, int64_t id, const char *key, bool resumed) {
  const struct session *s = c->session;
  json_t *limits = json_pack("{s:i, s:i, s:i}", "messageBytes", JSON_LIMITS_MESSAGE_BYTES, "offerBytes",
                             JSON_LIMITS_OFFER_BYTES, "chatBytes", SIGNALING_CHAT_BYTES);
  json_t *ok =
      json_pack("{s:i, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:o, s:o, s:I}", "version", SIGNALING_VERSION, "session",
                s->id, "resumeKey", key, "resumed", (int)resumed, "identity", s->identity, "name", s->name, "role",
                s->role, "room", s->room, "iceServers", ice_servers_json(g->config, s->id, gateway_wall_s()), "limits",
                limits, "resumeWindow", (json_int_t)g->config->rooms.resume_window_seconds);
  g->counters.hellos_ok++;
  send_text(c->connection, signaling_reply_encode(id, ok));
}

static enum signaling_error verify(struct gateway *g, const char *token, struct token_claims *claims,
                                   const char **message) {
  const struct token_key key = {(const uint8_t *)g->config->tokens.secret, strlen(g->config->tokens.secret)};
  int64_t now_s = gateway_wall_s();
  int error = token_verify(token, strlen(token), &key, 1, now_s, claims);
  if (error != TOKEN_OK) {
    log_info("token_refused", log_text("reason", token_error_name(error)));
    return token_error_to_signaling(error);
  }
  int64_t lifetime_s = g->config->tokens.max_lifetime_seconds;
  if (claims->guest && lifetime_s < GUEST_LINKS_TTL_MAX) lifetime_s = GUEST_LINKS_TTL_MAX;
  if (claims->expires_s > now_s + lifetime_s || strcmp(claims->room, SESSION_LOBBY) == 0) {
    *message = "the token is valid for longer than this server allows, or names a reserved room";
    log_info("token_refused", log_text("reason", "lifetime or room"));
    return SIGNALING_TOKEN_INVALID;
  }
  return SIGNALING_OK;
}

/* A token opens a session of its own, once. */
static enum signaling_error hello_with_token(struct gateway *g, struct client *c, int64_t id, const char *token,
                                             const char **message) {
  struct token_claims claims;
  char key[RESUME_KEY_CHARS + 1];
  enum signaling_error error = verify(g, token, &claims, message);
  if (error != SIGNALING_OK) return error;
  if (g->draining && room_directory_find(g->directory, claims.room) < 0) return SIGNALING_DRAINING;
  struct session *s = session_table_add(&g->sessions, NULL);
  if (!s) return SIGNALING_INTERNAL;
  snprintf(s->room, sizeof s->room, "%s", claims.room);
  snprintf(s->identity, sizeof s->identity, "%s", claims.identity);
  snprintf(s->name, sizeof s->name, "%s", claims.name);
  snprintf(s->jti, sizeof s->jti, "%s", claims.jti);
  snprintf(s->role, sizeof s->role, "%s", signaling_role_name(claims.role));
  s->expires_s = claims.expires_s;
  snprintf(s->home, sizeof s->home, "%s", claims.room);
  s->wait = s->home_wait = claims.wait;
  s->calls = claims.calls;
  s->guest = claims.guest;
  bool keyed = resume_key_generate(key) == 0 && resume_key_hash(key, strlen(key), s->resume_hash) == 0;
  int fresh = keyed ? used_tokens_add(g->used, claims.jti, claims.expires_s) : -1;
  error = fresh > 0 ? workers_open_session(g, s) : fresh == 0 ? SIGNALING_TOKEN_USED : SIGNALING_BUSY;
  if (error != SIGNALING_OK) {
    if (fresh == 0) {
      g->counters.tokens_reused++;
      log_info("token_refused", log_text("reason", "used"));
    } else if (fresh > 0) {
      used_tokens_remove(g->used, claims.jti); /* it opened nothing: the client may try again */
    }
    session_table_remove(&g->sessions, s);
    return error;
  }
  attach(c, s);
  log_info("session_opened", log_text("session", s->id), log_text("role", s->role), log_number("worker", s->worker));
  welcome(g, c, id, key, false);
  call_requests_session(g, s); /* it may ring at once */
  OPENSSL_cleanse(key, sizeof key);
  return SIGNALING_OK;
}

/* One answer for a wrong id and a wrong key, so that ids cannot be tried. */
static enum signaling_error hello_with_resume(struct gateway *g, struct client *c, int64_t id, const json_t *resume) {
  const char *name = json_string_value(json_object_get(resume, "session"));
  const char *key = json_string_value(json_object_get(resume, "key"));
  struct session *s = name ? session_table_find(&g->sessions, name) : NULL;
  if (!s || !key || !resume_key_matches(key, strlen(key), s->resume_hash)) return SIGNALING_SESSION_NOT_FOUND;
  clients_disconnect(g, s, SIGNALING_CLOSE_REPLACED, "resumed elsewhere"); /* the old socket was half dead */
  attach(c, s);
  g->counters.resumes++;
  log_info("session_resumed", log_text("session", s->id));
  welcome(g, c, id, key, true);
  if (s->worker >= 0)
    workers_tell(g, s, "resumed");
  else
    workers_recover_session(g, s);
  calls_session_resumed(g->calls, s->id, gateway_now_us());
  return SIGNALING_OK;
}

static void hello(struct gateway *g, struct client *c, const struct signaling_request *request) {
  const char *token = json_string_value(json_object_get(request->fields, "token")), *message = NULL;
  const json_t *resume = json_object_get(request->fields, "resume");
  enum signaling_error error = SIGNALING_NOT_AUTHENTICATED;
  if (c->session)
    error = SIGNALING_BAD_REQUEST;
  else if (json_integer_value(json_object_get(request->fields, "version")) != SIGNALING_VERSION)
    error = SIGNALING_UNSUPPORTED_VERSION;
  else if (resume)
    error = hello_with_resume(g, c, request->id, resume);
  else if (token)
    error = hello_with_token(g, c, request->id, token, &message);
  if (error == SIGNALING_OK) return;
  g->counters.hellos_refused++;
  refuse(g, c, request->id, error, message);
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

/* Parses the SDP of an offer into `fields.offer`. Returns the parsed offer, or NULL after the client was told why not. */
static struct sdp_offer *parse_offer(struct gateway *g, struct client *c, struct signaling_request *request) {
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {0};
  char message[160];
  const json_t *sdp = json_object_get(request->fields, "sdp");
  int error = sdp_offer_parse(&offer, json_string_value(sdp), json_string_length(sdp), &fault);
  json_t *parsed = error == SDP_OK ? sdp_offer_to_json(offer) : NULL;
  if (parsed) {
    json_object_del(request->fields, "sdp");
    json_object_set_new(request->fields, "offer", parsed);
    return offer;
  }
  sdp_offer_free(offer);
  snprintf(message, sizeof message, "line %u: %s", fault.line, sdp_error_text(error));
  refuse(g, c, request->id, error == SDP_OK ? SIGNALING_INTERNAL : SIGNALING_BAD_OFFER, message);
  return NULL;
}

static void forward(struct gateway *g, struct client *c, struct signaling_request *request) {
  struct session *s = c->session;
  struct sdp_offer *offer = NULL;
  if (s->worker < 0) {
    refuse(g, c, request->id, SIGNALING_WORKER_LOST, NULL);
    return;
  }
  if (request->type == SIGNALING_OFFER && !(offer = parse_offer(g, c, request))) return;
  if (session_pending_add(s, request->id, request->type, offer) != SIGNALING_OK) {
    refuse(g, c, request->id, SIGNALING_BUSY, NULL);
    return;
  }
  json_object_set_new(request->fields, "id", json_integer(request->id));
  json_object_set_new(request->fields, "type", json_string(signaling_type_name(request->type)));
  json_t *message = json_pack("{s:s, s:s, s:O}", "op", "request", "session", s->id, "msg", request->fields);
  if (workers_send(g, s->worker, message) == 0) return;
  struct session_pending taken;
  if (session_pending_take(s, request->id, &taken)) sdp_offer_free(taken.offer);
  refuse(g, c, request->id, SIGNALING_WORKER_LOST, NULL);
}

static void ping(struct client *c, const struct signaling_request *request) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  json_t *ok = json_pack("{s:I}", "at", (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
  send_text(c->connection, signaling_reply_encode(request->id, ok));
}

static void run_here(struct gateway *g, struct client *c, const struct signaling_request *request) {
  json_t *ok = NULL;
  enum signaling_error error = call_requests_run(g, c->session, request, &ok);
  if (error == SIGNALING_OK)
    send_text(c->connection, signaling_reply_encode(request->id, ok));
  else
    refuse(g, c, request->id, error, call_requests_words(request->type, error));
  call_requests_release(g);
}

static void handle(struct gateway *g, struct client *c, struct signaling_request *request) {
  enum signaling_role role;
  g->counters.requests++;
  if (request->type == SIGNALING_HELLO) {
    hello(g, c, request);
  } else if (!c->session) {
    refuse(g, c, request->id, SIGNALING_NOT_AUTHENTICATED, NULL);
  } else if (request->type == SIGNALING_PING) {
    ping(c, request);
  } else if (signaling_role_parse(c->session->role, &role) != 0 || !signaling_role_may(role, request->type)) {
    refuse(g, c, request->id, SIGNALING_FORBIDDEN, NULL);
  } else if (request->type == SIGNALING_CHECK &&
             strcmp(json_string_value(json_object_get(request->fields, "room")), c->session->room) != 0) {
    refuse(g, c, request->id, SIGNALING_FORBIDDEN, "the token is for another room"); /* whether or not it exists */
  } else if (call_requests_own(request->type)) {
    run_here(g, c, request);
  } else if (!*c->session->room) { /* the lobby */
    refuse(g, c, request->id, request->type == SIGNALING_JOIN ? SIGNALING_ROOM_NOT_FOUND : SIGNALING_NOT_JOINED,
           "This session has no room before it calls somebody or accepts a call.");
  } else {
    forward(g, c, request);
  }
}

static void received(struct listener_connection *connection, const char *text, size_t length, void *arg) {
  struct gateway *g = arg;
  struct client *c = listener_user(connection);
  struct signaling_request request;
  struct signaling_refusal why;
  if (!c) return;
  int error = signaling_request_decode(text, length, &request, &why);
  uint32_t cost = rate_limit_cost(error == SIGNALING_OK ? request.type : SIGNALING_CHAT, length);
  enum rate_limit_verdict verdict = rate_limit_take(&c->rate, cost, gateway_now_us());
  if (verdict == RATE_LIMIT_CLOSE) {
    listener_disconnect(connection, SIGNALING_CLOSE_RATE, "too many requests");
  } else if (verdict == RATE_LIMIT_REFUSE) {
    g->counters.rate_limited++;
    g->counters.requests_refused++;
    send_text(connection, signaling_rate_limited_encode(error == SIGNALING_OK ? request.id : why.id,
                                                        rate_limit_wait_us(&c->rate, cost)));
  } else if (error == SIGNALING_OK) {
    handle(g, c, &request);
  } else {
    refuse(g, c, why.id, why.code, why.message);
    if (error == SIGNALING_BAD_MESSAGE) listener_disconnect(connection, SIGNALING_CLOSE_PROTOCOL, "bad message");
  }
  if (error == SIGNALING_OK) signaling_request_clear(&request);
}

static void logged(int level, const char *line, void *arg) {
  (void)arg;
  if (level == 0)
    log_warn("listener", log_text("line", line));
  else
    log_debug("listener", log_text("line", line)); /* peers cause these */
}

const struct listener_events gateway_listener_events = {opened, received, closed, http_answer, logged};
