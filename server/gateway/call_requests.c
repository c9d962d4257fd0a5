/* Calls and guest links: what clients ask for that needs no room's worker but everybody's sessions. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "server/gateway/guest_links.h"
#include "server/gateway/internal.h"
#include "server/log.h"
#include "signaling/role.h"
#include "signaling/token.h"

#define CALLER_GRACE_US INT64_C(15000000) /* PROTOCOL.md §15: a caller whose WebSocket is lost rings on for 15 s */

static int64_t wall_minus_now_us(void) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  return (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - gateway_now_us();
}

static enum signaling_role role_of(const struct session *s) {
  enum signaling_role role = SIGNALING_ROLE_PATIENT;
  (void)signaling_role_parse(s->role, &role); /* it came from a token */
  return role;
}

/* ---- what the call manager says ------------------------------------------------------------------------------------- */

/* While a request runs its events wait: the client hears the reply first. */
static void notify(void *arg, const char *session, const struct calls_notice *notice) {
  struct gateway *g = arg;
  struct session *s = session_table_find(&g->sessions, session);
  json_t *event = calls_notice_json(notice, wall_minus_now_us());
  if (!s || !event) {
    json_decref(event);
  } else if (g->held_events) {
    json_array_append_new(g->held_events, json_pack("{s:s, s:o}", "session", session, "event", event));
  } else {
    clients_send(s, json_dumps(event, JSON_COMPACT));
    json_decref(event);
  }
}

static enum signaling_error enter(void *arg, const char *session, const char *room, bool invited) {
  struct gateway *g = arg;
  struct session *s = session_table_find(&g->sessions, session);
  if (!s) return SIGNALING_INTERNAL;
  /* Nobody can be waiting behind the door of a room that was made for this call. */
  bool own = strncmp(room, CALLS_ROOM_PREFIX, strlen(CALLS_ROOM_PREFIX)) == 0;
  return sessions_move(g, s, room, invited || own);
}

static void fill_random(void *arg, void *out, size_t bytes) {
  (void)arg;
  if (getrandom(out, bytes, 0) != (ssize_t)bytes) abort(); /* it has no reason to fail, and ids must not be guessed */
}

static struct calls_settings settings_of(const struct config *c) {
  int64_t window_us = c->rooms.resume_window_seconds * 1000000;
  return (struct calls_settings){.ring_us = c->calls.ring_seconds * 1000000,
                                 .caller_grace_us = window_us < CALLER_GRACE_US ? window_us : CALLER_GRACE_US};
}

int call_requests_start(struct gateway *g) {
  const struct calls_settings settings = settings_of(g->config);
  const struct calls_listener listener = {notify, enter, fill_random, g};
  return calls_create(&g->calls, &settings, &listener);
}

void call_requests_reload(struct gateway *g) {
  const struct calls_settings settings = settings_of(g->config);
  calls_set(g->calls, &settings);
}

void call_requests_session(struct gateway *g, const struct session *s) {
  enum signaling_role role = role_of(s);
  bool host = role == SIGNALING_ROLE_DOCTOR || role == SIGNALING_ROLE_ADMIN;
  const struct calls_session_info info = {.session = s->id,
                                          .identity = s->identity,
                                          .name = s->name,
                                          .role = s->role,
                                          .home = s->home,
                                          .room = s->room,
                                          .may_call = !s->guest && (host || s->calls),
                                          .host = host,
                                          .reachable = role != SIGNALING_ROLE_OBSERVER,
                                          .connected = s->client != NULL,
                                          .joined = s->joined};
  if (calls_session_open(g->calls, &info, gateway_now_us()) != 0) log_warn("calls_session_refused");
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *fields, const char *key) {
  return json_string_value(json_object_get(fields, key));
}

static enum signaling_error invite(struct gateway *g, struct session *s, const json_t *f, json_t **ok) {
  const char *to[CALLS_INVITEES_MAX];
  const json_t *list = json_object_get(f, "to");
  struct calls_invitation in = {.to = to,
                                .room = text_of(f, "room"),
                                .message = text_of(f, "message"),
                                .video = json_is_true(json_object_get(f, "video"))};
  struct calls_invited out;
  size_t i;
  json_t *one;
  json_array_foreach(list, i, one) to[in.to_count++] = json_string_value(one); /* the schema counts them */
  enum signaling_error error = calls_invite(g->calls, s->id, &in, &out, gateway_now_us());
  if (error == SIGNALING_OK)
    *ok = json_pack("{s:s, s:s, s:I}", "call", out.call, "room", out.room, "expiresAt",
                    (json_int_t)((out.expires_us + wall_minus_now_us()) / 1000));
  return error;
}

static enum signaling_error accept_call(struct gateway *g, struct session *s, const json_t *f, json_t **ok) {
  char room[SIGNALING_IDENTIFIER_BYTES + 1];
  enum signaling_error error = calls_accept(g->calls, s->id, text_of(f, "call"),
                                            json_is_true(json_object_get(f, "video")), room, gateway_now_us());
  if (error == SIGNALING_OK) *ok = json_pack("{s:s}", "room", room);
  return error;
}

static enum signaling_error check_user(struct gateway *g, const json_t *f, json_t **ok) {
  struct calls_presence p = calls_presence(g->calls, text_of(f, "identity"), gateway_now_us());
  *ok = json_pack("{s:b, s:b}", "online", (int)p.online, "busy", (int)p.busy);
  return SIGNALING_OK;
}

/* ---- guest links ---------------------------------------------------------------------------------------------------- */

