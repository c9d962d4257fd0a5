/* tests/bench/scripted_web.h: bench/load/web_client.h without sockets: linked in its place, the test is the server. */
#ifndef TESTS_BENCH_SCRIPTED_WEB_H
#define TESTS_BENCH_SCRIPTED_WEB_H

#include <jansson.h>

#include "bench/load/web_client.h"

#define SCRIPTED_MESSAGES 32

/* The connection that was begun last, and what was sent over it. */
extern struct scripted_web {
  bool begun, is_get, freed;
  char path[1024], protocol[64];
  struct web_listener on;
  unsigned count, connections;
  char *sent[SCRIPTED_MESSAGES];
  int next_error; /* of the next connection, once */
} scripted;

void scripted_reset(void);
/* The message with this "type" (or "janus"), parsed: the caller's. Fails the test without one. */
json_t *scripted_find(const char *member, const char *value);
bool scripted_said(const char *member, const char *value);

/* What the server does. */
void scripted_answer(int status, const char *body);
void scripted_open(void);
__attribute__((format(printf, 1, 2))) void scripted_text(const char *format, ...);
void scripted_close(int code, const char *why);

#endif
