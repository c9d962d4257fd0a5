/* server/worker/control.c: see the header. */
#include "server/worker/control.h"

#include <string.h>
#include <unistd.h>

#include "server/log.h"
#include "server/worker/statistics.h"

static const char *text_of(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}

void control_say_hello(const struct control *control, int64_t now_us) {
  json_t *hello = room_manager_hello(control->manager, now_us);
  if (!hello) return;
  json_object_set_new(hello, "op", json_string("hello"));
  json_object_set_new(hello, "worker", json_integer(control->worker_index));
  json_object_set_new(hello, "pid", json_integer(getpid()));
  json_object_set_new(hello, "port", json_integer(control->glue->engine->port));
  control_socket_send(control->glue->control, hello);
  json_decref(hello);
}

/* A session that this worker does not have (it was restarted meanwhile): the client must join anew. */
static void refuse_request(struct control *control, const char *session, const json_t *message) {
  json_t *id = json_object_get(message, "id");
  json_t *line = json_pack("{s:s, s:s, s:{s:I, s:{s:s, s:s}}}", "op", "reply", "session", session, "msg", "re",
                           json_integer_value(id), "error", "code", "worker_lost", "message",
                           "The media worker was restarted: join again.");
  if (line) control_socket_send(control->glue->control, line);
  json_decref(line);
}

static void on_open(struct control *control, const json_t *line, int64_t now_us) {
  struct room_session_info info = {
      .session = text_of(line, "session"),
      .room = text_of(line, "room"),
      .identity = text_of(line, "identity"),
      .name = text_of(line, "name"),
      .role = text_of(line, "role"),
      .jti = text_of(line, "jti"),
      .resume_hash = text_of(line, "resumeHash"),
      .expires_s = json_integer_value(json_object_get(line, "exp")),
      .wait = json_is_true(json_object_get(line, "wait")),
      .admitted = json_is_true(json_object_get(line, "admitted")),
      .keep = json_object_get(line, "keep"),
  };
  int error = room_manager_session_open(control->manager, &info, now_us);
  if (error) log_warn("session_refused", log_text("reason", room_error_name(error)));
}

static void on_request(struct control *control, const json_t *line, int64_t now_us) {
  const char *session = text_of(line, "session");
  const json_t *message = json_object_get(line, "msg");
  if (!session || !message) return;
  if (room_manager_request(control->manager, session, message, now_us) == ROOM_ERROR_SESSION)
    refuse_request(control, session, message);
}

static json_t *query_value(struct control *control, const json_t *line, int64_t now_us, const char **error) {
  const char *what = text_of(line, "what"), *room = text_of(line, "room"), *participant = text_of(line, "participant");
  if (!what) return NULL;
  if (strcmp(what, "rooms") == 0) return room_manager_rooms(control->manager);
  if (strcmp(what, "stats") == 0) return statistics_worker(control->glue->engine);
  if (strcmp(what, "barrier") == 0) return json_object(); /* everything before it has been answered */
  if (!room) return NULL;
  if (strcmp(what, "check") == 0) return room_manager_check(control->manager, room, text_of(line, "role"));
  if (strcmp(what, "room") == 0) {
    struct room_decorator decorator = statistics_decorator(control->glue->engine);
    json_t *value = room_manager_room(control->manager, room, &decorator);
    if (!value) *error = "room_not_found";
    return value;
  }
  int result = ROOM_ERROR_ARGUMENT;
  if (strcmp(what, "closeRoom") == 0) result = room_manager_close_room(control->manager, room, now_us);
  if (strcmp(what, "removeParticipant") == 0 && participant) {
    result = room_manager_remove_participant(control->manager, room, participant, now_us);
  }
  if (result == ROOM_ERROR_ROOM) *error = "room_not_found";
  if (result == ROOM_ERROR_PARTICIPANT) *error = "participant_not_found";
  return result == ROOM_OK ? json_object() : NULL;
}

static void on_query(struct control *control, const json_t *line, int64_t now_us) {
  const char *error = "internal";
  json_t *value = query_value(control, line, now_us, &error);
  json_t *ref = json_object_get(line, "ref");
  json_t *result = value ? json_pack("{s:s, s:O, s:o}", "op", "result", "ref", ref, "value", value)
                         : json_pack("{s:s, s:O, s:{s:s, s:s}}", "op", "result", "ref", ref, "error", "code", error,
                                     "message", error);
  if (result) control_socket_send(control->glue->control, result);
  json_decref(result);
}

void control_handle(struct control *control, const json_t *line, int64_t now_us) {
  const char *op = text_of(line, "op"), *session = text_of(line, "session");
  control->glue->engine->now_us = now_us;
  if (!op) return;
  if (strcmp(op, "open") == 0) {
    on_open(control, line, now_us);
  } else if (strcmp(op, "request") == 0) {
    on_request(control, line, now_us);
  } else if (strcmp(op, "query") == 0) {
    on_query(control, line, now_us);
  } else if (strcmp(op, "spend") == 0) {
    const char *jti = text_of(line, "jti");
    if (jti) room_manager_spend(control->manager, jti, json_integer_value(json_object_get(line, "exp")));
  } else if (strcmp(op, "drain") == 0) {
    control->draining = true;
    room_manager_drain(control->manager, now_us);
  } else if (session && strcmp(op, "lost") == 0) {
    room_manager_session_lost(control->manager, session, now_us);
  } else if (session && strcmp(op, "resumed") == 0) {
    room_manager_session_resumed(control->manager, session, now_us);
  } else if (session && strcmp(op, "end") == 0) {
    room_manager_session_end(control->manager, session, now_us);
  } else {
    log_warn("control_unknown_op", log_text("op", op));
  }
}
