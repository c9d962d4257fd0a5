/* bench/load/progress.c: see the header. */
#include "bench/load/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define PHASE      10
#define BAR        20
#define BAR_MIN    4
#define LINE_BYTES 512

static bool shown;

/* Live figures of the last second. */
static void put_figures(char *text, size_t cap, const struct run_sample *s) {
  char packets[32], bits[32], latency[32], loss[32];
  size_t len = (size_t)snprintf(text, cap, "  %s  %s  loss %s  p99 %s",
                                metric_format(METRIC_PER_SECOND, s->packets_per_second, packets, sizeof packets),
                                metric_format(METRIC_BITS_PER_SECOND, s->bits_per_second, bits, sizeof bits),
                                metric_format(METRIC_PERCENT, s->loss_percent, loss, sizeof loss),
                                metric_format(METRIC_US, s->latency_p99_us, latency, sizeof latency));
  if (s->server_cpu_percent > 0 && len < cap)
    len += (size_t)snprintf(text + len, cap - len, "  server %.0f %%", s->server_cpu_percent);
  if (len < cap) snprintf(text + len, cap - len, "  self %.0f %%", s->generator_cpu_percent);
}

/* Every character here is one column wide. */
static size_t columns_of(const char *text) {
  size_t columns = 0;
  for (; *text; text++)
    columns += ((unsigned char)*text & 0xc0) != 0x80;
  return columns;
}

const char *progress_line(char *text, size_t cap, const struct progress *p, unsigned columns) {
  char people[64], figures[160] = "", bar[3 * BAR + 1];
  double fraction = p->fraction < 0 ? 0 : p->fraction > 1 ? 1 : p->fraction;
  snprintf(people, sizeof people, " %3.0f %%  %u/%u in", fraction * 100, p->joined, p->seats);
  if (p->last) put_figures(figures, sizeof figures, p->last);
  size_t rest = PHASE + 1 + columns_of(people) + columns_of(figures), drawn = 0;
  int width = columns == 0 || rest + BAR <= columns ? BAR : rest + BAR_MIN > columns ? BAR_MIN : (int)(columns - rest);
  int full = (int)(fraction * width + 0.5);
  for (int i = 0; i < width; i++)
    drawn += (size_t)snprintf(bar + drawn, sizeof bar - drawn, "%s", i < full ? "█" : "·");
  snprintf(text, cap, "%-*s %s%s%s", PHASE, p->phase, bar, people, figures);
  return text;
}

/* Cuts it to so many columns. */
static void cut(char *text, unsigned columns) {
  for (; *text; text++)
    if (((unsigned char)*text & 0xc0) != 0x80 && columns-- == 0) break;
  *text = '\0';
}

void progress_show(FILE *to, const struct progress *p) {
  char text[LINE_BYTES];
  struct winsize size = {0};
  if (!isatty(fileno(to))) return;
  bool known = ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  progress_line(text, sizeof text, p, known ? size.ws_col - 1U : 0);
  if (known) cut(text, size.ws_col - 1U);
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
