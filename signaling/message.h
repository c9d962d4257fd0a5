/* signaling/message.h: the client protocol's messages (PROTOCOL.md): decode and check requests, encode what goes back.
 *
 * Decoding checks everything that can be checked without knowing a room: limits, id, type, and each field against the
 * schema (schema.c). What passes can be read with json_object_get() without asking again for type, length or range.
 * Fields that the schema does not know are dropped, so a newer client can talk to an older server.
 *
 * Memory: requests own a jansson tree; encoders return a malloc'd, NUL-terminated string that the caller frees.
 */
#ifndef SIGNALING_MESSAGE_H
#define SIGNALING_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNALING_VERSION             1
#define SIGNALING_ID_MAX              INT32_MAX     /* request ids: 1 to 2^31-1              */
#define SIGNALING_CHAT_BYTES          4096          /* chat text, UTF-8                      */
#define SIGNALING_NAME_BYTES          256           /* display name, UTF-8                   */
#define SIGNALING_IDENTIFIER_BYTES    128           /* rooms, participants, tracks, sessions */
#define SIGNALING_FIRST_MESSAGE_BYTES (16UL * 1024) /* until `hello` has been answered       */

enum signaling_type {
  SIGNALING_HELLO = 0,
  SIGNALING_CHECK,
  SIGNALING_JOIN,
  SIGNALING_LEAVE,
  SIGNALING_OFFER,
  SIGNALING_CANDIDATE,
  SIGNALING_PUBLISH,
  SIGNALING_UNPUBLISH,
  SIGNALING_MUTE,
  SIGNALING_VIEW,
  SIGNALING_CHAT,
  SIGNALING_KICK,
  SIGNALING_LOCK,
  SIGNALING_CLOSE,
  SIGNALING_SET_NAME,
  SIGNALING_RAISE_HAND,
  SIGNALING_PING,
  SIGNALING_ADMIT,
  SIGNALING_ADMIT_ALL,
  SIGNALING_DECLINE_WAITING,
  SIGNALING_SEND_BACK,
  SIGNALING_SET_POLICY,
  SIGNALING_SIGNAL,
  SIGNALING_DIRECT_STATE,
  SIGNALING_INVITE,
  SIGNALING_ACCEPT,
  SIGNALING_DECLINE,
  SIGNALING_CANCEL,
  SIGNALING_CHECK_USER,
  SIGNALING_CREATE_GUEST_LINK,
  SIGNALING_REVOKE_GUEST_LINK,
  SIGNALING_TYPE_COUNT,
};

/* Errors of a reply. The wire has the name ("bad_request"); the numbers are ours alone and may change. */
enum signaling_error {
  SIGNALING_OK = 0,
  SIGNALING_BAD_MESSAGE = -1, /* no JSON object with a valid id and a type: answered with re 0, then close 4005 */
  SIGNALING_BAD_REQUEST = -2, /* a field is missing or wrong; the text names it                                 */
  SIGNALING_UNKNOWN_TYPE = -3,
  SIGNALING_TOO_LARGE = -4,
  SIGNALING_RATE_LIMITED = -5,
  SIGNALING_UNSUPPORTED_VERSION = -6,
  SIGNALING_NOT_AUTHENTICATED = -7,
  SIGNALING_TOKEN_INVALID = -8,
  SIGNALING_TOKEN_EXPIRED = -9,
  SIGNALING_TOKEN_USED = -10,
  SIGNALING_FORBIDDEN = -11,
  SIGNALING_NOT_JOINED = -12,
  SIGNALING_ALREADY_JOINED = -13,
  SIGNALING_ROOM_NOT_FOUND = -14,
  SIGNALING_ROOM_FULL = -15,
  SIGNALING_ROOM_LOCKED = -16,
  SIGNALING_PARTICIPANT_NOT_FOUND = -17,
  SIGNALING_TRACK_NOT_FOUND = -18,
  SIGNALING_BAD_OFFER = -19,
  SIGNALING_NO_COMMON_CODEC = -20,
  SIGNALING_TOO_MANY_TRACKS = -21,
  SIGNALING_SESSION_NOT_FOUND = -22,
  SIGNALING_WORKER_LOST = -23,
  SIGNALING_DRAINING = -24,
  SIGNALING_BUSY = -25,
  SIGNALING_INTERNAL = -26,
  SIGNALING_CALL_NOT_FOUND = -27,
  SIGNALING_LINK_NOT_FOUND = -28,
  SIGNALING_ERROR_END = -29, /* one past the last */
};

