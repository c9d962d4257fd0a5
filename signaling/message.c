/* signaling/message.c: requests in, replies, errors and events out. */
#include "signaling/message.h"

#include <stdio.h>
#include <string.h>

#include "signaling/json_limits.h"
#include "signaling/schema.h"

static int refuse(struct signaling_refusal *why, enum signaling_error code, int64_t id) {
  why->code = code;
  why->id = id;
  (void)snprintf(why->message, sizeof(why->message), "%s", signaling_error_text(code));
  return code;
}

static enum signaling_error from_limits(int error) {
  switch (error) {
    case JSON_LIMITS_NO_MEMORY:
      return SIGNALING_INTERNAL;
    case JSON_LIMITS_TOO_LARGE:
      return SIGNALING_TOO_LARGE;
    default:
      return SIGNALING_BAD_MESSAGE;
  }
}

/* `trusted`: the gateway has replaced an offer's `sdp` by the parsed `offer`, which is passed on as it is. */
static int check_request(const json_t *message, bool trusted, struct signaling_request *out,
                         struct signaling_refusal *why) {
  int64_t id;
  const char *name = json_string_value(json_object_get(message, "type"));
  if (json_limits_integer(message, "id", 1, SIGNALING_ID_MAX, &id) || !name)
    return refuse(why, SIGNALING_BAD_MESSAGE, 0);
  enum signaling_type type;
  if (signaling_type_parse(name, &type)) return refuse(why, SIGNALING_UNKNOWN_TYPE, id);
  json_t *fields = NULL;
  json_t *offer = trusted && type == SIGNALING_OFFER ? json_object_get(message, "offer") : NULL;
  char text[sizeof(why->message)] = "";
  int error = 0;
  if (offer)
    error = (fields = json_pack("{s:O}", "offer", offer)) ? 0 : SIGNALING_INTERNAL;
  else
    error = schema_check(schema_of(type), message, &fields, text, sizeof(text));
  if (error) {
    refuse(why, (enum signaling_error)error, id);
    if (text[0]) memcpy(why->message, text, sizeof(text));
    return error;
  }
  *out = (struct signaling_request){.id = id, .type = type, .fields = fields};
  return 0;
}

int signaling_request_from_json(const json_t *message, struct signaling_request *out, struct signaling_refusal *why) {
  return check_request(message, true, out, why);
}

int signaling_request_decode(const char *text, size_t len, struct signaling_request *out,
                             struct signaling_refusal *why) {
  json_t *message;
  int error = json_limits_parse(text, len, JSON_LIMITS_OFFER_BYTES, &message);
  if (error) return refuse(why, from_limits(error), 0);
  struct signaling_request request;
  error = check_request(message, false, &request, why);
  json_decref(message);
  if (error) return error;
  if (len > JSON_LIMITS_MESSAGE_BYTES && request.type != SIGNALING_OFFER) {
    signaling_request_clear(&request);
    return refuse(why, SIGNALING_TOO_LARGE, request.id);
  }
  *out = request;
  return 0;
}

void signaling_request_clear(struct signaling_request *request) {
  json_decref(request->fields);
  request->fields = NULL;
}

json_t *signaling_reply_json(int64_t id, json_t *ok) {
  return json_pack("{s:I, s:o}", "re", (json_int_t)id, "ok", ok ? ok : json_object());
}

json_t *signaling_error_json(int64_t id, enum signaling_error code, const char *message) {
  return json_pack("{s:I, s:{s:s, s:s}}", "re", (json_int_t)id, "error", "code", signaling_error_name(code), "message",
                   message ? message : signaling_error_text(code));
}

json_t *signaling_event_json(const char *name, json_t *fields) {
  json_t *event = json_pack("{s:s}", "event", name);
  if (event && fields && json_object_update_missing(event, fields)) {
    json_decref(event);
    event = NULL;
  }
  json_decref(fields);
  return event;
}

static char *dump(json_t *json) {
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  json_decref(json);
  return text;
}

char *signaling_reply_encode(int64_t id, json_t *ok) {
  return dump(signaling_reply_json(id, ok));
}

char *signaling_error_encode(int64_t id, enum signaling_error code, const char *message) {
  return dump(signaling_error_json(id, code, message));
}

char *signaling_rate_limited_encode(int64_t id, int64_t wait_us) {
  json_t *reply = signaling_error_json(id, SIGNALING_RATE_LIMITED, NULL);
  json_t *error = json_object_get(reply, "error");
  if (error && json_object_set_new(error, "retryAfterMs", json_integer((wait_us + 999) / 1000))) {
    json_decref(reply);
    return NULL;
  }
  return dump(reply);
}

char *signaling_event_encode(const char *name, json_t *fields) {
  return dump(signaling_event_json(name, fields));
}
