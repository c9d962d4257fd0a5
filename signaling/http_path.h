/* signaling/http_path.h: the pure checks of the HTTP listener: paths, origins, lengths, client addresses, media types.
 * No allocation, no state. Sources: RFC 9110, RFC 6454 (origin), RFC 7239 §5.2 for the older X-Forwarded-For. */
#ifndef SIGNALING_HTTP_PATH_H
#define SIGNALING_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is a percent-decoded path one we look at: absolute, UTF-8, no control byte or backslash, no empty, "." or ".." segment
 * ("/" at the end is fine). */
bool http_path_valid(const char *path, size_t len);

/* May a page of `origin` open a WebSocket? True when origin is empty (no browser), when its authority is the one in
 * `host` (default ports aside, and https where `tls`), or when it is in `allowed`, compared whole. */
bool http_origin_allowed(const char *origin, const char *host, bool tls, const char *const *allowed, size_t count);

/* RFC 9110 §8.6: Content-Length = 1*DIGIT. Returns 0, or -1 for anything else or more than nine digits. */
int http_content_length(const char *text, size_t *out);

/* RFC 9110 §12.5.3: does an Accept-Encoding name gzip, x-gzip or "*" with a weight above 0? A coding's own weight counts
 * before that of "*". Without the header (""): no, for identity is always understood. */
bool http_accepts_gzip(const char *accept_encoding);

/* RFC 9110 §13.1.2: is `etag` in an If-None-Match, by weak comparison (§8.8.3.2)? "*" is every one. */
bool http_etag_listed(const char *if_none_match, const char *etag);

/* The last element of an X-Forwarded-For list, when it is an IP address. Returns 0, or -1 and leaves `out` alone. */
int http_forwarded_address(const char *list, char *out, size_t cap);

/* Drops the "::ffff:" of an IPv4 client on an IPv6 socket, in place. */
void http_address_unmap(char *address);

/* One number for everybody who shares an address: IPv4 whole, IPv6 by /64. 0 when it is no address. */
uint64_t http_address_key(const char *address);

/* By the name's ending; "application/octet-stream" when unknown. */
const char *http_media_type(const char *path);

/* May `value` stand in a header: no line break or other control byte. */
bool http_header_value_valid(const char *value);

/* "Not Found" and so on; "" for a status we do not send. */
const char *http_status_text(int status);

#endif
