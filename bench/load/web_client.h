/* bench/load/web_client.h: one HTTP/1.1 connection to the gateway: a GET (a token), or a WebSocket of text messages.
 *
 * An own minimal client rather than libwebsockets': thousands of connections share our loop with microsecond timers, and
 * what is asked of it is little. No TLS yet: measure on the loopback interface or in front of the TLS proxy.
 */
#ifndef BENCH_LOAD_WEB_CLIENT_H
#define BENCH_LOAD_WEB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench/load/event_loop.h"

struct web_address {
  char host[128]; /* as in the URL */
  uint16_t port;
  struct sockaddr_storage address;
  socklen_t address_len;
  bool loopback;
};

/* Reads "http://HOST[:PORT][/…]" and looks HOST up. NULL, or what is wrong, in words (static). */
const char *web_address_parse(struct web_address *out, const char *url);

/* The connection may be freed from within any of these. */
struct web_listener {
  void *arg;
  void (*response)(void *arg, int status, char *body, size_t len); /* of a GET; then it is over */
  void (*open)(void *arg, int64_t now_us);
  void (*text)(void *arg, char *text, size_t len, int64_t now_us); /* terminated */
  void (*closed)(void *arg, int code, const char *why); /* not after web_client_free(); code: RFC 6455 §7.4, 0 none */
};

struct web_client;

/* Both start a connection; nothing is called back from inside. 0, or -errno. */
int web_client_get(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *path,
                   const struct web_listener *listener);
/* `protocol`: Sec-WebSocket-Protocol (RFC 6455 §1.9), NULL for none. */
int web_client_open(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *path,
                    const char *protocol, const struct web_listener *listener);

/* Queues one text message (after `open`). 0, or -ENOMEM. */
int web_client_send(struct web_client *c, const char *text, size_t len);
void web_client_free(struct web_client *c); /* says 1000 if it can do so at once, closes; accepts NULL */

#endif
