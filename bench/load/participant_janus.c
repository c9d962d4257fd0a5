/* bench/load/participant_janus.c: a participant of Janus's videoroom over its WebSocket API, to compare with.
 *
 * Janus has one PeerConnection for what a person sends and another for what they receive: a person is two participants here, as
 * they are two transports there. Sender: create, attach, joinandconfigure with our offer. Receiver: create, attach, wait until
 * everybody it subscribes to publishes, join, answer Janus's offer. Source: Janus's documentation of its videoroom plugin.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/participant_internal.h"

#define ANSWER_BYTES 32768
#define ASK_AGAIN_US 100000

/* Transactions are these, as text. */
enum step { STEP_CREATE = 1, STEP_ATTACH, STEP_LIST, STEP_JOIN, STEP_START, STEP_TRICKLE };

/* Takes `message` over; adds what every request has. */
static void send_request(struct participant *p, enum step step, const char *kind, json_t *message) {
  char transaction[8];
  snprintf(transaction, sizeof transaction, "%d", step);
  json_object_set_new(message, "janus", json_string(kind));
  json_object_set_new(message, "transaction", json_string(transaction));
  if (p->janus.session) json_object_set_new(message, "session_id", json_integer(p->janus.session));
  if (p->janus.handle) json_object_set_new(message, "handle_id", json_integer(p->janus.handle));
  char *text = json_dumps(message, JSON_COMPACT);
  json_decref(message);
  if (text) web_client_send(p->web, text, strlen(text));
  free(text);
}

static json_t *description(const char *type, const char *sdp) {
  return json_pack("{s:s, s:s}", "type", type, "sdp", sdp);
}

static void publish(struct participant *p) {
  const struct media_plan *media = &p->plan.media;
  json_t *body = json_pack("{s:s, s:s, s:i, s:i, s:b, s:b}", "request", "joinandconfigure", "ptype", "publisher",
                           "room", (int)p->plan.janus.room, "id", (int)p->plan.janus.feed, "audio", media->microphone,
                           "video", media->camera);
  send_request(p, STEP_JOIN, "message", json_pack("{s:o, s:o}", "body", body, "jsep", description("offer", p->offer)));
}

static void ask_who_publishes(struct participant *p) {
  json_t *body = json_pack("{s:s, s:i}", "request", "listparticipants", "room", (int)p->plan.janus.room);
  send_request(p, STEP_LIST, "message", json_pack("{s:o}", "body", body));
}

void participant_janus_ask_again(void *arg, int64_t now_us) {
  (void)now_us;
  ask_who_publishes(arg);
}

static void subscribe(struct participant *p) {
  json_t *streams = json_array();
  for (unsigned i = 0; i < p->plan.janus.count; i++) {
    const struct janus_subscription *from = &p->plan.janus.from[i];
    /* The mids of our own offers: the microphone is 0, the camera 1. */
    if (from->audio) json_array_append_new(streams, json_pack("{s:i, s:s}", "feed", (int)from->feed, "mid", "0"));
    if (from->video) json_array_append_new(streams, json_pack("{s:i, s:s}", "feed", (int)from->feed, "mid", "1"));
  }
  json_t *body = json_pack("{s:s, s:s, s:i, s:o}", "request", "join", "ptype", "subscriber", "room",
                           (int)p->plan.janus.room, "streams", streams);
  send_request(p, STEP_JOIN, "message", json_pack("{s:o}", "body", body));
}

static void on_list(struct participant *p, const json_t *data, int64_t now_us) {
  unsigned publishing = 0;
  size_t index;
  const json_t *one, *all = json_object_get(data, "participants");
  json_array_foreach(all, index, one) {
    json_int_t id = json_integer_value(json_object_get(one, "id"));
    for (unsigned i = 0; i < p->plan.janus.count; i++)
      publishing += id == (json_int_t)p->plan.janus.from[i].feed && json_is_true(json_object_get(one, "publisher"));
  }
  if (publishing == p->plan.janus.count)
    subscribe(p);
  else
    event_loop_set(p->shared->loop, &p->janus.ask_timer, now_us + ASK_AGAIN_US);
}

