/* signaling/web_gzip.c: one file in the gzip format. */
#include "signaling/web_gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* zlib: the largest window, and 16 more for a gzip header and trailer */

uint8_t *web_gzip(const uint8_t *bytes, size_t len, size_t *out_len) {
  z_stream z = {0};
  if (len < 2 || len > INT_MAX) return NULL;
  uint8_t *out = malloc(len);
  if (!out) return NULL;
  if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    free(out);
    return NULL;
  }
  z.next_in = (Bytef *)bytes;
  z.avail_in = (uInt)len;
  z.next_out = out;
  z.avail_out = (uInt)len - 1; /* what does not fit is not smaller */
  int result = deflate(&z, Z_FINISH);
  size_t n = z.total_out;
  (void)deflateEnd(&z);
  uint8_t *fit = result == Z_STREAM_END ? realloc(out, n) : NULL;
  if (!fit) {
    free(out);
    return NULL;
  }
  *out_len = n;
  return fit;
}
