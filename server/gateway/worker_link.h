/* server/gateway/worker_link.h: the gateway's end of one worker's control connection (JSON lines, see server/README.md).
 *
 * It connects to the worker's socket, connects again when that breaks (at once, then every 50 ms), and hands on whole
 * messages. A link is up from the worker's hello until the connection ends.
 */
#ifndef SERVER_GATEWAY_WORKER_LINK_H
#define SERVER_GATEWAY_WORKER_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#define WORKER_LINK_LINE_BYTES  ((size_t)4 << 20)  /* a room in full with 100 people */
#define WORKER_LINK_QUEUE_BYTES ((size_t)16 << 20) /* more than this unsent: the worker does not read; sending fails */

struct worker_link;

struct worker_link_listener {
  /* The worker said hello: the link is up. `hello` is borrowed. */
  void (*up)(void *arg, size_t worker, const json_t *hello);
  /* Any later message; borrowed, but may be changed. */
  void (*message)(void *arg, size_t worker, json_t *message);
  /* It was up and is not any more. `up` or `absent` follows. */
  void (*down)(void *arg, size_t worker);
  /* Nobody listens at the socket (told once after each `down`, and once at the start): the process is dead. */
  void (*absent)(void *arg, size_t worker);
  void *arg;
};

/* Begins to connect. `path` and `listener` are copied. Returns 0 or a negative libuv error. */
int worker_link_create(struct worker_link **out, uv_loop_t *loop, size_t worker, const char *path,
                       const struct worker_link_listener *listener);

/* Ends without a call to the listener; memory goes back once the loop has run the close callbacks. */
void worker_link_close(struct worker_link *l);

/* Sends one message; takes the reference over. Returns 0, or -1 when the link is not up or its queue is full. */
int worker_link_send(struct worker_link *l, json_t *message);

bool worker_link_is_up(const struct worker_link *l);

/* Connected, but without a word (hello or other) since this time; INT64_MAX when there is nothing to wait for. Loop time. */
int64_t worker_link_silent_since_ms(const struct worker_link *l);

#endif
