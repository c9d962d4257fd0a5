/* bench/load/participant_signaling.c: a participant's token and WebSocket (signaling/PROTOCOL.md). */
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load/participant_internal.h"

#define TOKEN_TTL_S    600
/* Until hello is answered a message may have 16 KiB (PROTOCOL.md §1): a larger offer waits for that. */
#define PIPELINE_BYTES 12000

/* ---- token ---- */

static int mint_token(struct participant *p) {
  struct token_claims claims = {.role = SIGNALING_ROLE_DOCTOR, .expires_s = time(NULL) + TOKEN_TTL_S};
  uint8_t random[16];
  RAND_bytes(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++)
    snprintf(claims.jti + 2 * i, 3, "%02x", random[i]);
  if (signaling_role_parse(p->plan.role, &claims.role)) return -EINVAL;
  snprintf(claims.room, sizeof claims.room, "%s", p->plan.room);
  snprintf(claims.identity, sizeof claims.identity, "%s", p->plan.identity);
  snprintf(claims.name, sizeof claims.name, "%s", p->plan.identity);
  return token_mint(&claims, &p->shared->key, &p->token) ? -EINVAL : 0;
}

static void on_token(void *arg, int status, char *body, size_t len) {
  struct participant *p = arg;
  json_t *answer = status == 200 ? json_loadb(body, len, 0, NULL) : NULL;
  const char *token = json_string_value(json_object_get(answer, "token"));
  if (token) p->token = strdup(token);
  json_decref(answer);
  web_client_free(p->web);
  p->web = NULL;
  if (!p->token) {
    if (status == 404)
      participant_fail(p, "the server gives no tokens away (it does not run with --dev): use --secret-file");
    else
      participant_fail(p, "the server gave no token (HTTP %d)", status);
    return;
  }
  int error = participant_open_signaling(p);
  if (error) participant_fail(p, "no connection to the server: %s", strerror(-error));
}

static void on_closed(void *arg, int code, const char *why) {
  struct participant *p = arg;
  (void)code;
  participant_fail(p, "%s", why);
}

int participant_fetch_token(struct participant *p) {
  if (p->shared->key.len) {
    int error = mint_token(p);
    return error ? error : participant_open_signaling(p);
  }
  char path[600];
  snprintf(path, sizeof path, "/dev/token?room=%s&identity=%s&name=%s&role=%s", p->plan.room, p->plan.identity,
           p->plan.identity, p->plan.role);
  struct web_listener listener = {.arg = p, .response = on_token, .closed = on_closed};
  return web_client_get(&p->web, p->shared->loop, p->shared->gateway, path, &listener);
}

/* ---- requests ---- */

/* Takes `message` over. */
static void send_json(struct participant *p, json_t *message) {
  char *text = json_dumps(message, JSON_COMPACT);
  json_decref(message);
  if (text) web_client_send(p->web, text, strlen(text));
  free(text);
}

static json_t *track_json(unsigned mid, const char *source) {
  char text[16];
  snprintf(text, sizeof text, "%u", mid);
  return json_pack("{s:s, s:s}", "mid", text, "source", source);
}

static void send_publish(struct participant *p) {
  const struct media_plan *media = &p->plan.media;
  if (!media->microphone && !media->camera) return;
  json_t *tracks = json_array();
  if (media->microphone) json_array_append_new(tracks, track_json(media->microphone_mid, "microphone"));
  if (media->camera) {
    json_t *camera = track_json(media->camera_mid, "camera");
    json_object_set_new(camera, "width", json_integer(media->width));
    json_object_set_new(camera, "height", json_integer(media->height));
    json_array_append_new(tracks, camera);
  }
  send_json(p, json_pack("{s:i, s:s, s:o}", "id", REQUEST_PUBLISH, "type", "publish", "tracks", tracks));
}

void participant_say_leave(struct participant *p) {
  if (p->joining) send_json(p, json_pack("{s:i, s:s}", "id", REQUEST_LEAVE, "type", "leave"));
}

static void send_join_and_offer(struct participant *p) {
  p->joining = true;
  send_json(p, json_pack("{s:i, s:s, s:s}", "id", REQUEST_JOIN, "type", "join", "topology", "never"));
  send_json(p, json_pack("{s:i, s:s, s:s}", "id", REQUEST_OFFER, "type", "offer", "sdp", p->offer));
  free(p->offer);
  p->offer = NULL;
  send_publish(p);
}

static void on_open(void *arg, int64_t now_us) {
  struct participant *p = arg;
  (void)now_us;
  send_json(p,
            json_pack("{s:i, s:s, s:i, s:s}", "id", REQUEST_HELLO, "type", "hello", "version", 1, "token", p->token));
  if (strlen(p->offer) <= PIPELINE_BYTES) send_join_and_offer(p);
}

void participant_view(struct participant *p, const struct participant_view *views, size_t count) {
  if (!p->web || p->plan.janus.room) return;
  json_t *requests = json_array();
  for (size_t i = 0; i < count; i++) {
    if (!*views[i].track) continue;
    json_array_append_new(requests,
                          json_pack("{s:s, s:i, s:i, s:b, s:s}", "track", views[i].track, "width", (int)views[i].width,
                                    "height", (int)views[i].height, "visible", 1, "priority", "normal"));
  }
  send_json(p, json_pack("{s:i, s:s, s:o}", "id", REQUEST_VIEW, "type", "view", "requests", requests));
}

/* ---- replies ---- */