/* {link, url, expiresAt}, or NULL. */
static json_t *link_json(const struct config *c, const struct token_claims *claims) {
  const struct token_key key = {(const uint8_t *)c->tokens.secret, strlen(c->tokens.secret)};
  char *token = NULL;
  if (token_mint(claims, &key, &token) != TOKEN_OK) return NULL;
  json_t *url = json_sprintf("%s/#token=%s", c->http.public_url, token);
  OPENSSL_cleanse(token, strlen(token));
  free(token);
  return json_pack("{s:s, s:o, s:I}", "link", claims->jti, "url", url, "expiresAt",
                   (json_int_t)claims->expires_s * 1000);
}

static enum signaling_error create_link(struct gateway *g, const struct session *s, const json_t *f, json_t **ok) {
  struct token_claims claims = {.guest = true};
  const json_t *ttl = json_object_get(f, "ttl"), *wait = json_object_get(f, "wait");
  const char *name = text_of(f, "name");
  uint8_t random[24];
  char link[GUEST_LINKS_BYTES];
  if (!s->joined) return SIGNALING_NOT_JOINED;
  fill_random(NULL, random, sizeof random);
  claims.expires_s = gateway_wall_s() + (ttl ? json_integer_value(ttl) : GUEST_LINKS_TTL_DEFAULT);
  if (signaling_role_parse(text_of(f, "role"), &claims.role) != 0 ||
      guest_links_make(g->config->tokens.secret, s->room, claims.expires_s, random, link) != 0)
    return SIGNALING_INTERNAL;
  claims.wait = wait ? json_is_true(wait) : claims.role == SIGNALING_ROLE_PATIENT;
  (void)snprintf(claims.room, sizeof claims.room, "%s", s->room);
  (void)snprintf(claims.jti, sizeof claims.jti, "%s", link);
  (void)snprintf(claims.name, sizeof claims.name, "%s", name ? name : "Guest");
  (void)snprintf(claims.identity, sizeof claims.identity, "guest-");
  for (size_t i = 16; i < sizeof random; i++) /* not from the link's own bits: others see identities */
    (void)snprintf(claims.identity + strlen(claims.identity), 3, "%02x", random[i]);
  if (!(*ok = link_json(g->config, &claims))) return SIGNALING_INTERNAL;
  g->counters.links_created++;
  log_info("guest_link_created", log_text("session", s->id), log_text("role", signaling_role_name(claims.role)));
  return SIGNALING_OK;
}

/* A link that is revoked counts as used. Whether it was revoked or used before is told by a mark beside it. */
static enum signaling_error revoke_link(struct gateway *g, const struct session *s, const json_t *f, json_t **ok) {
  const char *link = text_of(f, "link");
  char mark[SIGNALING_IDENTIFIER_BYTES + 2];
  int64_t expires_s = 0;
  if (!s->joined) return SIGNALING_NOT_JOINED;
  if (!guest_links_check(g->config->tokens.secret, s->room, link, &expires_s) || expires_s <= gateway_wall_s())
    return SIGNALING_LINK_NOT_FOUND;
  (void)snprintf(mark, sizeof mark, "-%s", link);
  int fresh = used_tokens_add(g->used, link, expires_s), marked = used_tokens_add(g->used, mark, expires_s);
  if (fresh < 0) return SIGNALING_BUSY;
  bool used = fresh == 0 && marked != 0;
  if (used) used_tokens_remove(g->used, mark);
  if (fresh > 0) {
    g->counters.links_revoked++;
    log_info("guest_link_revoked", log_text("session", s->id));
    for (size_t i = 0; i < g->worker_count; i++) /* they tell a gateway that is started again */
      workers_send(g, (int)i, json_pack("{s:s, s:s, s:I}", "op", "spend", "jti", link, "exp", (json_int_t)expires_s));
  }
  *ok = json_pack("{s:b}", "used", (int)used);
  return SIGNALING_OK;
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

bool call_requests_own(enum signaling_type type) {
  return type >= SIGNALING_INVITE && type <= SIGNALING_REVOKE_GUEST_LINK;
}

enum signaling_error call_requests_run(struct gateway *g, struct session *s, const struct signaling_request *request,
                                       json_t **ok) {
  const json_t *f = request->fields;
  g->held_events = json_array();
  switch (request->type) {
    case SIGNALING_INVITE:
      return invite(g, s, f, ok);
    case SIGNALING_ACCEPT:
      return accept_call(g, s, f, ok);
    case SIGNALING_DECLINE:
      return calls_decline(g->calls, s->id, text_of(f, "call"), text_of(f, "reason"), gateway_now_us());
    case SIGNALING_CANCEL:
      return calls_cancel(g->calls, s->id, text_of(f, "call"), gateway_now_us());
    case SIGNALING_CHECK_USER:
      return check_user(g, f, ok);
    case SIGNALING_CREATE_GUEST_LINK:
      return create_link(g, s, f, ok);
    case SIGNALING_REVOKE_GUEST_LINK:
      return revoke_link(g, s, f, ok);
    default:
      return SIGNALING_UNKNOWN_TYPE;
  }
}

const char *call_requests_words(enum signaling_type type, enum signaling_error error) {
  if (type != SIGNALING_INVITE) return NULL;
  if (error == SIGNALING_RATE_LIMITED) return "Too many invitations; there is one more every six seconds.";
  return error == SIGNALING_BUSY ? "Four calls ring already; cancel one first." : NULL;
}

void call_requests_release(struct gateway *g) {
  json_t *held = g->held_events, *one;
  size_t i;
  g->held_events = NULL;
  json_array_foreach(held, i, one) {
    struct session *s = session_table_find(&g->sessions, text_of(one, "session"));
    if (s) clients_send(s, json_dumps(json_object_get(one, "event"), JSON_COMPACT));
  }
  json_decref(held);
}
