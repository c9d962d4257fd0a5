/* signaling/web_gzip.h: one file in the gzip format (RFC 1952). */
#ifndef SIGNALING_WEB_GZIP_H
#define SIGNALING_WEB_GZIP_H

#include <stddef.h>
#include <stdint.h>

/* Returns what the caller must free(); NULL when it would be no smaller than `bytes` or there is no memory. The same bytes
 * give the same result: it carries neither name nor time. */
uint8_t *web_gzip(const uint8_t *bytes, size_t len, size_t *out_len);

#endif
