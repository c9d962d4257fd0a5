/* HTTP: health and version for everybody, metrics and the admin API for whoever has the token. */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "server/gateway/internal.h"
#include "server/gateway/metrics.h"
#include "server/log.h"
#include "server/token_maker.h"
#include "server/version.h"

#define ROOMS_PATH "/api/v1/rooms"

static void respond(struct listener_request *request, int status, const char *type, const char *text) {
  const struct listener_response response = {status, text ? type : NULL, text, text ? strlen(text) : 0, NULL, 0};
  listener_respond(request, &response);
}

/* Takes `value` over. */
static void respond_json(struct listener_request *request, json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT);
  json_decref(value);
  if (text)
    respond(request, 200, "application/json", text);
  else
    listener_respond_problem(request, 500, "internal", "out of memory");
  free(text);
}

/* RFC 6750 §2.1. Hashes are compared, so that the time tells neither content nor length. */
static bool is_admin(const struct gateway *g, const char *authorization) {
  unsigned char given[SHA256_DIGEST_LENGTH], wanted[SHA256_DIGEST_LENGTH];
  const char *token = g->config->admin.token;
  bool bearer = strncasecmp(authorization, "Bearer ", 7) == 0 && *token;
  const char *text = bearer ? authorization + 7 : "";
  SHA256((const unsigned char *)text, strlen(text), given);
  SHA256((const unsigned char *)token, strlen(token), wanted);
  return (CRYPTO_memcmp(given, wanted, sizeof given) == 0) & bearer;
}

/* RFC 9110 §15.5.2: a 401 "MUST send a WWW-Authenticate header field". */
static void respond_unauthorized(struct listener_request *request) {
  static const char body[] =
      "{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,\"code\":\"not_authenticated\","
      "\"detail\":\"This needs the admin token as bearer token.\"}";
  const struct listener_header challenge = {"WWW-Authenticate", "Bearer realm=\"consilium\""};
  const struct listener_response response = {401, "application/problem+json", body, sizeof body - 1, &challenge, 1};
  listener_respond(request, &response);
}

/* ---- answers that wait for workers --------------------------------------------------------------------------------- */

struct fan_out {
  struct listener_request *request;
  json_t *list;
  size_t waiting;
  const char *failed;
};

static void rooms_done(struct fan_out *f) {
  if (f->failed) /* a list with holes would be taken for the whole */
    listener_respond_problem(f->request, 503, f->failed, "A worker did not answer; try again.");
  else
    respond_json(f->request, json_pack("{s:O}", "rooms", f->list));
  json_decref(f->list);
  free(f);
}

static void rooms_answered(void *arg, json_t *value, const char *code, const char *message) {
  struct fan_out *f = arg;
  (void)message;
  if (json_is_array(value))
    json_array_extend(f->list, value);
  else
    f->failed = code ? "worker_lost" : "internal";
  if (--f->waiting == 0) rooms_done(f);
}

static void list_rooms(struct gateway *g, struct listener_request *request) {
  struct fan_out *f = calloc(1, sizeof *f);
  if (!f) {
    listener_respond_problem(request, 503, "busy", "out of memory");
    return;
  }
  *f = (struct fan_out){request, json_array(), 1, NULL};
  for (size_t i = 0; i < g->worker_count; i++) {
    if (!worker_link_is_up(g->workers[i].link)) continue;
    f->waiting++;
    query_send(g, (int)i, "rooms", NULL, rooms_answered, f);
  }
  if (--f->waiting == 0) rooms_done(f);
}

static int status_of(const char *code) {
  if (strcmp(code, "room_not_found") == 0 || strcmp(code, "participant_not_found") == 0) return 404;
  return strcmp(code, "worker_lost") == 0 || strcmp(code, "timeout") == 0 ? 503 : 500;
}

static void room_answered(void *arg, json_t *value, const char *code, const char *message) {
  if (value)
    respond_json(arg, json_incref(value));
  else
    listener_respond_problem(arg, status_of(code), code, message);
}

static void removal_answered(void *arg, json_t *value, const char *code, const char *message) {
  if (value)
    respond(arg, 204, NULL, NULL);
  else
    listener_respond_problem(arg, status_of(code), code, message);
}