/* Janus is ICE-lite and hears of us by our checks; it waits all the same until candidates are said to be complete. */
static void trickle(struct participant *p) {
  struct sockaddr_in own = {0};
  socklen_t len = sizeof own;
  char line[128], address[INET_ADDRSTRLEN] = "127.0.0.1";
  if (getsockname(p->udp.fd, (struct sockaddr *)&own, &len) == 0)
    inet_ntop(AF_INET, &own.sin_addr, address, sizeof address);
  snprintf(line, sizeof line, "candidate:1 1 udp 2130706431 %s %u typ host", address, ntohs(own.sin_port));
  json_t *candidates =
      json_pack("[{s:s, s:i, s:s}, {s:b}]", "sdpMid", "0", "sdpMLineIndex", 0, "candidate", line, "completed", 1);
  send_request(p, STEP_TRICKLE, "trickle", json_pack("{s:o}", "candidates", candidates));
}

static void on_description(struct participant *p, const char *sdp, int64_t now_us) {
  struct answer answer;
  const char *why = answer_read(&answer, sdp);
  if (why) {
    participant_fail(p, "what Janus describes cannot be used: %s", why);
    return;
  }
  if (p->plan.janus.count) {
    struct offer_plan own;
    char *text = malloc(ANSWER_BYTES);
    participant_plan_offer(p, &own);
    if (text && answer_write(&own, sdp, text, ANSWER_BYTES)) {
      json_t *body = json_pack("{s:s}", "request", "start");
      send_request(p, STEP_START, "message",
                   json_pack("{s:o, s:o}", "body", body, "jsep", description("answer", text)));
    }
    free(text);
    for (size_t i = 0; i < answer.slot_count; i++)
      p->assigned_mids |= UINT64_C(1) << (answer.slots[i].mid & 63);
  } else {
    p->published = true;
    answer.slot_count = 0;
  }
  if (!participant_connect_media(p, &answer, now_us))
    participant_fail(p, "no UDP socket to Janus's candidate");
  else
    trickle(p);
}

static void on_success(struct participant *p, int step, const json_t *message, int64_t now_us) {
  json_int_t id = json_integer_value(json_object_get(json_object_get(message, "data"), "id"));
  if (step == STEP_CREATE) {
    p->janus.session = id;
    send_request(p, STEP_ATTACH, "attach", json_pack("{s:s}", "plugin", "janus.plugin.videoroom"));
  } else if (step == STEP_ATTACH) {
    p->janus.handle = id;
    if (p->plan.janus.count)
      ask_who_publishes(p);
    else
      publish(p);
  } else if (step == STEP_LIST) {
    on_list(p, json_object_get(json_object_get(message, "plugindata"), "data"), now_us);
  }
}

static void on_text(void *arg, char *text, size_t len, int64_t now_us) {
  struct participant *p = arg;
  json_t *message = json_loadb(text, len, 0, NULL);
  const char *kind = json_string_value(json_object_get(message, "janus"));
  const char *transaction = json_string_value(json_object_get(message, "transaction"));
  const json_t *data = json_object_get(json_object_get(message, "plugindata"), "data");
  const char *error = json_string_value(json_object_get(data, "error"));
  const char *sdp = json_string_value(json_object_get(json_object_get(message, "jsep"), "sdp"));
  int step = transaction ? (int)strtol(transaction, NULL, 10) : 0;
  if (!kind) {
    participant_fail(p, "Janus said something that is not its protocol");
  } else if (strcmp(kind, "error") == 0) {
    const char *reason = json_string_value(json_object_get(json_object_get(message, "error"), "reason"));
    participant_fail(p, "Janus refused step %d: %s", step, reason ? reason : "?");
  } else if (error) {
    participant_fail(p, "Janus's videoroom: %s", error);
  } else if (strcmp(kind, "success") == 0) {
    on_success(p, step, message, now_us);
  } else if (sdp) {
    on_description(p, sdp, now_us);
  }
  json_decref(message);
}

static void on_open(void *arg, int64_t now_us) {
  (void)now_us;
  send_request(arg, STEP_CREATE, "create", json_object());
}

static void on_closed(void *arg, int code, const char *why) {
  (void)code;
  participant_fail(arg, "Janus: %s", why);
}

int participant_janus_open(struct participant *p) {
  struct web_listener listener = {.arg = p, .open = on_open, .text = on_text, .closed = on_closed};
  p->opened_us = event_loop_clock_us();
  return web_client_open(&p->web, p->shared->loop, p->shared->gateway, "/", "janus-protocol", &listener);
}
