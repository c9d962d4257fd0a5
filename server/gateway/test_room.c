/* GET /v1/test-room: a room of its own for a page that tries its connection before the call. Whoever may open a session here
 * (bearer: an access token, which this does not use up) gets two short-lived tokens for one room that nobody else can name:
 * one to send, one to receive what the server forwards of it. One room a token, so asking again makes nothing grow. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/gateway/internal.h"
#include "server/token_maker.h"
#include "signaling/token.h"

#define TEST_ROOM_PREFIX "test-"
#define TEST_TTL_S       60
#define ROOM_BYTES       16 /* of the hash: enough that nobody guesses another's */

static void name_room(const struct config *c, const char *jti, char *room, size_t capacity) {
  char text[SIGNALING_IDENTIFIER_BYTES + 512];
  unsigned char hash[SHA256_DIGEST_LENGTH];
  /* With the secret, so that who knows a jti (guest links show theirs) does not know the room. */
  int length = snprintf(text, sizeof text, "test room\n%s\n%.400s", jti, c->tokens.secret);
  SHA256((const unsigned char *)text, (size_t)length, hash);
  int at = snprintf(room, capacity, "%s", TEST_ROOM_PREFIX);
  for (size_t i = 0; i < ROOM_BYTES; i++)
    at += snprintf(room + at, capacity - (size_t)at, "%02x", hash[i]);
}

void test_room_answer(struct gateway *g, struct listener_request *request, const char *authorization) {
  const struct config *c = g->config;
  const struct token_key key = {(const uint8_t *)c->tokens.secret, strlen(c->tokens.secret)};
  const char *bearer = strncasecmp(authorization, "Bearer ", 7) == 0 ? authorization + 7 : "";
  struct token_claims claims;
  char room[sizeof TEST_ROOM_PREFIX + 2 * ROOM_BYTES];
  int error = token_verify(bearer, strlen(bearer), &key, 1, gateway_wall_s(), &claims);
  if (error != TOKEN_OK) {
    bool expired = error == TOKEN_EXPIRED;
    listener_respond_problem(request, 401, expired ? "token_expired" : "token_invalid",
                             "This needs an access token as bearer token.");
    return;
  }
  name_room(c, claims.jti, room, sizeof room);
  char *sender = token_maker_mint(c, room, "test-sender", "Connection test", "patient", TEST_TTL_S, 0);
  char *receiver = token_maker_mint(c, room, "test-receiver", "Connection test", "observer", TEST_TTL_S, 0);
  char *text = NULL;
  json_t *value = sender && receiver ? json_pack("{s:s, s:s}", "sender", sender, "receiver", receiver) : NULL;
  if (value) text = json_dumps(value, JSON_COMPACT);
  json_decref(value);
  if (text) {
    const struct listener_header fresh = {"Cache-Control", "no-store"};
    const struct listener_response response = {200, "application/json", text, strlen(text), &fresh, 1};
    listener_respond(request, &response);
  } else {
    listener_respond_problem(request, 500, "internal", "out of memory");
  }
  free(text);
  free(sender);
  free(receiver);
}
