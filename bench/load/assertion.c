/* bench/load/assertion.c: see the header. */
#include "bench/load/assertion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct suffix {
  const char *text;
  double factor;
  enum metric_unit unit;
  bool any; /* a plain multiplier: fits every unit but times and percent */
} suffixes[] = {
    {"%", 1, METRIC_PERCENT, false},
    {"us", 1, METRIC_US, false},
    {"µs", 1, METRIC_US, false},
    {"ms", 1e3, METRIC_US, false},
    {"s", 1e6, METRIC_US, false},
    {"k", 1e3, METRIC_COUNT, true},
    {"M", 1e6, METRIC_COUNT, true},
    {"G", 1e9, METRIC_COUNT, true},
    {"B", 1, METRIC_BYTES, false},
    {"kB", 1e3, METRIC_BYTES, false},
    {"KiB", 1024, METRIC_BYTES, false},
    {"MB", 1e6, METRIC_BYTES, false},
    {"MiB", 1048576, METRIC_BYTES, false},
    {"/s", 1, METRIC_PER_SECOND, false},
    {"k/s", 1e3, METRIC_PER_SECOND, false},
    {"bit/s", 1, METRIC_BITS_PER_SECOND, false},
    {"kbit/s", 1e3, METRIC_BITS_PER_SECOND, false},
    {"Mbit/s", 1e6, METRIC_BITS_PER_SECOND, false},
    {"Gbit/s", 1e9, METRIC_BITS_PER_SECOND, false},
};

static const char *skip_blanks(const char *at) {
  while (*at == ' ')
    at++;
  return at;
}

static const char *read_operator(const char *at, enum assertion_operator *op) {
  static const struct {
    const char *text;
    enum assertion_operator op;
  } operators[] = {{"<=", ASSERTION_LESS_EQUAL}, {">=", ASSERTION_GREATER_EQUAL}, {"==", ASSERTION_EQUAL},
                   {"<", ASSERTION_LESS},        {">", ASSERTION_GREATER},        {"=", ASSERTION_EQUAL}};
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    size_t len = strlen(operators[i].text);
    if (strncmp(at, operators[i].text, len) != 0) continue;
    *op = operators[i].op;
    return at + len;
  }
  return NULL;
}

const char *assertion_parse(struct assertion *out, const char *text) {
  memset(out, 0, sizeof *out);
  out->text = text;
  const char *at = skip_blanks(text);
  size_t len = 0;
  while (isalnum((unsigned char)at[len]) || at[len] == '_')
    len++;
  if (len == 0 || len >= sizeof out->name) return "it must begin with the name of a figure, as in loss<0.1%";
  memcpy(out->name, at, len);
  at = read_operator(skip_blanks(at + len), &out->op);
  if (!at) return "after the name comes one of < <= > >= =";
  char *end;
  out->value = strtod(at, &end);
  if (end == at) return "after the comparison comes a number";
  at = skip_blanks(end);
  if (*at == '\0') return NULL;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    if (strcmp(at, suffixes[i].text) != 0) continue;
    out->value *= suffixes[i].factor;
    out->has_unit = !suffixes[i].any;
    out->unit = suffixes[i].unit;
    return NULL;
  }
  return "the unit is none of % us ms s k M G B kB KiB MB MiB /s bit/s kbit/s Mbit/s Gbit/s";
}

static bool compare(double a, enum assertion_operator op, double b) {
  switch (op) {
    case ASSERTION_LESS:
      return a < b;
    case ASSERTION_LESS_EQUAL:
      return a <= b;
    case ASSERTION_GREATER:
      return a > b;
    case ASSERTION_GREATER_EQUAL:
      return a >= b;
    case ASSERTION_EQUAL:
      return !(a < b) && !(a > b);
  }
  return false;
}

enum assertion_verdict assertion_check(const struct assertion *a, const struct metric_list *metrics) {
  const struct metric *m = metric_find(metrics, a->name);
  if (!m) return ASSERTION_UNKNOWN_METRIC;
  if (a->has_unit && a->unit != m->unit) return ASSERTION_WRONG_UNIT;
  if (!m->known) return ASSERTION_NOT_MEASURED;
  return compare(m->value, a->op, a->value) ? ASSERTION_HOLDS : ASSERTION_FAILS;
}
