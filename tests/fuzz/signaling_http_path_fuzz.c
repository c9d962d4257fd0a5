/* tests/fuzz/signaling_http_path_fuzz.c: any text as path, origin, host, length and forwarded address, If-None-Match and Accept-Encoding. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/http_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  if (size) memcpy(text, data, size);
  text[size] = '\0';
  if (http_path_valid(text, size)) {
    if (text[0] != '/' || strlen(text) != size || strstr(text, "//") || strstr(text, "/../") || strchr(text, '\\'))
      abort();
    if (!http_header_value_valid(text) || !http_media_type(text)[0]) abort();
  }
  char *split = strchr(text, '|');
  if (split) {
    static const char *const allowed[] = {"https://clinic.example"};
    *split = '\0';
    const char *host = split + 1;
    if (http_origin_allowed(text, host, true, allowed, 1) && *text && strcasecmp(text, allowed[0]) != 0) {
      if (strncasecmp(text, "https://", 8) != 0 || !*host || strncasecmp(text + 8, host, 1) != 0) abort();
    }
  }
  size_t n;
  if (http_content_length(text, &n) == 0 && n > 999999999) abort();
  if (http_accepts_gzip(text) && !strcasestr(text, "gzip") && !strchr(text, '*')) abort();
  if (http_etag_listed(text, "\"ab\"") && !strstr(text, "\"ab\"") && !strchr(text, '*')) abort();
  char address[64];
  if (http_forwarded_address(text, address, sizeof(address)) == 0 && http_address_key(address) == 0) abort();
  free(text);
  return 0;
}
