/* signaling/sdp_text.h: the character classes and small grammars of SDP, for the parser, the JSON decoder and the policy.
 * Internal to signaling's SDP. All functions are pure; those that cut words do so in the caller's mutable text. */
#ifndef SIGNALING_SDP_TEXT_H
#define SIGNALING_SDP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings of one struct: a bump allocator inside that struct's single allocation. */
struct sdp_arena {
  char *next;
  char *end;
};

/* A NUL-terminated copy, or NULL when the arena is too small (the caller counted wrong). */
const char *sdp_arena_copy(struct sdp_arena *arena, const char *text);

/* The next space-separated word, NUL-terminated in place; *rest moves behind it. NULL at the end. */
char *sdp_text_word(char **rest);

/* Whole string is a decimal number of at most `max`: digits only, no sign, no leading blanks. */
bool sdp_text_number(const char *text, uint64_t max, uint64_t *out);

/* RFC 8866 §9 token, 1 to `max` characters. */
bool sdp_text_is_token(const char *text, size_t max);

/* RFC 8851 §10 rid-id: letters, digits, - and _, 1 to SDP_MAX_ID_BYTES. */
bool sdp_text_is_rid(const char *text);

/* RFC 8839 §5.4 ice-char: letters, digits, + and /; at least `min` and at most 256. */
bool sdp_text_is_ice(const char *text, size_t min);

/* Printable ASCII and blanks only, at most `max`: what may stand inside a line without ending it. */
bool sdp_text_is_visible(const char *text, size_t max);

/* The algorithm's canonical name ("sha-256", …) if it is one the server checks (RFC 8122 §5), else NULL. */
const char *sdp_text_hash(const char *algorithm);
/* Whether `value` is as many hex pairs as that algorithm yields. */
bool sdp_text_is_fingerprint(const char *algorithm, const char *value);
void sdp_text_upper(char *text);

/* The value of parameter `key` (any case) in an fmtp string "a=1;b=2": its start and length, or NULL. A parameter without
 * "=" has length 0. */
const char *sdp_fmtp_find(const char *fmtp, const char *key, size_t *len);
/* As a number; `fallback` when absent or not a number of at most 2^31-1. */
long sdp_fmtp_number(const char *fmtp, const char *key, long fallback);

#endif