/* WebSocket close codes of the protocol (RFC 6455 §7.4.2: 4000-4999 are for private use). */
enum signaling_close {
  SIGNALING_CLOSE_NORMAL = 1000,
  SIGNALING_CLOSE_GOING_AWAY = 1001,
  SIGNALING_CLOSE_UNSUPPORTED = 1003, /* a binary frame                    */
  SIGNALING_CLOSE_NOT_UTF8 = 1007,
  SIGNALING_CLOSE_TOO_BIG = 1009,
  SIGNALING_CLOSE_KICKED = 4001,
  SIGNALING_CLOSE_ROOM_CLOSED = 4002,
  SIGNALING_CLOSE_REPLACED = 4003,
  SIGNALING_CLOSE_SLOW_READER = 4004,
  SIGNALING_CLOSE_PROTOCOL = 4005,
  SIGNALING_CLOSE_RATE = 4006,
  SIGNALING_CLOSE_AUTH_TIMEOUT = 4007,
};

struct signaling_request {
  int64_t id;
  enum signaling_type type;
  json_t *fields; /* only members that the schema knows, all valid; without id and type. Owned. */
};

/* Why a message was refused, ready for signaling_error_encode(). */
struct signaling_refusal {
  enum signaling_error code;
  int64_t id;        /* of the request, 0 when it could not be read */
  char message[160]; /* default text, or one that names the field   */
};

/* Decodes one text message of a client. Returns 0 and fills *out (signaling_request_clear() it), or an
 * enum signaling_error and fills *why: BAD_MESSAGE, UNKNOWN_TYPE, TOO_LARGE, BAD_REQUEST or INTERNAL (no memory).
 * Messages over 64 KiB are TOO_LARGE unless they are an `offer`, which may have 256 KiB. */
int signaling_request_decode(const char *text, size_t len, struct signaling_request *out,
                             struct signaling_refusal *why);

/* Checks an object that did not come as text (the gateway → worker line) against the schema of its own "id" and "type".
 * Same results; `message` stays the caller's. An `offer` may carry the parsed description as "offer" in place of "sdp". */
int signaling_request_from_json(const json_t *message, struct signaling_request *out, struct signaling_refusal *why);

void signaling_request_clear(struct signaling_request *request);

/* {"re":id,"ok":ok}; takes over the reference to `ok` (NULL: {}). NULL when out of memory. */
char *signaling_reply_encode(int64_t id, json_t *ok);

/* {"re":id,"error":{"code":…,"message":…}}; `message` NULL: the code's default text. NULL when out of memory. */
char *signaling_error_encode(int64_t id, enum signaling_error code, const char *message);

/* The error `rate_limited` of this connection's own rate, with "retryAfterMs": after so long (rounded up) the same request
 * passes if nothing else was asked meanwhile. Such a request was not looked at, so to repeat it is always right. */
char *signaling_rate_limited_encode(int64_t id, int64_t wait_us);

/* {"event":name, ...fields}; takes over the reference to `fields` (NULL: none). NULL when out of memory. */
char *signaling_event_encode(const char *name, json_t *fields);

/* The same three as objects (new reference), for the gateway ↔ worker lines. NULL when out of memory. */
json_t *signaling_reply_json(int64_t id, json_t *ok);
json_t *signaling_error_json(int64_t id, enum signaling_error code, const char *message);
json_t *signaling_event_json(const char *name, json_t *fields);

/* "bad_request" and so on; "internal" for a number that is none. Never NULL. */
const char *signaling_error_name(enum signaling_error code);
/* One sentence for a developer; never NULL. */
const char *signaling_error_text(enum signaling_error code);
/* The code of a wire name; SIGNALING_INTERNAL when there is none such. */
enum signaling_error signaling_error_parse(const char *name);

/* "raiseHand" and so on; never NULL. */
const char *signaling_type_name(enum signaling_type type);
/* Writes *out and returns 0, or -1 for an unknown name. */
int signaling_type_parse(const char *name, enum signaling_type *out);

/* Text a human will see (names, chat): UTF-8 without controls, and without the bidirectional overrides that let a
 * name pose as another one. `multiline` allows newline and tab. */
bool signaling_text_valid(const char *text, size_t len, bool multiline);
/* Identifiers: 1 to SIGNALING_IDENTIFIER_BYTES of A-Z a-z 0-9 _ - . ~ @ : */
bool signaling_identifier_valid(const char *text, size_t len);

#endif