static void on_published(struct participant *p, const json_t *ok, int64_t now_us) {
  size_t index;
  const json_t *track, *tracks = json_object_get(ok, "tracks");
  json_array_foreach(tracks, index, track) {
    const char *mid = json_string_value(json_object_get(track, "mid"));
    const char *id = json_string_value(json_object_get(track, "track"));
    if (p->plan.media.camera && mid && id && strtoul(mid, NULL, 10) == p->plan.media.camera_mid)
      snprintf(p->camera_track, sizeof p->camera_track, "%s", id);
  }
  p->published = true;
  participant_check_ready(p, now_us);
}

static void on_answer(struct participant *p, const json_t *ok, int64_t now_us) {
  struct answer answer;
  const char *sdp = json_string_value(json_object_get(ok, "sdp"));
  const char *why = sdp ? answer_read(&answer, sdp) : "there is none";
  if (why) {
    participant_fail(p, "the answer cannot be used: %s", why);
  } else if (!participant_connect_media(p, &answer, now_us)) {
    participant_fail(p, "no UDP socket to the server's candidate: %s", strerror(errno));
  }
}

static const char *request_name(int re) {
  static const char *const names[] = {"a message", "hello", "join", "offer", "publish", "view", "leave"};
  return re >= 0 && re <= REQUEST_LEAVE ? names[re] : "a request";
}

/* What the operator can do about it. */
static const char *advice(const char *code) {
  if (strcmp(code, "token_invalid") == 0) return "; is this the secret of that server (--secret-file)?";
  if (strcmp(code, "room_full") == 0) return "; raise rooms.max_participants";
  if (strcmp(code, "busy") == 0) return "; raise limits.rooms";
  return "";
}

static void on_reply(struct participant *p, int re, const json_t *message, int64_t now_us) {
  const json_t *error = json_object_get(message, "error"), *ok = json_object_get(message, "ok");
  if (error) {
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *words = json_string_value(json_object_get(error, "message"));
    if (re == REQUEST_VIEW) return; /* a track may have gone meanwhile */
    participant_fail(p, "%s was refused: %s (%s)%s", request_name(re), code ? code : "?", words ? words : "",
                     advice(code ? code : ""));
  } else if (re == REQUEST_HELLO) {
    if (p->offer) send_join_and_offer(p);
  } else if (re == REQUEST_OFFER) {
    on_answer(p, ok, now_us);
  } else if (re == REQUEST_PUBLISH) {
    on_published(p, ok, now_us);
  }
}

/* ---- events ---- */

static void on_slots(struct participant *p, const json_t *slots, int64_t now_us) {
  size_t index;
  const json_t *slot;
  json_array_foreach(slots, index, slot) {
    const char *mid = json_string_value(json_object_get(slot, "mid"));
    bool assigned = json_is_string(json_object_get(slot, "track"));
    unsigned number = mid ? (unsigned)strtoul(mid, NULL, 10) : 64;
    if (number > 63) continue;
    uint64_t bit = UINT64_C(1) << number;
    p->assigned_mids = assigned ? p->assigned_mids | bit : p->assigned_mids & ~bit;
    if (p->receiver) media_receiver_assign(p->receiver, number, assigned, now_us);
  }
}

static void on_layers_wanted(struct participant *p, const json_t *layers) {
  size_t index;
  const json_t *layer;
  json_array_foreach(layers, index, layer) {
    const char *rid = json_string_value(json_object_get(layer, "rid"));
    bool active = json_is_true(json_object_get(layer, "active"));
    for (unsigned i = 0; rid && i < p->plan.media.layers; i++)
      if (p->plan.media.layers == 1 || strcmp(rid, offer_rid(i)) == 0) media_sender_set_active(p->sender, i, active);
  }
}

static void on_event(struct participant *p, const char *event, const json_t *message, int64_t now_us) {
  if (strcmp(event, "slots") == 0) {
    on_slots(p, json_object_get(message, "slots"), now_us);
  } else if (strcmp(event, "layersWanted") == 0) {
    const char *track = json_string_value(json_object_get(message, "track"));
    if (track && (strcmp(track, p->camera_track) == 0 || !*p->camera_track))
      on_layers_wanted(p, json_object_get(message, "layers"));
  } else if (strcmp(event, "mediaLost") == 0) {
    participant_fail(p, "the server lost a media worker");
  } else if (strcmp(event, "negotiate") == 0) {
    participant_fail(p, "the server wants to negotiate again (its transport failed)");
  }
}

static void on_text(void *arg, char *text, size_t len, int64_t now_us) {
  struct participant *p = arg;
  /* In a room of a hundred most events are about others; only these four matter here. */
  if (strncmp(text, "{\"event\":\"", 10) == 0) {
    const char *kind = text + 10;
    if (strncmp(kind, "slots\"", 6) != 0 && strncmp(kind, "layersWanted\"", 13) != 0 &&
        strncmp(kind, "mediaLost\"", 10) != 0 && strncmp(kind, "negotiate\"", 10) != 0)
      return;
  }
  json_t *message = json_loadb(text, len, 0, NULL);
  const json_t *re = json_object_get(message, "re");
  const char *event = json_string_value(json_object_get(message, "event"));
  if (json_is_integer(re)) {
    on_reply(p, (int)json_integer_value(re), message, now_us);
  } else if (event) {
    on_event(p, event, message, now_us);
  }
  json_decref(message);
}

int participant_open_signaling(struct participant *p) {
  struct web_listener listener = {.arg = p, .open = on_open, .text = on_text, .closed = on_closed};
  p->opened_us = event_loop_clock_us();
  return web_client_open(&p->web, p->shared->loop, p->shared->gateway, "/v1/ws", NULL, &listener);
}
