/* bench/load/progress.c: see the header. */
#include "bench/load/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define BAR        20
#define LINE_BYTES 512

static bool shown;

const char *progress_line(char *text, size_t cap, const struct progress *p) {
  char packets[32], bits[32], latency[32], loss[32], bar[3 * BAR + 1];
  double fraction = p->fraction < 0 ? 0 : p->fraction > 1 ? 1 : p->fraction;
  int full = (int)(fraction * BAR + 0.5);
  size_t drawn = 0;
  for (int i = 0; i < BAR; i++)
    drawn += (size_t)snprintf(bar + drawn, sizeof bar - drawn, "%s", i < full ? "█" : "·");
  size_t len =
      (size_t)snprintf(text, cap, "%-10s %s %3.0f %%  %u/%u in", p->phase, bar, fraction * 100, p->joined, p->seats);
  const struct run_sample *s = p->last;
  if (!s || len >= cap) return text;
  len += (size_t)snprintf(text + len, cap - len, "  %s  %s  loss %s  p99 %s",
                          metric_format(METRIC_PER_SECOND, s->packets_per_second, packets, sizeof packets),
                          metric_format(METRIC_BITS_PER_SECOND, s->bits_per_second, bits, sizeof bits),
                          metric_format(METRIC_PERCENT, s->loss_percent, loss, sizeof loss),
                          metric_format(METRIC_US, s->latency_p99_us, latency, sizeof latency));
  if (s->server_cpu_percent > 0 && len < cap)
    len += (size_t)snprintf(text + len, cap - len, "  server %.0f %%", s->server_cpu_percent);
  if (len < cap) snprintf(text + len, cap - len, "  self %.0f %%", s->generator_cpu_percent);
  return text;
}

/* Cuts it to so many columns: every character here is one wide. */
static void cut(char *text, unsigned columns) {
  for (; *text; text++)
    if (((unsigned char)*text & 0xc0) != 0x80 && columns-- == 0) break;
  *text = '\0';
}

void progress_show(FILE *to, const struct progress *p) {
  char text[LINE_BYTES];
  struct winsize size = {0};
  if (!isatty(fileno(to))) return;
  progress_line(text, sizeof text, p);
  if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 1) cut(text, size.ws_col - 1U);
  fprintf(to, "\r\033[K%s", text);
  fflush(to);
  shown = true;
}

void progress_clear(FILE *to) {
  if (!shown) return;
  fputs("\r\033[K", to);
  fflush(to);
  shown = false;
}
