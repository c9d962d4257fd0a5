/* The logger: formats one line into a fixed buffer and writes it with one call, so that the lines of several processes
 * on one stderr do not interleave. */
#include "server/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES      4096
#define RATE_SLOTS      64
#define RATE_BURST      INT64_C(20)
#define RATE_PER_SECOND INT64_C(5)

struct rate {
  const char *event;
  int64_t at_ms;
  int64_t milli_tokens;
  int64_t suppressed;
};

static enum config_log_level threshold = CONFIG_LOG_INFO;
static enum config_log_format format_now = CONFIG_LOG_TEXT;
static const char *process_name = "consilium";
static FILE *stream_now;
static struct rate rates[RATE_SLOTS];

struct line {
  char bytes[LINE_BYTES];
  size_t length;
};

void log_configure(enum config_log_level level, enum config_log_format format, const char *process) {
  threshold = level;
  format_now = format;
  process_name = process;
}

void log_set_stream(FILE *stream) {
  stream_now = stream;
}

static void put(struct line *l, const char *text) {
  while (*text && l->length < sizeof l->bytes - 8)
    l->bytes[l->length++] = *text++;
}

/* Escapes as JSON does; bytes outside ASCII pass, control characters and (in text) what would split a line do not. */
static void put_escaped(struct line *l, const char *text) {
  for (; *text && l->length < sizeof l->bytes - 16; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') {
      l->bytes[l->length++] = '\\';
      l->bytes[l->length++] = (char)c;
    } else if (c < 0x20 || c == 0x7f) {
      l->length += (size_t)snprintf(l->bytes + l->length, 8, "\\u%04x", c);
    } else {
      l->bytes[l->length++] = (char)c;
    }
  }
}

static bool plain(const char *text) {
  return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@+") == strlen(text);
}

static void put_field(struct line *l, const struct log_field *f) {
  char number[32];
  if (format_now == CONFIG_LOG_JSON) {
    put(l, ",\"");
    put(l, f->key);
    put(l, "\":");
  } else {
    put(l, " ");
    put(l, f->key);
    put(l, "=");
  }
  if (f->kind == LOG_FIELD_NUMBER) {
    snprintf(number, sizeof number, "%" PRId64, f->number);
    put(l, number);
    return;
  }
  const char *text = f->text ? f->text : "";
  if (format_now == CONFIG_LOG_TEXT && plain(text)) {
    put(l, text);
    return;
  }
  put(l, "\"");
  put_escaped(l, text);
  put(l, "\"");
}

static void put_head(struct line *l, enum config_log_level level, const char *event, const struct timespec *now) {
  static const char *const levels[] = {"error", "warn", "info", "debug"};
  char time[40];
  struct tm utc;
  gmtime_r(&now->tv_sec, &utc);
  size_t n = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(time + n, sizeof time - n, ".%03dZ", (int)(now->tv_nsec / 1000000));
  const char *json[] = {
      "{\"time\":\"", time, "\",\"level\":\"", levels[level], "\",\"process\":\"", process_name, "\",\"event\":\"",
      event,          "\""};
  const char *text[] = {time, " ", levels[level], " ", process_name, " ", event};
  if (format_now == CONFIG_LOG_JSON)
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
      put(l, json[i]);
  else
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
      put(l, text[i]);
}

/* Whether `event` may write now; *suppressed is what was left out before. A full table shares its last slot. */
static bool admit(const char *event, int64_t now_ms, int64_t *suppressed) {
  struct rate *r = NULL;
  for (size_t i = 0; i < RATE_SLOTS && !r; i++)
    if (!rates[i].event || strcmp(rates[i].event, event) == 0 || i == RATE_SLOTS - 1) r = &rates[i];
  if (!r->event) *r = (struct rate){event, now_ms, RATE_BURST * 1000, 0};
  r->milli_tokens += (now_ms - r->at_ms) * RATE_PER_SECOND;
  if (r->milli_tokens > RATE_BURST * 1000) r->milli_tokens = RATE_BURST * 1000;
  r->at_ms = now_ms;
  if (r->milli_tokens < 1000) {
    r->suppressed++;
    return false;
  }
  r->milli_tokens -= 1000;
  *suppressed = r->suppressed;
  r->suppressed = 0;
  return true;
}

void log_write(enum config_log_level level, const char *event, const struct log_field *fields) {
  if (level > threshold) return;
  struct timespec now, steady;
  int64_t suppressed = 0;
  clock_gettime(CLOCK_MONOTONIC, &steady);
  if (!admit(event, (int64_t)steady.tv_sec * 1000 + steady.tv_nsec / 1000000, &suppressed)) return;
  clock_gettime(CLOCK_REALTIME, &now);
  struct line l = {.length = 0};
  put_head(&l, level, event, &now);
  for (const struct log_field *f = fields; f->kind != LOG_FIELD_END; f++)
    put_field(&l, f);
  if (suppressed > 0) put_field(&l, &(struct log_field)log_number("suppressed", suppressed));
  if (format_now == CONFIG_LOG_JSON) l.bytes[l.length++] = '}';
  l.bytes[l.length++] = '\n';
  FILE *to = stream_now ? stream_now : stderr;
  fwrite(l.bytes, 1, l.length, to);
  fflush(to);
}
