/* tests/bench/scripted_web.c: see the header. */
#include "tests/bench/scripted_web.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/check.h"

struct web_client {
  int unused;
};

struct scripted_web scripted;
static struct web_client client;

void scripted_reset(void) {
  for (unsigned i = 0; i < scripted.count; i++)
    free(scripted.sent[i]);
  memset(&scripted, 0, sizeof scripted);
}

static int begin(struct web_client **out, const char *path, const char *protocol, const struct web_listener *listener,
                 bool is_get) {
  int error = scripted.next_error;
  scripted.next_error = 0;
  if (error) return error;
  scripted.begun = true;
  scripted.freed = false;
  scripted.is_get = is_get;
  scripted.connections++;
  snprintf(scripted.path, sizeof scripted.path, "%s", path);
  snprintf(scripted.protocol, sizeof scripted.protocol, "%s", protocol ? protocol : "");
  scripted.on = *listener;
  *out = &client;
  return 0;
}

int web_client_get(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *path,
                   const struct web_listener *listener) {
  (void)loop, (void)to;
  return begin(out, path, NULL, listener, true);
}

int web_client_open(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *path,
                    const char *protocol, const struct web_listener *listener) {
  (void)loop, (void)to;
  return begin(out, path, protocol, listener, false);
}

int web_client_send(struct web_client *c, const char *text, size_t len) {
  (void)c;
  assert_true(scripted.count < SCRIPTED_MESSAGES);
  scripted.sent[scripted.count++] = strndup(text, len);
  return 0;
}

void web_client_free(struct web_client *c) {
  if (c) scripted.freed = true;
}

const char *web_address_parse(struct web_address *out, const char *url) {
  memset(out, 0, sizeof *out);
  (void)url;
  return NULL;
}

static json_t *find(const char *member, const char *value) {
  for (unsigned i = 0; i < scripted.count; i++) {
    json_t *message = json_loads(scripted.sent[i], 0, NULL);
    const char *text = json_string_value(json_object_get(message, member));
    if (text && strcmp(text, value) == 0) return message;
    json_decref(message);
  }
  return NULL;
}

json_t *scripted_find(const char *member, const char *value) {
  json_t *message = find(member, value);
  assert_non_null(message);
  return message;
}

bool scripted_said(const char *member, const char *value) {
  json_t *message = find(member, value);
  json_decref(message);
  return message != NULL;
}

void scripted_answer(int status, const char *body) {
  char copy[1024];
  snprintf(copy, sizeof copy, "%s", body);
  assert_true(scripted.is_get);
  scripted.on.response(scripted.on.arg, status, copy, strlen(copy));
}

void scripted_open(void) {
  scripted.on.open(scripted.on.arg, event_loop_clock_us());
}

void scripted_text(const char *format, ...) {
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  int len = vasprintf(&text, format, arguments);
  va_end(arguments);
  assert_true(len >= 0);
  scripted.on.text(scripted.on.arg, text, (size_t)len, event_loop_clock_us());
  free(text);
}

void scripted_close(int code, const char *why) {
  scripted.on.closed(scripted.on.arg, code, why);
}
