/* Connecting, reading lines and writing lines over a uv_pipe_t. Each connection attempt has a `wire` of its own, because a
 * libuv handle lives until its close callback has run. */
#include "server/gateway/worker_link.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MS 50

struct wire {
  uv_pipe_t pipe;
  uv_connect_t connect;
  struct worker_link *link; /* NULL once the link has let go of it */
  char *buffer;
  size_t length, capacity;
};

struct worker_link {
  uv_loop_t *loop;
  size_t worker;
  char path[108];
  struct worker_link_listener listener;
  struct wire *wire; /* NULL between attempts */
  uv_timer_t retry;
  bool connected, up, told_absent;
  uint64_t heard_ms;
};

struct write {
  uv_write_t request;
  char *text;
};

static void attempt(struct worker_link *l);

static void wire_freed(uv_handle_t *handle) {
  struct wire *w = handle->data;
  free(w->buffer);
  free(w);
}

static void drop_wire(struct worker_link *l) {
  struct wire *w = l->wire;
  l->wire = NULL;
  l->connected = false;
  if (!w) return;
  w->link = NULL;
  uv_close((uv_handle_t *)&w->pipe, wire_freed);
}

static void retry_now(uv_timer_t *timer) {
  attempt(timer->data);
}

static void lose(struct worker_link *l, uint64_t delay_ms) {
  bool was_up = l->up;
  drop_wire(l);
  l->up = false;
  uv_timer_start(&l->retry, retry_now, delay_ms, 0);
  if (was_up) {
    l->told_absent = false;
    l->listener.down(l->listener.arg, l->worker);
  }
}

/* Hands on one line. Returns false when the connection must end. */
static bool take_line(struct worker_link *l, const char *line, size_t length) {
  json_t *message = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
  const char *op = json_string_value(json_object_get(message, "op"));
  bool ok = op != NULL;
  if (ok && !l->up) {
    ok = strcmp(op, "hello") == 0;
    l->up = ok;
    if (ok) l->listener.up(l->listener.arg, l->worker, message);
  } else if (ok) {
    l->listener.message(l->listener.arg, l->worker, message);
  }
  json_decref(message);
  return ok;
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  struct wire *w = handle->data;
  (void)suggested;
  if (w->capacity - w->length < 16384) {
    size_t wanted = w->capacity ? w->capacity * 2 : 65536;
    char *grown = wanted > 2 * WORKER_LINK_LINE_BYTES ? NULL : realloc(w->buffer, wanted);
    if (grown) {
      w->buffer = grown;
      w->capacity = wanted;
    }
  }
  *out = uv_buf_init(w->buffer + w->length, (unsigned)(w->capacity - w->length)); /* 0: read ends with ENOBUFS */
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *unused) {
  struct wire *w = stream->data;
  struct worker_link *l = w->link;
  (void)unused;
  if (!l || count == 0) return;
  if (count < 0) {
    lose(l, 0);
    return;
  }
  size_t scanned = w->length, start = 0;
  w->length += (size_t)count;
  l->heard_ms = uv_now(l->loop);
  for (char *end; (end = memchr(w->buffer + scanned, '\n', w->length - scanned)); start = scanned) {
    scanned = (size_t)(end - w->buffer) + 1;
    if (!take_line(l, w->buffer + start, scanned - 1 - start)) {
      lose(l, RETRY_MS);
      return;
    }
    if (w->link != l || l->wire != w) return; /* the listener closed us */
  }
  memmove(w->buffer, w->buffer + start, w->length - start);
  w->length -= start;
  if (w->length > WORKER_LINK_LINE_BYTES) lose(l, RETRY_MS);
}

static void connected(uv_connect_t *request, int status) {
  struct wire *w = request->data;
  struct worker_link *l = w->link;
  if (!l) return;
  if (status == 0) status = uv_read_start((uv_stream_t *)&w->pipe, give_buffer, received);
  if (status != 0) {
    lose(l, RETRY_MS);
    if (!l->told_absent) {
      l->told_absent = true;
      l->listener.absent(l->listener.arg, l->worker);
    }
    return;
  }
  l->connected = true;
  l->heard_ms = uv_now(l->loop);
}

static void attempt(struct worker_link *l) {
  struct wire *w = calloc(1, sizeof *w);
  if (!w || uv_pipe_init(l->loop, &w->pipe, 0) != 0) {
    free(w);
    uv_timer_start(&l->retry, retry_now, RETRY_MS, 0);
    return;
  }
  w->link = l;
  w->pipe.data = w;
  w->connect.data = w;
  l->wire = w;
  uv_pipe_connect(&w->connect, &w->pipe, l->path, connected);
}

int worker_link_create(struct worker_link **out, uv_loop_t *loop, size_t worker, const char *path,
                       const struct worker_link_listener *listener) {
  struct worker_link *l = calloc(1, sizeof *l);
  if (!l) return UV_ENOMEM;
  if (strlen(path) >= sizeof l->path) {
    free(l);
    return UV_ENAMETOOLONG;
  }
  snprintf(l->path, sizeof l->path, "%s", path);
  l->loop = loop;
  l->worker = worker;
  l->listener = *listener;
  l->retry.data = l;
  uv_timer_init(loop, &l->retry);
  attempt(l);
  *out = l;
  return 0;
}

static void link_freed(uv_handle_t *handle) {
  free(handle->data);
}

void worker_link_close(struct worker_link *l) {
  if (!l) return;
  drop_wire(l);
  l->up = false;
  uv_close((uv_handle_t *)&l->retry, link_freed);
}

static void written(uv_write_t *request, int status) {
  struct write *w = request->data;
  (void)status; /* a broken connection shows up in reading */
  free(w->text);
  free(w);
}

int worker_link_send(struct worker_link *l, json_t *message) {
  bool ready =
      message && l->up && uv_stream_get_write_queue_size((uv_stream_t *)&l->wire->pipe) < WORKER_LINK_QUEUE_BYTES;
  char *text = ready ? json_dumps(message, JSON_COMPACT) : NULL;
  struct write *w = text ? calloc(1, sizeof *w) : NULL;
  json_decref(message);
  if (!w) {
    free(text);
    return -1;
  }
  size_t length = strlen(text);
  text[length] = '\n'; /* in place of the NUL: libuv is told the length */
  w->text = text;
  w->request.data = w;
  uv_buf_t buffer = uv_buf_init(text, (unsigned)length + 1);
  if (uv_write(&w->request, (uv_stream_t *)&l->wire->pipe, &buffer, 1, written) == 0) return 0;
  free(text);
  free(w);
  return -1;
}

bool worker_link_is_up(const struct worker_link *l) {
  return l->up;
}

int64_t worker_link_silent_since_ms(const struct worker_link *l) {
  return l->connected ? (int64_t)l->heard_ms : INT64_MAX;
}
