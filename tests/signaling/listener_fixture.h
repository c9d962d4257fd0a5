/* tests/signaling/listener_fixture.h: one listener on a loop of its own that counts its events, and certificates for it. */
#ifndef TESTS_SIGNALING_LISTENER_FIXTURE_H
#define TESTS_SIGNALING_LISTENER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/listener.h"
#include "tests/signaling/loop_client.h"

struct fixture {
  uv_loop_t loop;
  struct listener *listener;
  struct listener_connection *connection; /* opened last, and still open */
  char remote[64], log[512], why[512];
  volatile int opened, closed, requests, gone;
  /* What a request is answered with; NULL: "hello". */
  void (*answer)(struct listener_request *request, const struct listener_request_view *view);
};
extern struct fixture fixture; /* one listener a process */

/* Creates the loop and the listener; what listener_create() returned. On an error the loop is empty again. */
int fixture_start(const struct listener_endpoint *endpoints, size_t count, const struct listener_config *numbers);
/* Closes it and fails when a handle or memory is left on the loop. Without a listener: nothing. */
int fixture_stop(void **state);
void fixture_dial(struct loop_client *c, size_t endpoint);
/* Sends a request and reads the whole answer; its head is in c->in. */
int fixture_ask(struct loop_client *c, const char *request, const char **body, size_t *length);
void fixture_turn(void);

struct fixture_certificate {
  char certificate[2048], key[1024];
};
/* A self-signed P-256 certificate for this common name, or one signed by `issuer` (may be NULL). */
void fixture_certificate(struct fixture_certificate *out, const char *name, const struct fixture_certificate *issuer);

#endif
