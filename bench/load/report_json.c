/* bench/load/report_json.c: everything as one JSON object; the units are in it. */
#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "bench/load/report.h"
#include "bench/load/scenario.h"

#define FORMAT_VERSION 1

static json_t *options_json(const struct load_options *o) {
  return json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:I, s:I, s:i, s:i, s:i, s:s, s:s, s:I}", "scenario",
                   scenario_of(o->scenario)->name, "of", scenario_of(scenario_people(o))->name, "rooms", (int)o->rooms,
                   "members", (int)o->members, "duration", o->duration_s, "joinRate", o->join_rate, "videoBps",
                   (json_int_t)o->video_bps, "audioBps", (json_int_t)o->audio_bps, "audioMs", (int)o->audio_ms,
                   "layers", (int)o->layers, "fps", (int)o->fps, "spacing",
                   o->spacing == SPACING_EVEN ? "even" : "chromium", "suite", o->suite == LOAD_SUITE_CM ? "cm" : "gcm",
                   "seed", (json_int_t)o->seed);
}

static json_t *metrics_json(const struct metric_list *list) {
  json_t *object = json_object();
  for (size_t i = 0; i < list->count; i++) {
    const struct metric *m = &list->items[i];
    if (!m->known || isnan(m->value)) continue;
    json_object_set_new(object, m->name, json_pack("{s:f, s:s}", "value", m->value, "unit", metric_unit_name(m->unit)));
  }
  return object;
}

static json_t *samples_json(const struct run_result *r) {
  json_t *array = json_array();
  for (size_t i = 0; i < r->sample_count; i++) {
    const struct run_sample *s = &r->samples[i];
    json_array_append_new(
        array, json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i}", "at", s->at_s, "packetsPerSecond",
                         s->packets_per_second, "bitsPerSecond", s->bits_per_second, "lossPercent", s->loss_percent,
                         "latencyP99Us", s->latency_p99_us, "serverCpuPercent", s->server_cpu_percent,
                         "generatorCpuPercent", s->generator_cpu_percent, "participants", (int)s->participants));
  }
  return array;
}

static json_t *steps_json(const struct run_result *r) {
  json_t *array = json_array();
  for (size_t i = 0; i < r->step_count; i++) {
    const struct run_step *s = &r->steps[i];
    json_array_append_new(array, json_pack("{s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:b, s:s, s:b}", "load", (int)s->load,
                                           "participants", (int)s->participants, "lossPercent", s->loss_percent,
                                           "latencyP99Us", s->latency_p99_us, "packetsPerSecond", s->packets_per_second,
                                           "cpuUsPerPacket", isnan(s->cpu_us_per_packet) ? 0 : s->cpu_us_per_packet,
                                           "serverCpuPercent", s->server_cpu_percent, "borne", s->borne, "because",
                                           s->because, "generatorLimited", s->generator_limited));
  }
  return array;
}

/* Only steps with something in them: [upper end in µs, count]. */
static json_t *histogram_json(const struct histogram *h) {
  json_t *array = json_array();
  for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
    if (h->buckets[i])
      json_array_append_new(array, json_pack("[I, I]", (json_int_t)histogram_bucket_top(i), (json_int_t)h->buckets[i]));
  return array;
}

static json_t *processes_json(const struct run_window *w) {
  json_t *array = json_array();
  for (size_t i = 0; w->has_server && i < w->server_after.count; i++) {
    const struct server_process *p = &w->server_after.processes[i];
    json_array_append_new(
        array, json_pack("{s:s, s:i, s:I, s:I, s:I}", "name", p->name, "pid", (int)p->pid, "cpuNs",
                         (json_int_t)p->cpu_ns, "rss", (json_int_t)p->rss_bytes, "pss", (json_int_t)p->pss_bytes));
  }
  return array;
}

static json_t *reasons_json(const struct run_result *r) {
  json_t *array = json_array();
  for (size_t i = 0; i < r->reason_count; i++)
    json_array_append_new(array, json_string(r->reasons[i]));
  return array;
}

int report_json(const char *path, const struct run_result *r, const struct load_options *o) {
  json_t *report = json_pack("{s:i, s:o, s:b, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "format", FORMAT_VERSION,
                             "options", options_json(o), "valid", r->valid, "invalidBecause", reasons_json(r), "note",
                             r->note, "cipher", r->cipher_backend, "metrics", metrics_json(&r->metrics), "latencyUs",
                             histogram_json(&r->window.counters.latency_us), "processes", processes_json(&r->window),
                             "samples", samples_json(r), "steps", steps_json(r));
  if (!report) return -ENOMEM;
  errno = 0;
  int failed = json_dump_file(report, path, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  json_decref(report);
  return failed ? (errno ? -errno : -EIO) : 0;
}
