/* bench/load/progress.c: see the header. */
#include "bench/load/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR 20

static bool shown;

void progress_show(bool quiet, const char *phase, double fraction, unsigned joined, unsigned seats,
                   const struct run_sample *last) {
  char packets[32], bits[32], latency[32], loss[32];
  if (quiet || !isatty(STDERR_FILENO)) return;
  int full = fraction < 0 ? 0 : fraction > 1 ? BAR : (int)(fraction * BAR + 0.5);
  fprintf(stderr, "\r\033[K%-9s ", phase);
  for (int i = 0; i < BAR; i++)
    fputs(i < full ? "█" : "·", stderr);
  fprintf(stderr, " %3.0f %%  %u/%u in", fraction * 100, joined, seats);
  if (last) {
    fprintf(stderr, "  %s  %s  loss %s  p99 %s",
            metric_format(METRIC_PER_SECOND, last->packets_per_second, packets, sizeof packets),
            metric_format(METRIC_BITS_PER_SECOND, last->bits_per_second, bits, sizeof bits),
            metric_format(METRIC_PERCENT, last->loss_percent, loss, sizeof loss),
            metric_format(METRIC_US, last->latency_p99_us, latency, sizeof latency));
    if (last->server_cpu_percent > 0) fprintf(stderr, "  server %.0f %%", last->server_cpu_percent);
    fprintf(stderr, "  self %.0f %%", last->generator_cpu_percent);
  }
  fflush(stderr);
  shown = true;
}

void progress_clear(void) {
  if (!shown) return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
  shown = false;
}
