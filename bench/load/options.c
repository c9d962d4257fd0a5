/* bench/load/options.c: see the header. */
#include "bench/load/options.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load/scenario.h"
#include "ice/sctp_association.h"

enum key {
  KEY_ROOMS = 256,
  KEY_MEMBERS,
  KEY_DURATION,
  KEY_WARMUP,
  KEY_JOIN_RATE,
  KEY_VIDEO_BPS,
  KEY_AUDIO_BPS,
  KEY_AUDIO_MS,
  KEY_LAYERS,
  KEY_FPS,
  KEY_PACKET_BYTES,
  KEY_KEYFRAME_FACTOR,
  KEY_SPACING,
  KEY_SUITE,
  KEY_SAMPLE,
  KEY_SEED,
  KEY_PIN,
  KEY_TARGET,
  KEY_TARGET_PIN,
  KEY_URL,
  KEY_SECRET_FILE,
  KEY_DEV,
  KEY_PID,
  KEY_SYSCALLS,
  KEY_OF,
  KEY_RAMP_START,
  KEY_RAMP_LIMIT,
  KEY_RAMP_LOSS,
  KEY_RAMP_P99,
  KEY_RAMP_STEP,
  KEY_MEDIA,
  KEY_DATA,
  KEY_DATA_INTERVAL,
  KEY_JSON,
  KEY_HTML,
  KEY_ASSERT,
  KEY_ACCEPT_INVALID,
};

static const struct argp_option arguments[] = {
    {0, 0, 0, 0, "The server:", 1},
    {"target", KEY_TARGET, "consilium|janus", 0,
     "janus: starts Debian's package janus itself (videoroom, private configuration) and loads that, to compare", 1},
    {"target-pin", KEY_TARGET_PIN, "CPU", 0, "Where that Janus stays", 1},
    {"url", KEY_URL, "URL", 0, "The gateway, http://127.0.0.1:8080 unless given", 1},
    {"dev", KEY_DEV, 0, 0, "Tokens come from /dev/token (the server runs with --dev); loopback only. The default", 1},
    {"secret-file", KEY_SECRET_FILE, "FILE", 0, "Tokens are signed here with the server's secret (tokens.secret_file)",
     1},
    {"media", KEY_MEDIA, "ADDRESS:PORT", 0, "Media goes there, not to the server's candidate: a relay in between", 1},
    {"pid", KEY_PID, "PID", 0, "Supervisor of a server on this machine: adds what its processes cost", 1},
    {"count-syscalls", KEY_SYSCALLS, 0, 0,
     "Counts its system calls in the measurement itself, which slows it down a little; else in the last second before "
     "it. Root only",
     1},
    {0, 0, 0, 0, "The load:", 2},
    {"rooms", KEY_ROOMS, "N", 0, "Rooms", 2},
    {"members", KEY_MEMBERS, "N", 0, "People in a room; receivers of a lecture", 2},
    {"duration", KEY_DURATION, "S", 0, "Seconds that are measured", 2},
    {"warmup", KEY_WARMUP, "S", 0, "Seconds between the last join and the measurement (2)", 2},
    {"join-rate", KEY_JOIN_RATE, "N", 0, "Joins per second (50; churn 5)", 2},
    {0, 0, 0, 0, "The media:", 3},
    {"video-bps", KEY_VIDEO_BPS, "N", 0, "Payload bits per second of the full layer (1.5M); 0: no video", 3},
    {"audio-bps", KEY_AUDIO_BPS, "N", 0, "Of a microphone (32k)", 3},
    {"audio-ms", KEY_AUDIO_MS, "20|40|60", 0, "Sound in one of its packets (20: 50 packets a second)", 3},
    {"layers", KEY_LAYERS, "N", 0, "Simulcast layers, 1 to 3", 3},
    {"fps", KEY_FPS, "N", 0, "Frames per second (30)", 3},
    {"packet-bytes", KEY_PACKET_BYTES, "N", 0, "Most payload of a video packet (1160)", 3},
    {"keyframe-factor", KEY_KEYFRAME_FACTOR, "N", 0, "A key frame is N mean frames (6)", 3},
    {"spacing", KEY_SPACING, "chromium|even", 0, "How the packets of a frame follow each other", 3},
    {"suite", KEY_SUITE, "gcm|cm", 0, "SRTP: AEAD_AES_128_GCM or AES128_CM_SHA1_80", 3},
    {"data", KEY_DATA, 0, 0, "Everybody opens the two data channels, too, and now and then sends a message to the room",
     3},
    {"data-interval", KEY_DATA_INTERVAL, "S", 0, "How often (5); says --data", 3},
    {0, 0, 0, 0, "The knee (ramp):", 4},
    {"of", KEY_OF, "SCENARIO", 0,
     "consult (adds rooms), lecture, gallery or audio (add members to one room; with --members N, fill rooms of N)", 4},
    {"ramp-start", KEY_RAMP_START, "N", 0, "First load (4)", 4},
    {"ramp-limit", KEY_RAMP_LIMIT, "N", 0, "Highest load that is tried (1000)", 4},
    {"ramp-step", KEY_RAMP_STEP, "S", 0, "Seconds that each load is measured (4)", 4},
    {"ramp-loss", KEY_RAMP_LOSS, "PERCENT", 0, "Loss above which a load is not borne (0.1)", 4},
    {"ramp-p99", KEY_RAMP_P99, "MS", 0, "Latency above which it is not borne (20)", 4},
    {0, 0, 0, 0, "The generator:", 5},
    {"pin", KEY_PIN, "CPU", 0, "Stay on this CPU; give the server another one", 5},
    {"sample", KEY_SAMPLE, "N", 0, "Receivers that decrypt everything and measure latency (8)", 5},
    {"seed", KEY_SEED, "N", 0, "Of all that is random: phases, frame sizes, room names", 5},
    {"accept-invalid", KEY_ACCEPT_INVALID, 0, 0, "Exit as if the generator had not been the bottleneck", 5},
    {0, 0, 0, 0, "The report:", 6},
    {"assert", KEY_ASSERT, "TEST", 0, "Such as loss<0.1% or p99<5ms; may be repeated", 6},
    {"json", KEY_JSON, "FILE", 0, "Writes everything as JSON", 6},
    {"html", KEY_HTML, "FILE", 0, "Writes one page with plots", 6},
    {"quiet", 'q', 0, 0, "No progress, no table", 6},
    {0},
};

