/* Questions to workers: a list of those on their way, each with a deadline. */
#include <stdlib.h>
#include <string.h>

#include "server/gateway/internal.h"

#define QUERY_US INT64_C(2000000)

struct query {
  struct query *next;
  int64_t ref, due_us;
  int worker;
  bool lost; /* could not be sent: answered at the next tick */
  query_answered answered;
  void *arg;
};

void query_send(struct gateway *g, int worker, const char *what, json_t *fields, query_answered answered, void *arg) {
  struct query *q = calloc(1, sizeof *q);
  json_t *message = fields ? fields : json_object();
  if (!q) abort(); /* 48 bytes: nothing sensible is left to do */
  *q = (struct query){g->queries, ++g->next_ref, gateway_now_us() + QUERY_US, worker, false, answered, arg};
  g->queries = q;
  json_object_set_new(message, "op", json_string("query"));
  json_object_set_new(message, "what", json_string(what));
  json_object_set_new(message, "ref", json_integer(q->ref));
  q->lost = workers_send(g, worker, message) != 0;
}

/* Takes the first query out that `matches` says yes to. */
static struct query *take(struct gateway *g, bool (*matches)(const struct query *, int64_t), int64_t value) {
  for (struct query **at = &g->queries; *at; at = &(*at)->next) {
    struct query *q = *at;
    if (!matches(q, value)) continue;
    *at = q->next;
    return q;
  }
  return NULL;
}

static void answer(struct query *q, json_t *value, const char *code, const char *message) {
  q->answered(q->arg, value, code, message);
  free(q);
}

static bool has_ref(const struct query *q, int64_t ref) {
  return q->ref == ref;
}

static bool is_due(const struct query *q, int64_t now_us) {
  return q->lost || q->due_us <= now_us;
}

static bool is_at(const struct query *q, int64_t worker) {
  return q->worker == worker;
}

static bool any(const struct query *q, int64_t unused) {
  (void)q;
  (void)unused;
  return true;
}

void query_result(struct gateway *g, const json_t *message) {
  struct query *q = take(g, has_ref, json_integer_value(json_object_get(message, "ref")));
  json_t *value = json_object_get(message, "value");
  const json_t *error = json_object_get(message, "error");
  const char *code = json_string_value(json_object_get(error, "code"));
  if (!q) return; /* it came too late */
  if (value)
    answer(q, value, NULL, NULL);
  else
    answer(q, NULL, code ? code : "internal", json_string_value(json_object_get(error, "message")));
}

void query_tick(struct gateway *g, int64_t now_us) {
  for (struct query *q; (q = take(g, is_due, now_us));)
    answer(q, NULL, q->lost ? "worker_lost" : "timeout", NULL);
}

void query_worker_down(struct gateway *g, int worker) {
  for (struct query *q; (q = take(g, is_at, worker));)
    answer(q, NULL, "worker_lost", NULL);
}

void query_close(struct gateway *g) {
  for (struct query *q; (q = take(g, any, 0));)
    answer(q, NULL, "worker_lost", NULL);
}
