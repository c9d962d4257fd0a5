/* bench/load/report_html.c: one page, no script, no other file: the figures, and plots as SVG. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench/load/report.h"
#include "bench/load/scenario.h"

#define WIDTH  640
#define HEIGHT 220
#define LEFT   64
#define BOTTOM 30
#define TOP    12
#define RIGHT  12
#define MARKED 40 /* points that are drawn as such */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>consilium-load</title>\n<style>"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:84rem;padding:0 "
    "1rem;color:#1c2430;background:#fff}"
    "main{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1.5rem}"
    "table{border-collapse:collapse;width:100%}td{padding:.15rem .4rem;border-bottom:1px solid #e3e7ee}"
    "td+td,.steps "
    "th+th{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}th{text-align:left;padding:.8rem "
    ".4rem "
    ".2rem}"
    "svg{width:100%;height:auto}figure{margin:0 0 1rem}figcaption{font-weight:600}"
    "text{font:11px system-ui,sans-serif;fill:#5a6675}.bad{background:#fdeaea;border-left:4px solid #c33;padding:.6rem "
    "1rem}"
    "@media(prefers-color-scheme:dark){body{background:#14181f;color:#e4e9f0}td{border-color:#2b323d}text{fill:#9aa6b5}"
    ".bad{background:#3a1d1f}dl div{border-color:#2b323d}}"
    "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:1rem 0 1.5rem}"
    "dl div{border:1px solid #d5dbe5;border-radius:.5rem;padding:.5rem .8rem}dt{font-size:.8rem;opacity:.75}"
    "dd{margin:0;font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}figcaption "
    "small{font-weight:400;opacity:.7}"
    ".no{color:#c33;font-weight:600}</style></head><body>\n";

struct point {
  double x, y;
};

/* Text into HTML: room names and failures come from outside. */
static void put_text(FILE *to, const char *text) {
  for (; *text; text++) {
    switch (*text) {
      case '<':
        fputs("&lt;", to);
        break;
      case '&':
        fputs("&amp;", to);
        break;
      default:
        fputc(*text, to);
    }
  }
}