static const char doc[] =
    "Emulates participants against a running Consilium server and reports what they got.\v"
    "Scenarios:\n"
    "  lecture   one person sends to --members receivers (100)\n"
    "  consult   --rooms (8) of --members (4) who all see and hear each other\n"
    "  gallery   --members (25) in a room: 9 thumbnails, the loudest 3\n"
    "  audio     --members (20) in a room who only hear each other\n"
    "  churn     consult with people leaving and joining all the time\n"
    "  ramp      raises the load until loss or latency pass their limits\n\n"
    "Examples:\n"
    "  ./server/run --set limits.connections_per_address=1000 --workers 1\n"
    "  consilium-load consult --rooms 8 --members 4 --pid $(pgrep -o consilium)\n"
    "  consilium-load lecture --members 100 --assert 'loss<0.1%' --assert 'p99<5ms'\n"
    "  consilium-load ramp --of consult --members 4 --html ramp.html\n\n"
    "Exit status: 0 all well, 1 an --assert failed, 2 usage, 3 not valid (the generator was the\nbottleneck, people "
    "were missing, or it was interrupted), 4 no run.";

static double number(const char *text, double low, double high, struct argp_state *state, const char *what) {
  char *end;
  double value = strtod(text, &end);
  if (*end == 'k') value *= 1e3, end++;
  if (*end == 'M') value *= 1e6, end++;
  if (end == text || *end || !(value >= low && value <= high))
    argp_error(state, "%s must be a number from %g to %g, not \"%s\"", what, low, high, text);
  return value;
}

static unsigned whole(const char *text, double low, double high, struct argp_state *state, const char *what) {
  double value = number(text, low, high, state, what);
  if (value != floor(value)) argp_error(state, "%s must be a whole number, not \"%s\"", what, text);
  return (unsigned)value;
}

static int one_of(const char *text, const char *a, const char *b, struct argp_state *state, const char *what) {
  if (strcmp(text, a) == 0) return 0;
  if (strcmp(text, b) == 0) return 1;
  argp_error(state, "%s is %s or %s, not \"%s\"", what, a, b, text);
  return 0;
}

