/* server/log.h: the one logger of every process: a line per event on stderr, as text or as JSON.
 *
 *   log_info("worker_connected", log_number("worker", 0), log_text("room", id));
 *   text: 2026-11-22T08:00:00.123Z info gateway worker_connected worker=0 room=r_1
 *   json: {"time":"2026-11-22T08:00:00.123Z","level":"info","process":"gateway","event":"worker_connected","worker":0,…}
 *
 * Never log secrets, tokens, SDP, chat, people's names or addresses at info or above: those are for debug, and even
 * there not secrets. Peer text is escaped, so that nobody can forge a line.
 * Each event name may write 20 lines at once and 5 a second after that; what is left out is counted, and the next line
 * of the same name says `suppressed=N`. Process-wide state, one thread a process, no allocation.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdint.h>
#include <stdio.h>

#include "conf/config.h"

enum log_field_kind { LOG_FIELD_END = 0, LOG_FIELD_TEXT, LOG_FIELD_NUMBER };

struct log_field {
  const char *key;
  enum log_field_kind kind;
  const char *text;
  int64_t number;
};

/* Sets level, format and the process name that lines carry ("supervisor", "gateway", "worker-0"; kept by pointer).
 * Before the first call: info, text, "consilium". Also the way to change level and format on a reload. */
void log_configure(enum config_log_level level, enum config_log_format format, const char *process);

/* Sends lines elsewhere than stderr; NULL is stderr again. For tests. */
void log_set_stream(FILE *stream);

/* Writes one line unless `level` is off or `event` is over its rate. `fields` ends with a LOG_FIELD_END. `event` is a
 * literal: it is the key of the rate limit. */
void log_write(enum config_log_level level, const char *event, const struct log_field *fields);

#define log_text(name, value) \
  { .key = (name), .kind = LOG_FIELD_TEXT, .text = (value) }
#define log_number(name, value) \
  { .key = (name), .kind = LOG_FIELD_NUMBER, .number = (int64_t)(value) }
#define LOG_FIELDS(...)       ((const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_FIELD_END}})

#define log_error(event, ...) log_write(CONFIG_LOG_ERROR, (event), LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...)  log_write(CONFIG_LOG_WARN, (event), LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...)  log_write(CONFIG_LOG_INFO, (event), LOG_FIELDS(__VA_ARGS__))
#define log_debug(event, ...) log_write(CONFIG_LOG_DEBUG, (event), LOG_FIELDS(__VA_ARGS__))

#endif
