/* bench/floor/main.c: consilium-floor: the physical parts of forwarding, and the composed floor of each scenario. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/floor/machine.h"
#include "bench/floor/parts.h"
#include "bench/floor/relay.h"

static const size_t sizes[] = {1200, 120};
#define SIZES (sizeof sizes / sizeof *sizes)

struct options {
  const char *scenario, *json_file;
  unsigned rooms, members, rounds, gather_us;
  double duration_s;
  uint32_t video_bps;
  enum media_spacing spacing;
  int pin, load_pin;
  bool gather_given;
};

/* How a scenario of consilium-load looks to a relay. `run`: video packets of a frame of 1.5 Mbit/s, 30 a second. */
static const struct {
  const char *name;
  unsigned rooms, members, pictures, voices;
  bool lecture;
  uint32_t video_bps;
  unsigned gather_us;
} scenarios[] = {
    {"lecture", 1, 100, UINT32_MAX, UINT32_MAX, true, 1500000, 2000},
    {"consult", 8, 4, UINT32_MAX, UINT32_MAX, false, 1500000, 2000},
    {"gallery", 1, 25, 9, 3, false, 120000, 2000}, /* thumbnails: the smallest of three layers, 8 % of 1.5 Mbit/s */
    {"audio", 1, 20, 0, 8, false, 0, 2000},
};
#define SCENARIOS (sizeof scenarios / sizeof *scenarios)

enum key {
  KEY_ROOMS = 256,
  KEY_MEMBERS,
  KEY_DURATION,
  KEY_VIDEO,
  KEY_SPACING,
  KEY_GATHER,
  KEY_PIN,
  KEY_LOAD_PIN,
  KEY_JSON
};

static const struct argp_option arguments[] = {
    {"rooms", KEY_ROOMS, "N", 0, "As consilium-load has it; the same defaults", 1},
    {"members", KEY_MEMBERS, "N", 0, "People in a room; receivers of a lecture", 1},
    {"video-bps", KEY_VIDEO, "N", 0, "Of the layer that is forwarded", 1},
    {"spacing", KEY_SPACING, "chromium|even", 0, "How the packets of a frame follow each other", 1},
    {"gather-us", KEY_GATHER, "N", 0, "How long the relay lets packets gather, 0 to 100000 (2000)", 1},
    {"duration", KEY_DURATION, "S", 0, "Seconds of the composed floor (5); parts take one", 2},
    {"pin", KEY_PIN, "CPU", 0, "Where the relay and the timed system calls run", 2},
    {"load-pin", KEY_LOAD_PIN, "CPU", 0, "Where senders and receivers run", 2},
    {"json", KEY_JSON, "FILE", 0, "Writes the figures as JSON", 3},
    {0},
};

static const char doc[] =
    "The floor under every forwarding server on this machine.\v"
    "  consilium-floor parts              recvmmsg, seal, sendmmsg, UDP_SEGMENT runs, memcpy, for 1200 and 120 bytes\n"
    "  consilium-floor lecture --members 100 --pin 1 --load-pin 0\n"
    "Scenarios: lecture, consult, gallery, audio: the least program that could do it, at the same load.";