static error_t parse_load(int key, char *text, struct argp_state *state) {
  struct load_options *o = state->input;
  switch (key) {
    case KEY_ROOMS:
      o->rooms = whole(text, 1, 10000, state, "--rooms");
      return 0;
    case KEY_MEMBERS:
      o->members = whole(text, 1, 10000, state, "--members");
      return 0;
    case KEY_DURATION:
      o->duration_s = number(text, 0.5, 86400, state, "--duration");
      return 0;
    case KEY_WARMUP:
      o->warmup_s = number(text, 0, 600, state, "--warmup");
      return 0;
    case KEY_JOIN_RATE:
      o->join_rate = number(text, 0.1, 10000, state, "--join-rate");
      return 0;
    case KEY_VIDEO_BPS:
      o->video_bps = whole(text, 0, 50e6, state, "--video-bps");
      return 0;
    case KEY_AUDIO_BPS:
      o->audio_bps = whole(text, 6000, 510000, state, "--audio-bps");
      return 0;
    case KEY_AUDIO_MS:
      o->audio_ms = whole(text, 20, 60, state, "--audio-ms");
      if (o->audio_ms % 20) argp_error(state, "--audio-ms is 20, 40 or 60, not \"%s\"", text);
      return 0;
    case KEY_LAYERS:
      o->layers = whole(text, 1, LOAD_MAX_LAYERS, state, "--layers");
      return 0;
    case KEY_FPS:
      o->fps = whole(text, 1, 120, state, "--fps");
      return 0;
    case KEY_PACKET_BYTES:
      o->packet_bytes = whole(text, 100, 1160, state, "--packet-bytes");
      return 0;
    case KEY_KEYFRAME_FACTOR:
      o->keyframe_factor = whole(text, 1, 50, state, "--keyframe-factor");
      return 0;
    case KEY_SPACING:
      o->spacing = one_of(text, "chromium", "even", state, "--spacing") ? SPACING_EVEN : SPACING_CHROMIUM;
      return 0;
    case KEY_SUITE:
      o->suite = one_of(text, "gcm", "cm", state, "--suite") ? LOAD_SUITE_CM : LOAD_SUITE_GCM;
      return 0;
    case KEY_DATA:
      o->data = true;
      return 0;
    case KEY_DATA_INTERVAL:
      o->data = true;
      o->data_interval_s = number(text, 0.25, 86400, state, "--data-interval");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_ramp(int key, char *text, struct argp_state *state) {
  struct load_options *o = state->input;
  int kind;
  switch (key) {
    case KEY_OF:
      kind = scenario_from_name(text);
      if (kind < 0 || kind == SCENARIO_CHURN || kind == SCENARIO_RAMP)
        argp_error(state, "--of is lecture, consult, gallery or audio, not \"%s\"", text);
      o->of = (enum scenario_kind)kind;
      return 0;
    case KEY_RAMP_START:
      o->ramp_start = whole(text, 1, 10000, state, "--ramp-start");
      return 0;
    case KEY_RAMP_LIMIT:
      o->ramp_limit = whole(text, 1, 10000, state, "--ramp-limit");
      return 0;
    case KEY_RAMP_LOSS:
      o->ramp_loss_percent = number(text, 0, 100, state, "--ramp-loss");
      return 0;
    case KEY_RAMP_P99:
      o->ramp_p99_us = number(text, 0.01, 10000, state, "--ramp-p99") * 1000;
      return 0;
    case KEY_RAMP_STEP:
      o->ramp_step_s = number(text, 0.5, 600, state, "--ramp-step");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static void add_assertion(struct load_options *o, const char *text, struct argp_state *state) {
  if (o->assertion_count == OPTIONS_ASSERTIONS_MAX) argp_error(state, "too many --assert");
  const char *why = assertion_parse(&o->assertions[o->assertion_count++], text);
  if (why) argp_error(state, "--assert \"%s\": %s", text, why);
}

static void take_scenario(struct load_options *o, const char *text, struct argp_state *state) {
  int kind = scenario_from_name(text);
  if (state->arg_num > 0) argp_error(state, "one scenario at a time, \"%s\" is too much", text);
  if (kind < 0) argp_error(state, "\"%s\" is none of lecture, consult, gallery, audio, churn, ramp", text);
  o->scenario = (enum scenario_kind)kind;
}

static error_t parse_rest(int key, char *text, struct argp_state *state) {
  struct load_options *o = state->input;
  switch (key) {
    case KEY_TARGET:
      o->janus = one_of(text, "consilium", "janus", state, "--target");
      return 0;
    case KEY_TARGET_PIN:
      o->target_pin = (int)whole(text, 0, 1023, state, "--target-pin");
      return 0;
    case KEY_URL:
      o->url = text;
      return 0;
    case KEY_MEDIA:
      o->media = text;
      return 0;
    case KEY_DEV:
      o->dev = true;
      return 0;
    case KEY_SECRET_FILE:
      o->secret_file = text;
      return 0;
    case KEY_PID:
      o->pid = (pid_t)whole(text, 1, 4194304, state, "--pid");
      return 0;
    case KEY_SYSCALLS:
      o->count_syscalls = true;
      return 0;
    case KEY_PIN:
      o->pin = (int)whole(text, 0, 1023, state, "--pin");
      return 0;
    case KEY_SAMPLE:
      o->sample = whole(text, 0, 10000, state, "--sample");
      return 0;
    case KEY_SEED:
      o->seed = whole(text, 0, 4294967295.0, state, "--seed");
      return 0;
    case KEY_ACCEPT_INVALID:
      o->accept_invalid = true;
      return 0;
    case KEY_JSON:
      o->json_file = text;
      return 0;
    case KEY_HTML:
      o->html_file = text;
      return 0;
    case KEY_ASSERT:
      add_assertion(o, text, state);
      return 0;
    case 'q':
      o->quiet = true;
      return 0;
    case ARGP_KEY_ARG:
      take_scenario(o, text, state);
      return 0;
    case ARGP_KEY_NO_ARGS:
      argp_error(state, "which scenario? lecture, consult, gallery, audio, churn or ramp");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_one(int key, char *text, struct argp_state *state) {
  if (parse_load(key, text, state) == 0 || parse_ramp(key, text, state) == 0) return 0;
  return parse_rest(key, text, state);
}

/* What was not given comes from the scenario. */
static void complete(struct load_options *o) {
  const struct scenario *s = scenario_of(o->scenario == SCENARIO_RAMP ? o->of : o->scenario);
  if (!o->rooms) o->rooms = s->rooms;
  /* A ramp adds members to one room, unless it adds rooms. */
  bool one_room = o->scenario == SCENARIO_RAMP && o->of != SCENARIO_CONSULT;
  if (!o->members) o->members = one_room ? o->ramp_limit : s->members;
  if (o->duration_s <= 0) o->duration_s = s->duration_s;
  if (!o->layers) o->layers = s->layers;
  if (o->join_rate <= 0) o->join_rate = o->scenario == SCENARIO_CHURN ? 5 : 50;
  if (!s->video) o->video_bps = 0;
}

static void refuse(const char *why) {
  fprintf(stderr, "consilium-load: %s\n", why);
  exit(EXIT_USAGE);
}

/* What cannot be together. */
static void check(const struct load_options *o) {
  bool ramp = o->scenario == SCENARIO_RAMP;
  if (o->janus && o->scenario == SCENARIO_CHURN) refuse("churn is not for --target janus");
  if (o->janus && ramp && (o->of == SCENARIO_GALLERY || o->of == SCENARIO_AUDIO))
    refuse("with --target janus a ramp is of lecture or consult: its receivers name their senders beforehand");
  enum scenario_kind people_of = scenario_people(o);
  if (o->janus && (people_of == SCENARIO_CONSULT || people_of == SCENARIO_AUDIO) &&
      o->members > JANUS_SUBSCRIPTIONS + 1)
    refuse("--target janus is for rooms of 49 at most where everybody receives everybody");
  if (o->janus && o->data) refuse("--data is not for --target janus");
  unsigned people = scenario_room_size(o) * (ramp ? 1 : o->rooms);
  if (o->data && people > SCTP_MAX_ASSOCIATIONS)
    refuse("--data is for 4096 participants at most: usrsctp's associations of one process");
  if (ramp && o->ramp_start > o->ramp_limit) refuse("--ramp-start is above --ramp-limit");
}

void load_options_parse(struct load_options *o, int argc, char **argv) {
  argp_program_version = "consilium-load " CONSILIUM_VERSION;
  argp_err_exit_status = EXIT_USAGE;
  memset(o, 0, sizeof *o);
  o->of = SCENARIO_CONSULT;
  o->warmup_s = 2;
  o->video_bps = 1500000;
  o->audio_bps = 32000;
  o->audio_ms = 20;
  o->fps = 30;
  o->packet_bytes = 1160;
  o->keyframe_factor = 6;
  o->sample = 8;
  o->seed = (uint32_t)time(NULL);
  o->pin = o->target_pin = -1;
  o->url = "http://127.0.0.1:8080";
  o->ramp_start = 4;
  o->ramp_limit = 1000;
  o->ramp_loss_percent = 0.1;
  o->ramp_p99_us = 20000;
  o->ramp_step_s = 4;
  o->data_interval_s = 5;
  const struct argp argp = {.options = arguments, .parser = parse_one, .args_doc = "SCENARIO", .doc = doc};
  argp_parse(&argp, argc, argv, 0, NULL, o);
  complete(o);
  check(o);
}
