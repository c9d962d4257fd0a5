/* The text format. */
#include "server/gateway/metrics.h"

#include <math.h>

static void put_escaped(FILE *to, const char *text, int quotes) {
  for (; *text; text++) {
    if (*text == '\\')
      fputs("\\\\", to);
    else if (*text == '\n')
      fputs("\\n", to);
    else if (*text == '"' && quotes)
      fputs("\\\"", to);
    else
      fputc(*text, to);
  }
}

void metrics_family(struct metrics *m, const char *name, const char *type, const char *help) {
  m->family = name;
  fprintf(m->to, "# HELP %s ", name);
  put_escaped(m->to, help, 0);
  fprintf(m->to, "\n# TYPE %s %s\n", name, type);
}

void metrics_sample(struct metrics *m, const struct metrics_label *labels, double value) {
  metrics_sample_of(m, "", labels, value);
}

void metrics_sample_of(struct metrics *m, const char *suffix, const struct metrics_label *labels, double value) {
  fputs(m->family, m->to);
  fputs(suffix, m->to);
  for (size_t i = 0; labels && labels[i].name; i++) {
    fprintf(m->to, "%c%s=\"", i ? ',' : '{', labels[i].name);
    put_escaped(m->to, labels[i].value, 1);
    fputc('"', m->to);
  }
  if (labels && labels[0].name) fputc('}', m->to);
  if (isnan(value) || isinf(value))
    fprintf(m->to, " %s\n", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
  else if (fabs(value) < 9e15 && value == floor(value))
    fprintf(m->to, " %.0f\n", value);
  else
    fprintf(m->to, " %.17g\n", value);
}