static long whole(const char *text, long low, long high, struct argp_state *state) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high)
    argp_error(state, "a number from %ld to %ld, not \"%s\"", low, high, text);
  return value;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  struct options *o = state->input;
  switch (key) {
    case KEY_ROOMS:
      o->rooms = (unsigned)whole(text, 1, 1000, state);
      return 0;
    case KEY_MEMBERS:
      o->members = (unsigned)whole(text, 1, 1000, state);
      return 0;
    case KEY_DURATION:
      o->duration_s = (double)whole(text, 1, 3600, state);
      return 0;
    case KEY_VIDEO:
      o->video_bps = (uint32_t)whole(text, 1, 50000000, state);
      return 0;
    case KEY_GATHER:
      o->gather_us = (unsigned)whole(text, 0, 100000, state);
      o->gather_given = true;
      return 0;
    case KEY_SPACING:
      if (strcmp(text, "even") != 0 && strcmp(text, "chromium") != 0)
        argp_error(state, "--spacing is chromium or even");
      o->spacing = strcmp(text, "even") == 0 ? SPACING_EVEN : SPACING_CHROMIUM;
      return 0;
    case KEY_PIN:
      o->pin = (int)whole(text, 0, 1023, state);
      return 0;
    case KEY_LOAD_PIN:
      o->load_pin = (int)whole(text, 0, 1023, state);
      return 0;
    case KEY_JSON:
      o->json_file = text;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num > 0) argp_error(state, "one scenario at a time");
      o->scenario = text;
      return 0;
    case ARGP_KEY_NO_ARGS:
      argp_error(state, "parts, lecture, consult, gallery or audio?");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static int run_parts(const struct options *o, json_t *to) {
  machine_pin(o->pin);
  for (size_t i = 0; i < SIZES; i++) {
    double ns[PART_COUNT];
    int error = parts_measure(ns, sizes[i], o->rounds, o->load_pin);
    if (error) return error;
    char name[16];
    snprintf(name, sizeof name, "%zu", sizes[i]);
    json_t *figures = json_object();
    printf("%zu bytes, ns per packet:", sizes[i]);
    for (int part = 0; part < PART_COUNT; part++) {
      if (isnan(ns[part])) continue;
      printf("  %s %.0f", part_name((enum part)part), ns[part]);
      json_object_set_new(figures, part_name((enum part)part), json_real(ns[part]));
    }
    putchar('\n');
    json_object_set_new(to, name, figures);
  }
  return 0;
}

static int run_scenario(const struct options *o, size_t which, json_t *to) {
  bool lecture = scenarios[which].lecture;
  unsigned members = o->members ? o->members : scenarios[which].members;
  struct relay_plan plan = {.rooms = o->rooms ? o->rooms : scenarios[which].rooms,
                            .members = members + lecture,
                            .lecture = lecture,
                            .pictures = scenarios[which].pictures,
                            .voices = scenarios[which].voices,
                            .video_bps = o->video_bps ? o->video_bps : scenarios[which].video_bps,
                            .audio_bps = 32000,
                            .spacing = o->spacing,
                            .gather_us = o->gather_given ? o->gather_us : scenarios[which].gather_us,
                            .warmup_s = 0.5,
                            .duration_s = o->duration_s,
                            .cpu = o->pin,
                            .load_cpu = o->load_pin};
  struct relay_result r;
  int error = relay_measure(&r, &plan);
  if (error) return error;
  printf("%s %u x %u: %.2f us of CPU per packet, %.0f packets/s, runs of %.1f, %.2f %% lost, load's own CPU %.0f %%\n",
         scenarios[which].name, plan.rooms, members, r.cpu_us_per_packet, r.packets_per_second, r.run, r.loss_percent,
         r.load_cpu_percent);
  json_object_set_new(to, "cpu_us_per_packet", json_real(r.cpu_us_per_packet));
  json_object_set_new(to, "packets_per_second", json_real(r.packets_per_second));
  json_object_set_new(to, "run", json_real(r.run));
  json_object_set_new(to, "loss", json_real(r.loss_percent));
  json_object_set_new(to, "valid", json_boolean(r.load_cpu_percent < 90));
  return 0;
}

int main(int argc, char **argv) {
  struct options o = {.rounds = 400, .duration_s = 5, .pin = -1, .load_pin = -1};
  const struct argp argp = {.options = arguments, .parser = parse, .args_doc = "parts|SCENARIO", .doc = doc};
  argp_err_exit_status = 2;
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  size_t which = 0;
  while (which < SCENARIOS && strcmp(o.scenario, scenarios[which].name) != 0)
    which++;
  bool parts = strcmp(o.scenario, "parts") == 0;
  if (!parts && which == SCENARIOS) {
    fprintf(stderr, "consilium-floor: \"%s\" is none of parts, lecture, consult, gallery, audio\n", o.scenario);
    return 2;
  }
  json_t *figures = json_object();
  int error = parts ? run_parts(&o, figures) : run_scenario(&o, which, figures);
  if (error) fprintf(stderr, "consilium-floor: %s\n", strerror(-error));
  if (!error && o.json_file && json_dump_file(figures, o.json_file, JSON_INDENT(2)))
    fprintf(stderr, "consilium-floor: --json %s cannot be written\n", o.json_file);
  json_decref(figures);
  return error ? 4 : 0;
}
