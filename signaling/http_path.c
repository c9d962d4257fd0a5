/* signaling/http_path.c: the pure checks of the HTTP listener. */
#include "signaling/http_path.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "signaling/message.h"

bool http_path_valid(const char *path, size_t len) {
  if (len == 0 || path[0] != '/' || memchr(path, '\0', len) || memchr(path, '\\', len)) return false;
  if (!signaling_text_valid(path, len, false)) return false;
  const char *end = path + len;
  for (const char *s = path + 1; s <= end;) {
    const char *next = memchr(s, '/', (size_t)(end - s));
    size_t n = (size_t)((next ? next : end) - s);
    if (n == 0 && next) return false;
    if ((n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.')) return false;
    if (!next) break;
    s = next + 1;
  }
  return true;
}

/* Length of an authority without the default port of its scheme. */
static size_t authority_len(const char *authority, const char *port) {
  size_t len = strlen(authority), n = strlen(port);
  return len >= n && strcmp(authority + len - n, port) == 0 ? len - n : len;
}

bool http_origin_allowed(const char *origin, const char *host, bool tls, const char *const *allowed, size_t count) {
  if (!*origin) return true;
  for (size_t i = 0; i < count; i++)
    if (strcasecmp(origin, allowed[i]) == 0) return true;
  const char *authority, *port;
  if (strncasecmp(origin, "https://", 8) == 0) {
    authority = origin + 8;
    port = ":443";
  } else if (!tls && strncasecmp(origin, "http://", 7) == 0) {
    authority = origin + 7;
    port = ":80";
  } else {
    return false;
  }
  size_t n = authority_len(authority, port);
  return n > 0 && n == authority_len(host, port) && strncasecmp(authority, host, n) == 0;
}

/* RFC 9110 §12.4.2: weight = OWS ";" OWS "q=" qvalue; "a value of 0 means "not acceptable"". */
static bool weight_is_zero(const char *parameters, size_t len) {
  const char *end = parameters + len;
  while (parameters < end && strchr("; \t", *parameters))
    parameters++;
  if (end - parameters < 3 || strncasecmp(parameters, "q=0", 3) != 0) return false;
  for (parameters += 3; parameters < end && !strchr(" \t", *parameters); parameters++)
    if (*parameters != '.' && *parameters != '0') return false;
  return true;
}

bool http_accepts_gzip(const char *accept_encoding) {
  bool any = false;
  for (const char *s = accept_encoding; *s;) {
    s += strspn(s, ", \t");
    size_t len = strcspn(s, ","), name = strcspn(s, ",; \t");
    bool wanted = !weight_is_zero(s + name, len - name);
    if ((name == 4 && strncasecmp(s, "gzip", 4) == 0) || (name == 6 && strncasecmp(s, "x-gzip", 6) == 0)) return wanted;
    if (name == 1 && *s == '*') any = wanted;
    s += len;
  }
  return any;
}

bool http_etag_listed(const char *if_none_match, const char *etag) {
  const char *s = if_none_match + strspn(if_none_match, " \t");
  size_t n = strlen(etag);
  if (*s == '*') return true;
  while (*s) {
    s += strspn(s, ", \t");
    if (strncmp(s, "W/", 2) == 0) s += 2;
    if (strncmp(s, etag, n) == 0) return true; /* its quotes are part of it */
    s += *s == '"' ? 1 : 0;
    s += strcspn(s, "\"");
    s += *s == '"' ? 1 : 0;
  }
  return false;
}

int http_content_length(const char *text, size_t *out) {
  size_t value = 0, n = 0;
  for (; text[n]; n++) {
    if (text[n] < '0' || text[n] > '9' || n == 9) return -1;
    value = value * 10 + (size_t)(text[n] - '0');
  }
  if (n == 0) return -1;
  *out = value;
  return 0;
}

static bool is_address(const char *text) {
  unsigned char bytes[16];
  return uv_inet_pton(AF_INET, text, bytes) == 0 || uv_inet_pton(AF_INET6, text, bytes) == 0;
}

int http_forwarded_address(const char *list, char *out, size_t cap) {
  char address[64];
  const char *last = strrchr(list, ',');
  last = last ? last + 1 : list;
  while (*last == ' ' || *last == '\t')
    last++;
  size_t len = strcspn(last, " \t");
  if (len == 0 || len >= sizeof(address) || len >= cap || last[len + strspn(last + len, " \t")]) return -1;
  memcpy(address, last, len);
  address[len] = '\0';
  if (!is_address(address)) return -1;
  memcpy(out, address, len + 1);
  http_address_unmap(out);
  return 0;
}

void http_address_unmap(char *address) {
  unsigned char bytes[4];
  if (strncasecmp(address, "::ffff:", 7) == 0 && uv_inet_pton(AF_INET, address + 7, bytes) == 0)
    memmove(address, address + 7, strlen(address + 7) + 1);
}

uint64_t http_address_key(const char *address) {
  unsigned char bytes[16] = {0};
  uint64_t key = 0;
  size_t n = 0;
  if (uv_inet_pton(AF_INET, address, bytes) == 0)
    n = 4;
  else if (uv_inet_pton(AF_INET6, address, bytes) == 0)
    n = 8;
  for (size_t i = 0; i < n; i++)
    key = key << 8 | bytes[i];
  /* ::/64 (so ::1 too) must not be 0, and no IPv4 address an IPv6 network. */
  return n == 4 ? key | 1ull << 40 : n == 8 && key == 0 ? 1ull << 41 : key;
}

const char *http_media_type(const char *path) {
  static const char *const types[][2] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".yaml", "application/yaml"},
      {".txt", "text/plain; charset=utf-8"},
      {".md", "text/plain; charset=utf-8"},
      {".ts", "text/plain; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".tgz", "application/gzip"},
      {".wasm", "application/wasm"},
      {".mp3", "audio/mpeg"},
      {".ogg", "audio/ogg"},
      {".wav", "audio/wav"},
  };
  const char *name = strrchr(path, '/');
  const char *dot = strrchr(name ? name : path, '.');
  if (dot)
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
      if (strcasecmp(dot, types[i][0]) == 0) return types[i][1];
  return "application/octet-stream";
}

bool http_header_value_valid(const char *value) {
  for (; *value; value++)
    if ((unsigned char)*value < 0x20 || *value == 0x7f) return false;
  return true;
}

const char *http_status_text(int status) {
  static const struct {
    int status;
    const char *text;
  } texts[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {304, "Not Modified"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
    if (texts[i].status == status) return texts[i].text;
  return "";
}
