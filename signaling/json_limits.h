/* signaling/json_limits.h: JSON from a peer, parsed only when it fits.
 *
 * A scan without allocation measures size, depth and number of values first; only then does jansson build the tree, so
 * that a hostile text costs one pass over at most `max_bytes`. Jansson alone would nest 2048 deep and has no size limit.
 *
 * Sources: RFC 8259 §9 ("An implementation may set limits on the size of texts that it accepts ... on the maximum
 * depth of nesting ... on the range and precision of numbers"); §4 on duplicate names; §8.1 on UTF-8.
 */
#ifndef SIGNALING_JSON_LIMITS_H
#define SIGNALING_JSON_LIMITS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_LIMITS_MESSAGE_BYTES (64UL * 1024)
#define JSON_LIMITS_OFFER_BYTES   (256UL * 1024) /* SDP of a large room: about 2 KiB an m-line */
#define JSON_LIMITS_DEPTH         32             /* objects and arrays inside one another, the root counts as 1 */
#define JSON_LIMITS_VALUES        8192 /* members and elements of one text: bounds the built tree to about 1 MiB */

enum json_limits_error {
  JSON_LIMITS_OK = 0,
  JSON_LIMITS_TOO_LARGE = -1,  /* more than max_bytes                                                   */
  JSON_LIMITS_TOO_DEEP = -2,   /* more than JSON_LIMITS_DEPTH                                           */
  JSON_LIMITS_TOO_MANY = -3,   /* more than JSON_LIMITS_VALUES                                          */
  JSON_LIMITS_SYNTAX = -4,     /* not JSON, not UTF-8, a \u0000, a number that does not fit, or a rest  */
  JSON_LIMITS_DUPLICATE = -5,  /* the same key twice in one object                                      */
  JSON_LIMITS_NOT_OBJECT = -6, /* JSON, but the root is no object                                       */
  JSON_LIMITS_NO_MEMORY = -7,
};

/* Parses `len` bytes (no terminator needed) into a new object, *out, which the caller owns (json_decref).
 * Returns 0 or an enum json_limits_error; *out is written only on success. */
int json_limits_parse(const char *text, size_t len, size_t max_bytes, json_t **out);

/* Reads an integer member within [min, max]. Returns 0, or -1 when it is absent, not an integer (7.0 is none) or out
 * of range; *out is written only on success. */
int json_limits_integer(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out);

/* "too_deep" and so on, for counters; never NULL. */
const char *json_limits_error_name(int error);

#endif