/* A round number at or above `value`. */
static double round_up(double value) {
  if (!(value > 0)) return 1;
  double step = pow(10, floor(log10(value)));
  static const double nice[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
  for (size_t i = 0; i < sizeof nice / sizeof *nice; i++)
    if (nice[i] * step >= value * 0.999) return nice[i] * step;
  return 10 * step;
}

/* What a plot shows. `from`, `until`: the part of x that was measured, shaded; equal: no such part. */
struct plot {
  const char *title, *colour;
  enum metric_unit unit, x_unit;
  double from, until;
  bool nines; /* x is a number of nines: p0, p90, p99 … */
};

static void put_x_label(FILE *to, const struct plot *p, double value) {
  static const char *const nines[] = {"p0", "p90", "p99", "p99.9", "p99.99", "p99.999"};
  char label[48];
  if (p->nines)
    fputs(value == floor(value) && value < 6 ? nines[(int)value] : "", to);
  else if (p->x_unit == METRIC_COUNT || value == 0)
    fprintf(to, "%.3g", value);
  else
    fputs(metric_format(p->x_unit, value, label, sizeof label), to);
}

static void put_axes(FILE *to, const struct plot *p, double x_max, double y_max) {
  char label[48];
  const double left = LEFT + p->from / x_max * (WIDTH - LEFT - RIGHT);
  if (p->until > p->from)
    fprintf(to, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#8882\"/>", left, TOP,
            fmin(p->until, x_max) / x_max * (WIDTH - LEFT - RIGHT) + LEFT - left, HEIGHT - BOTTOM - TOP);
  for (int i = 0; i <= 4; i++) {
    double y = HEIGHT - BOTTOM - (double)(HEIGHT - BOTTOM - TOP) * i / 4;
    fprintf(to, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#8884\"/>", LEFT, WIDTH - RIGHT, y, y);
    fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 6, y + 4,
            metric_format(p->unit, y_max * i / 4, label, sizeof label));
    double x = LEFT + (double)(WIDTH - LEFT - RIGHT) * i / 4;
    fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", x, HEIGHT - 10, i < 4 ? "middle" : "end");
    put_x_label(to, p, x_max * i / 4);
    fputs("</text>", to);
  }
}

static void put_plot(FILE *to, const struct plot *p, const struct point *points, size_t count) {
  double x_max = 0, y_max = 0;
  for (size_t i = 0; i < count; i++) {
    x_max = fmax(x_max, points[i].x);
    y_max = fmax(y_max, points[i].y);
  }
  if (count < 2) return;
  x_max = p->nines ? 4 : 4 * round_up(x_max / 4); /* quarters that are round, too */
  y_max = 4 * round_up(y_max / 4);
  fprintf(to, "<figure><figcaption>%s%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
          p->title, p->until > p->from ? " <small>(shaded: measured)</small>" : "", WIDTH, HEIGHT, p->title);
  put_axes(to, p, x_max, y_max);
  fprintf(to, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", p->colour);
  for (size_t i = 0; i < count; i++)
    fprintf(to, "%.1f,%.1f ", LEFT + points[i].x / x_max * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - points[i].y / y_max * (HEIGHT - BOTTOM - TOP));
  fputs("\"/>", to);
  for (size_t i = 0; count <= MARKED && i < count; i++)
    fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>",
            LEFT + points[i].x / x_max * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - points[i].y / y_max * (HEIGHT - BOTTOM - TOP), p->colour);
  fputs("</svg></figure>\n", to);
}

enum series { SERIES_PACKETS, SERIES_LATENCY, SERIES_LOSS, SERIES_CPU, SERIES_PEOPLE };

static double value_of(const struct run_sample *s, enum series which) {
  switch (which) {
    case SERIES_PACKETS:
      return s->packets_per_second;
    case SERIES_LATENCY:
      return s->latency_p99_us;
    case SERIES_LOSS:
      return s->loss_percent;
    case SERIES_CPU:
      return s->server_cpu_percent;
    case SERIES_PEOPLE:
      return s->participants;
  }
  return 0;
}

static void put_series(FILE *to, const struct run_result *r) {
  static const struct {
    const char *title, *colour;
    enum metric_unit unit;
  } kinds[] = {[SERIES_PACKETS] = {"Packets delivered", "#2a6fdb", METRIC_PER_SECOND},
               [SERIES_LATENCY] = {"Latency, p99 of each second", "#c2571a", METRIC_US},
               [SERIES_LOSS] = {"Loss", "#c33", METRIC_PERCENT},
               [SERIES_CPU] = {"Server CPU", "#3a8f4d", METRIC_PERCENT},
               [SERIES_PEOPLE] = {"Participants", "#7a4fc4", METRIC_COUNT}};
  struct point *points = calloc(RUN_SAMPLES_MAX, sizeof *points);
  for (size_t k = 0; points && k < sizeof kinds / sizeof *kinds; k++) {
    if (k == SERIES_CPU && !r->window.has_server) continue;
    for (size_t i = 0; i < r->sample_count; i++)
      points[i] = (struct point){r->samples[i].at_s * 1e6, value_of(&r->samples[i], (enum series)k)};
    const struct plot plot = {kinds[k].title,           kinds[k].colour,        kinds[k].unit, METRIC_US,
                              r->measured_from_s * 1e6, r->measured_to_s * 1e6, false};
    put_plot(to, &plot, points, r->sample_count);
  }
  free(points);
}

/* Latency over the share of packets, in nines: 0 is all, 1 is p90, 2 p99, 3 p99.9 … */
static void put_latency(FILE *to, const struct histogram *h) {
  struct point points[81];
  size_t count = 0;
  for (; h->count && count < sizeof points / sizeof *points; count++) {
    double nines = (double)count / 20, percent = 100 - 100 * pow(10, -nines);
    if (pow(10, nines) > (double)h->count) break;
    points[count] = (struct point){nines, (double)histogram_percentile(h, percent)};
  }
  put_plot(to, &(struct plot){"Latency by share of packets", "#c2571a", METRIC_US, METRIC_COUNT, 0, 0, true}, points,
           count);
}

static void put_ramp(FILE *to, const struct run_result *r) {
  struct point points[RUN_STEPS_MAX];
  if (!r->step_count) return;
  for (size_t i = 0; i < r->step_count; i++)
    points[i] = (struct point){r->steps[i].packets_per_second, r->steps[i].latency_p99_us};
  for (size_t i = 1; i < r->step_count; i++) /* few: by insertion, in order of x */
    for (size_t k = i; k > 0 && points[k - 1].x > points[k].x; k--) {
      struct point swap = points[k];
      points[k] = points[k - 1];
      points[k - 1] = swap;
    }
  const struct plot plot = {
      "Latency p99 over packets per second", "#c2571a", METRIC_US, METRIC_PER_SECOND, 0, 0, false};
  put_plot(to, &plot, points, r->step_count);
}

/* What each load of a ramp came to. */
static void put_steps(FILE *to, const struct run_result *r, const struct load_options *o) {
  char rate[32], loss[32], latency[32];
  if (!r->step_count) return;
  fprintf(to,
          "<table class=\"steps\"><tr><th>%s</th><th>people</th><th>packets</th><th>loss</th><th>p99</th>"
          "<th>server</th><th></th></tr>\n",
          o->of == SCENARIO_CONSULT ? "rooms" : "members");
  for (size_t i = 0; i < r->step_count; i++) {
    const struct run_step *s = &r->steps[i];
    fprintf(to, "<tr><td>%u</td><td>%u</td><td>%s</td><td>%s</td><td>%s</td><td>%.0f %%</td><td>%s%s%s</td></tr>\n",
            s->load, s->participants, metric_format(METRIC_PER_SECOND, s->packets_per_second, rate, sizeof rate),
            metric_format(METRIC_PERCENT, s->loss_percent, loss, sizeof loss),
            metric_format(METRIC_US, s->latency_p99_us, latency, sizeof latency), s->server_cpu_percent,
            s->borne ? "borne" : "not borne: ", s->because, s->generator_limited ? ", generator at its limit" : "");
  }
  fputs("</table>\n", to);
}

static void put_title(FILE *to, const struct run_result *r, const struct load_options *o) {
  bool ramp = o->scenario == SCENARIO_RAMP;
  char knee[80];
  fprintf(to, "<h1>%s%s%s: %u participants, %.0f s</h1>\n", scenario_of(o->scenario)->name, ramp ? " of " : "",
          ramp ? scenario_of(o->of)->name : "", r->window.ready, r->window.seconds);
  if (ramp) fprintf(to, "<p><strong>%s</strong></p>\n", report_knee(knee, sizeof knee, r, o));
  char when[32], rate[32];
  time_t now = time(NULL);
  struct tm utc;
  struct utsname machine = {0};
  strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
  uname(&machine);
  fprintf(to, "<p>%s; ", o->janus ? "Janus" : "Consilium");
  if (ramp)
    fputs("rooms as the ramp needs them; ", to);
  else
    fprintf(to, "%u room%s of %u; ", o->rooms, o->rooms == 1 ? "" : "s", o->members);
  if (o->video_bps)
    fprintf(to, "video %s, %u layer%s, ", metric_format(METRIC_BITS_PER_SECOND, o->video_bps, rate, sizeof rate),
            o->layers, o->layers == 1 ? "" : "s");
  fprintf(to, "sound %s, ", metric_format(METRIC_BITS_PER_SECOND, o->audio_bps, rate, sizeof rate));
  fprintf(to, "%s spacing, %s (%s); seed %u; %s; Linux %s</p>\n", o->spacing == SPACING_EVEN ? "even" : "Chromium's",
          o->suite == LOAD_SUITE_CM ? "AES128_CM_SHA1_80" : "AEAD_AES_128_GCM", r->cipher_backend, o->seed, when,
          machine.release);
}

/* What one looks for first. */
static void put_tiles(FILE *to, const struct metric_list *list) {
  static const struct {
    const char *name, *title;
  } tiles[] = {{"packets_per_second", "packets delivered"},
               {"loss", "lost at first"},
               {"latency_p50", "latency p50"},
               {"latency_p99", "latency p99"},
               {"first_media_p95", "join to picture, p95"},
               {"cpu_us_per_packet", "server CPU per packet"},
               {"pss_per_participant", "memory a participant"}};
  char value[48];
  fputs("<dl>\n", to);
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
    const struct metric *m = metric_find(list, tiles[i].name);
    if (m && m->known)
      fprintf(to, "<div><dt>%s</dt><dd>%s</dd></div>\n", tiles[i].title,
              metric_format(m->unit, m->value, value, sizeof value));
  }
  fputs("</dl>\n", to);
}

