/* tests/signaling/loop_client.h: a tiny raw HTTP/WebSocket client that shares the thread with the listener under test:
 * whenever it waits, it turns the listener's loop. It sends exactly the bytes it is given, valid or not. */
#ifndef TESTS_SIGNALING_LOOP_CLIENT_H
#define TESTS_SIGNALING_LOOP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct loop_client {
  uv_loop_t *loop;
  int fd;
  char *in; /* terminated; what was received and not yet taken */
  size_t len, cap;
  bool closed; /* the server closed or reset */
};

#define LOOP_CLIENT_MS 5000 /* no wait takes longer; a test that runs into it fails */

void loop_client_open(struct loop_client *c, uv_loop_t *loop, uint16_t port);
void loop_client_close(struct loop_client *c);
/* Sends all, turning the loop. */
void loop_client_send(struct loop_client *c, const void *bytes, size_t len);
void loop_client_text(struct loop_client *c, const char *text);
/* Until `needle` was received; false when the server closed or time is up. */
bool loop_client_wait(struct loop_client *c, const char *needle);
/* Until the server closed the connection. */
bool loop_client_wait_closed(struct loop_client *c);
/* Reads one whole response with its Content-Length body: returns the status (0: none came), the body's start and length
 * within c->in; loop_client_take(c, *end) drops it. */
int loop_client_response(struct loop_client *c, bool head, const char **body, size_t *body_len, size_t *end);
void loop_client_take(struct loop_client *c, size_t n);
/* Turns the loop until *flag is at least `value`; false when time is up. */
bool loop_run_until(uv_loop_t *loop, const volatile int *flag, int value);

/* WebSocket. `extra`: more header lines, each with its line end. */
bool loop_client_upgrade(struct loop_client *c, const char *path, const char *extra);
void loop_client_frame(struct loop_client *c, uint8_t first_byte, const void *payload, size_t len);
/* Takes one frame: its first byte, payload copied and terminated. -1 when none came. */
int loop_client_take_frame(struct loop_client *c, char *payload, size_t cap, size_t *len);

#endif
