/* tests/server/gateway/world.h: a real gateway on a loop of the test's own, between scripted workers on UNIX sockets and raw
 * WebSocket and HTTP clients. Time that the gateway is told (ticks) is the test's; every wait is for an event and ends after 5 s
 * with a failure.
 *
 * Formats are JSON with ' in place of ". Paths into JSON are keys joined by dots; a number is an index ("ok.rooms.0.room").
 */
#ifndef TESTS_SERVER_GATEWAY_WORLD_H
#define TESTS_SERVER_GATEWAY_WORLD_H

#include "tests/server/check.h"

#include <jansson.h>
#include <uv.h>

#include "server/gateway/internal.h"
#include "signaling/token.h"
#include "tests/signaling/loop_client.h"

#define WORLD_WORKERS 2
#define WORLD_SECRET  "0123456789abcdef0123456789abcdef"
#define WORLD_ADMIN   "the-administrator-s-token"

struct world_worker {
  uv_pipe_t server, *peer; /* peer NULL: the gateway is not connected */
  bool listening;
  char path[96], *in;
  size_t length;
  json_t *lines; /* what the gateway has said and no test has taken */
  json_t *last;  /* the line taken last */
};

struct world {
  struct gateway g;
  struct world_worker workers[WORLD_WORKERS];
  char folder[48];
  int tokens; /* minted so far */
  bool open;
};
extern struct world world; /* one at a time */

/* Two workers listen, have said hello with empty hands, and the gateway listens. `yaml` (may be NULL) are more settings. */
void world_open(const char *yaml);
/* The same without workers: world_worker_listen() and world_worker_hello() bring them. */
void world_open_alone(const char *yaml);
int world_close(void **state); /* a teardown; fails when a handle is left */

void world_turn(void); /* what workers and gateway have written to one another has arrived (TCP may take longer) */

void world_worker_listen(int worker);
void world_worker_wait(int worker); /* until the gateway has connected      */
void world_worker_hello(int worker, const char *rooms,
                        const char *sessions); /* without brackets; waits until it is up */
void world_worker_say(int worker, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_worker_hang_up(int worker); /* the connection breaks; it still listens */
void world_worker_die(int worker);     /* and nobody listens any more; waits until the gateway has noticed */
/* The first line with this op (taken out), borrowed until the next one; fails when none comes. */
json_t *world_worker_line(int worker, const char *op);
/* How many lines with this op lie there. */
int world_worker_lines(int worker, const char *op);

/* ---- clients --------------------------------------------------------------------------------------------------------- */
struct page {
  struct loop_client client;
  json_t *last;
  char session[32], key[80];
};

/* Claims to begin with: a doctor "ann" for `room`, one hour, a jti of its own. */
struct token_claims world_claims(const char *room);
char *world_token(const struct token_claims *claims); /* the caller frees */
void page_open(struct page *p);                       /* before hello */
void page_drop(struct page *p);                       /* gone without a word, and the gateway knows */
void page_send(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
json_t *page_take(struct page *p); /* the next message */
/* What it sent has arrived and been dealt with, what workers said before has, too, and nothing came of it (after hello). */
void page_sync(struct page *p);
int page_close_code(struct page *p, char reason[128]);                 /* reads up to the close frame; 0: none came */
json_t *page_hello(struct page *p, const struct token_claims *claims); /* the whole reply; session and key on success */
json_t *page_resume(struct page *p, const struct page *old);
/* hello, and the worker it is on has been told; returns that worker. */
int page_enter(struct page *p, const char *room, const char *identity, enum signaling_role role);
/* join, answered well by the worker. */
void page_join(struct page *p, int worker);
void page_expect_error(struct page *p, const char *code); /* the next message is an error with it */

/* ---- HTTP ------------------------------------------------------------------------------------------------------------ */
/* Sends "METHOD path" with the admin's token (or `authorization`, "" for none) and leaves the answer to http_take(). */
void http_ask(struct loop_client *c, const char *request, const char *authorization);
/* The status; the head stays in c->in, the body (terminated) is at *body until the client is closed. */
int http_take(struct loop_client *c, const char **body);
/* Both, for what is answered at once; the body is parsed (NULL: no JSON) and borrowed until the next call. */
int http_get(const char *request, json_t **json);

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */
json_t *at(const json_t *json, const char *path);           /* NULL when there is nothing */
const char *text_at(const json_t *json, const char *path);  /* "" when there is no string */
json_int_t number_at(const json_t *json, const char *path); /* fails when there is no integer */

#define WORLD_TEST(f) cmocka_unit_test_teardown(f, world_close)

#endif