/* /api/v1/rooms/{room}[/participants/{participant}] */
static void one_room(struct gateway *g, struct listener_request *request, const struct listener_request_view *view) {
  char room[SIGNALING_IDENTIFIER_BYTES + 1];
  const char *rest = view->path + strlen(ROOMS_PATH "/"), *slash = strchr(rest, '/');
  const char *participant = slash && strncmp(slash, "/participants/", 14) == 0 ? slash + 14 : NULL;
  size_t length = slash ? (size_t)(slash - rest) : strlen(rest);
  bool delete = strcmp(view->method, "DELETE") == 0;
  if ((slash && !participant) || !signaling_identifier_valid(rest, length) ||
      (participant && !signaling_identifier_valid(participant, strlen(participant)))) {
    listener_respond_problem(request, 404, "not_found", "There is nothing at this path.");
    return;
  }
  if (!delete &&(participant || strcmp(view->method, "GET") != 0)) {
    const struct listener_header allow = {"Allow", participant ? "DELETE" : "GET, DELETE"};
    const struct listener_response response = {405, NULL, NULL, 0, &allow, 1};
    listener_respond(request, &response);
    return;
  }
  memcpy(room, rest, length);
  room[length] = '\0';
  int worker = room_directory_find(g->directory, room);
  if (worker < 0) {
    listener_respond_problem(request, 404, "room_not_found", "There is no such room.");
    return;
  }
  json_t *fields = json_pack("{s:s}", "room", room);
  if (participant) json_object_set_new(fields, "participant", json_string(participant));
  if (delete)
    log_info("audit_admin_removal", log_text("room", room), log_text("participant", participant ? participant : ""));
  query_send(g, worker,
             !delete       ? "room"
             : participant ? "removeParticipant"
                           : "closeRoom",
             fields, delete ? removal_answered : room_answered, request);
}

/* ---- answers at once ----------------------------------------------------------------------------------------------- */

static void send_metrics(struct gateway *g, struct listener_request *request) {
  size_t length = 0;
  char *text = metrics_export(g, &length);
  respond(request, text ? 200 : 500, METRICS_CONTENT_TYPE, text);
  free(text);
}

static void send_ready(struct gateway *g, struct listener_request *request) {
  if (g->draining)
    listener_respond_problem(request, 503, "draining", "The server ends when its calls have ended.");
  else if (!gateway_workers_up(g, false))
    listener_respond_problem(request, 503, "worker_lost", "No media worker is connected.");
  else
    respond(request, 200, "text/plain; charset=utf-8", "ready\n");
}

/* --dev only: a token for whoever asks, so that a link works without a login. `lobby` leaves the room out. */
static void send_dev_token(struct gateway *g, struct listener_request *request) {
  const char *room = listener_request_query(request, "room"), *name = listener_request_query(request, "name");
  const char *role = listener_request_query(request, "role"), *identity = listener_request_query(request, "identity");
  const char *lobby = listener_request_query(request, "lobby"), *wait = listener_request_query(request, "wait");
  char made[64];
  unsigned hash = 5381;
  for (const char *c = name ? name : ""; *c; c++)
    hash = hash * 33 + (unsigned char)*c;
  snprintf(made, sizeof made, "dev-%08x-%s", hash, role && strlen(role) < 16 ? role : "patient");
  if (!room) room = "demo";
  if (lobby) room = "";
  char *token =
      token_maker_mint(g->config, room, identity && *identity ? identity : made, name && *name ? name : "Guest",
                       role && *role ? role : "patient", 600, TOKEN_MAKER_CALLS | (wait ? TOKEN_MAKER_WAIT : 0U));
  if (token)
    respond_json(request, json_pack("{s:s}", "token", token));
  else
    listener_respond_problem(request, 400, "bad_request", "room, name or role cannot be used.");
  free(token);
}

static void admin_request(struct gateway *g, struct listener_request *request,
                          const struct listener_request_view *view) {
  bool get = strcmp(view->method, "GET") == 0;
  if (!is_admin(g, view->authorization))
    respond_unauthorized(request);
  else if (strncmp(view->path, ROOMS_PATH "/", strlen(ROOMS_PATH "/")) == 0)
    one_room(g, request, view);
  else if (!get)
    listener_respond_problem(request, 405, "method_not_allowed", "Only GET is answered here.");
  else if (strcmp(view->path, "/metrics") == 0)
    send_metrics(g, request);
  else if (strcmp(view->path, ROOMS_PATH) == 0)
    list_rooms(g, request);
  else if (strcmp(view->path, "/api/v1/openapi.yaml") == 0)
    respond(request, 200, "application/yaml", openapi_yaml);
  else
    listener_respond_problem(request, 404, "not_found", "There is nothing at this path.");
}

void http_answer(struct listener_request *request, const struct listener_request_view *view, void *arg) {
  struct gateway *g = arg;
  bool get = strcmp(view->method, "GET") == 0;
  if (get && strcmp(view->path, "/healthz") == 0)
    respond(request, 200, "text/plain; charset=utf-8", "ok\n");
  else if (get && strcmp(view->path, "/readyz") == 0)
    send_ready(g, request);
  else if (get && strcmp(view->path, "/version") == 0)
    respond_json(request, json_pack("{s:s, s:s}", "version", version_number, "commit", version_commit));
  else if (get && strcmp(view->path, "/v1/test-room") == 0)
    test_room_answer(g, request, view->authorization);
  else if (get && g->dev && strcmp(view->path, "/dev/token") == 0)
    send_dev_token(g, request);
  else if (strcmp(view->path, "/metrics") == 0 || strncmp(view->path, "/api/", 5) == 0)
    admin_request(g, request, view);
  else
    listener_respond_problem(request, get ? 404 : 405, get ? "not_found" : "method_not_allowed", NULL);
}