static void put_assertions(FILE *to, const struct run_result *r, const struct load_options *o) {
  if (o->assertion_count) fputs("<tr><th colspan=\"2\">Asserted</th></tr>\n", to);
  for (size_t i = 0; i < o->assertion_count; i++) {
    bool holds = assertion_check(&o->assertions[i], &r->metrics) == ASSERTION_HOLDS;
    fputs("<tr><td>", to);
    put_text(to, o->assertions[i].text);
    fprintf(to, "</td><td%s>%s</td></tr>\n", holds ? "" : " class=\"no\"", holds ? "holds" : "does not hold");
  }
}

static void put_processes(FILE *to, const struct run_window *w) {
  char cpu[32], memory[32];
  if (w->has_server) fputs("<tr><th colspan=\"2\">Processes</th></tr>\n", to);
  for (size_t i = 0; w->has_server && i < w->server_after.count; i++) {
    const struct server_process *p = &w->server_after.processes[i];
    fputs("<tr><td>", to);
    put_text(to, p->name);
    fprintf(to, "</td><td>%s, %s %s</td></tr>\n",
            metric_format(METRIC_PERCENT, run_process_cpu_percent(w, p), cpu, sizeof cpu), p->pss_bytes ? "PSS" : "RSS",
            metric_format(METRIC_BYTES, (double)(p->pss_bytes ? p->pss_bytes : p->rss_bytes), memory, sizeof memory));
  }
}

