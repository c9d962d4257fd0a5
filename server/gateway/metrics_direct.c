/* The numbers of direct connections (server/room/topology.h) in Prometheus' words: cumulative buckets, seconds. */
#include "server/gateway/metrics.h"

/* One family of samples {worker, label="key"} from an object of numbers. */
static void add_object(struct metrics *m, size_t worker, const char *label, const json_t *object) {
  char index[24];
  const char *key;
  json_t *value;
  snprintf(index, sizeof index, "%zu", worker);
  json_object_foreach((json_t *)object, key, value)
      metrics_sample(m, METRICS_LABELS({"worker", index}, {label, key}), json_number_value(value));
}

static void add_switches(struct metrics *m, size_t worker, const json_t *switches) {
  char index[24];
  const char *to, *outcome;
  json_t *outcomes, *value;
  snprintf(index, sizeof index, "%zu", worker);
  json_object_foreach((json_t *)switches, to, outcomes) {
    json_object_foreach(outcomes, outcome, value) metrics_sample(
        m, METRICS_LABELS({"worker", index}, {"to", to}, {"outcome", outcome}), json_number_value(value));
  }
}

static void add_gaps(struct metrics *m, size_t worker, const char *to, const json_t *gaps) {
  const json_t *bounds = json_object_get(gaps, "le");
  char index[24], le[24];
  double below = 0;
  size_t i;
  json_t *count;
  snprintf(index, sizeof index, "%zu", worker);
  json_array_foreach(json_object_get(gaps, "counts"), i, count) {
    if (i < json_array_size(bounds))
      snprintf(le, sizeof le, "%g", json_number_value(json_array_get(bounds, i)) / 1000);
    else
      snprintf(le, sizeof le, "+Inf");
    below += json_number_value(count);
    metrics_sample_of(m, "_bucket", METRICS_LABELS({"worker", index}, {"to", to}, {"le", le}), below);
  }
  metrics_sample_of(m, "_sum", METRICS_LABELS({"worker", index}, {"to", to}),
                    json_number_value(json_object_get(gaps, "sum")) / 1000);
  metrics_sample_of(m, "_count", METRICS_LABELS({"worker", index}, {"to", to}),
                    json_number_value(json_object_get(gaps, "count")));
}

void metrics_direct(struct metrics *m, const json_t *const *workers, size_t count) {
  char index[24];
  metrics_family(m, "consilium_direct_attempts_total", "counter", "Attempts to connect two participants directly.");
  for (size_t i = 0; i < count; i++) {
    snprintf(index, sizeof index, "%zu", i);
    if (workers[i])
      metrics_sample(m, METRICS_LABELS({"worker", index}), json_number_value(json_object_get(workers[i], "attempts")));
  }
  metrics_family(m, "consilium_topology_switches_total", "counter",
                 "Changes between server and direct connection, by direction and outcome.");
  for (size_t i = 0; i < count; i++)
    add_switches(m, i, json_object_get(workers[i], "switches"));
  metrics_family(m, "consilium_direct_ends_total", "counter", "Why direct connections ended that had carried media.");
  for (size_t i = 0; i < count; i++)
    add_object(m, i, "cause", json_object_get(workers[i], "causes"));
  metrics_family(m, "consilium_direct_pairs_total", "counter", "Kinds of the clients' selected local candidates.");
  for (size_t i = 0; i < count; i++)
    add_object(m, i, "kind", json_object_get(workers[i], "pairs"));
  metrics_family(m, "consilium_topology_gap_seconds", "histogram",
                 "Largest interval between two presented frames around a change, as clients report it.");
  for (size_t i = 0; i < count; i++) {
    const char *to;
    json_t *gaps;
    json_object_foreach(json_object_get(workers[i], "gapsMs"), to, gaps) add_gaps(m, i, to, gaps);
  }
}