static void put_figures(FILE *to, const struct run_result *r, const struct load_options *o) {
  const struct metric_list *list = &r->metrics;
  const char *group = "";
  fputs("<section><table>\n", to);
  put_assertions(to, r, o);
  for (size_t i = 0; i < list->count; i++) {
    const struct metric *m = &list->items[i];
    char value[48];
    if (!m->known) continue;
    if (strcmp(group, m->group) != 0) fprintf(to, "<tr><th colspan=\"2\">%s</th></tr>\n", group = m->group);
    fprintf(to, "<tr><td>%s</td><td>%s</td></tr>\n", m->title, metric_format(m->unit, m->value, value, sizeof value));
  }
  put_processes(to, &r->window);
  fputs("</table></section>\n", to);
}

int report_html(const char *path, const struct run_result *r, const struct load_options *o) {
  FILE *to = fopen(path, "we");
  if (!to) return -errno;
  fputs(head, to);
  put_title(to, r, o);
  if (!r->valid) {
    fputs("<div class=\"bad\"><strong>Not valid: this does not say what the server can do.</strong><ul>", to);
    for (size_t i = 0; i < r->reason_count; i++) {
      fputs("<li>", to);
      put_text(to, r->reasons[i]);
    }
    fputs("</ul></div>\n", to);
  }
  if (*r->note) {
    fputs("<p>", to);
    put_text(to, r->note);
    fputs("</p>\n", to);
  }
  put_tiles(to, &r->metrics);
  fputs("<main>\n", to);
  put_figures(to, r, o);
  fputs("<section>\n", to);
  put_steps(to, r, o);
  put_ramp(to, r);
  put_latency(to, &r->window.counters.latency_us);
  put_series(to, r);
  fputs("</section>\n</main></body></html>\n", to);
  int failed = ferror(to);
  return fclose(to) || failed ? -EIO : 0;
}
