/* bench/load/scenario.c: see the header. */
#include "bench/load/scenario.h"

#include <stdio.h>
#include <string.h>

#define GALLERY_PICTURES 9
#define GALLERY_VOICES   3
#define SPEAKERS         3
#define MAX_AUDIO_SLOTS  8 /* server/room: beyond eight microphones the loudest are forwarded */
#define MAX_VIDEO_SLOTS  16

static const struct scenario scenarios[] = {
    [SCENARIO_LECTURE] = {"lecture", "one person sends to --members receivers", 1, 100, 20, 1, true},
    [SCENARIO_CONSULT] = {"consult", "--rooms of --members who all see and hear each other", 8, 4, 20, 1, true},
    [SCENARIO_GALLERY] = {"gallery", "--members in a room, each sees 9 thumbnails and hears the loudest 3", 1, 25, 20,
                          3, true},
    [SCENARIO_AUDIO] = {"audio", "--rooms of --members who only hear each other", 1, 20, 20, 1, false},
    [SCENARIO_CHURN] = {"churn", "consult, with --join-rate people leaving and joining every second", 10, 4, 20, 1,
                        true},
    [SCENARIO_RAMP] = {"ramp", "raises --of until loss or latency pass their limits: finds the knee", 1, 4, 20, 1,
                       true},
};
#define SCENARIO_COUNT (sizeof scenarios / sizeof *scenarios)

const struct scenario *scenario_of(enum scenario_kind kind) {
  return &scenarios[kind];
}

int scenario_from_name(const char *name) {
  for (size_t i = 0; i < SCENARIO_COUNT; i++)
    if (strcmp(name, scenarios[i].name) == 0) return (int)i;
  return -1;
}

enum scenario_kind scenario_people(const struct load_options *o) {
  if (o->scenario == SCENARIO_RAMP) return o->of;
  return o->scenario == SCENARIO_CHURN ? SCENARIO_CONSULT : o->scenario;
}

unsigned scenario_transports(const struct load_options *o) {
  return o->janus && scenario_people(o) != SCENARIO_LECTURE ? 2 : 1;
}

unsigned scenario_room_size(const struct load_options *o) {
  if (scenario_people(o) == SCENARIO_LECTURE) return o->members + 1;
  return o->members * scenario_transports(o);
}

static unsigned at_most(unsigned value, unsigned limit) {
  return value < limit ? value : limit;
}

static void plan_slots(const struct load_options *o, unsigned index, struct participant_plan *out) {
  unsigned others = o->members - (scenario_people(o) == SCENARIO_LECTURE ? 0 : 1);
  switch (scenario_people(o)) {
    case SCENARIO_LECTURE:
      out->audio_slots = out->video_slots = index == 0 ? 0 : 1;
      break;
    case SCENARIO_GALLERY:
      out->audio_slots = at_most(others, GALLERY_VOICES);
      out->video_slots = at_most(others, GALLERY_PICTURES);
      break;
    case SCENARIO_AUDIO:
      out->audio_slots = at_most(others, MAX_AUDIO_SLOTS);
      break;
    default:
      out->audio_slots = at_most(others, MAX_AUDIO_SLOTS);
      out->video_slots = at_most(others, MAX_VIDEO_SLOTS);
      break;
  }
}

/* Janus has no last-n and no loudest-n: a receiver of a gallery names nine cameras and three microphones. */
static void plan_janus(const struct load_options *o, unsigned room, unsigned index, struct participant_plan *out) {
  enum scenario_kind people = scenario_people(o);
  unsigned senders = people == SCENARIO_LECTURE ? 1 : o->members, self = index - senders;
  out->janus.room = room + 1;
  out->janus.feed = index + 1;
  if (index < senders) {
    out->audio_slots = out->video_slots = 0;
    /* Simulcast costs Janus's senders more and is no use to these receivers: they get the thumbnails' layer alone. */
    if (people == SCENARIO_GALLERY) out->media.video_bps = (uint32_t)(o->video_bps * 0.08);
    out->media.layers = 1;
    return;
  }
  out->media.microphone = out->media.camera = false;
  for (unsigned from = 0; from < senders && out->janus.count < JANUS_SUBSCRIPTIONS; from++) {
    if (people != SCENARIO_LECTURE && from == self) continue;
    unsigned ahead = (from + senders - self % senders) % senders;
    struct janus_subscription *s = &out->janus.from[out->janus.count];
    s->feed = from + 1;
    s->audio = people != SCENARIO_GALLERY || from < GALLERY_VOICES;
    s->video = o->video_bps && (people != SCENARIO_GALLERY || ahead <= GALLERY_PICTURES);
    out->janus.count += s->audio || s->video;
  }
}

bool scenario_sends(const struct load_options *o, unsigned index) {
  return scenario_people(o) != SCENARIO_LECTURE || index == 0;
}

void scenario_plan(const struct load_options *o, unsigned room, unsigned index, uint64_t serial,
                   struct participant_plan *out) {
  bool sends = scenario_sends(o, index);
  memset(out, 0, sizeof *out);
  snprintf(out->room, sizeof out->room, "load-%08x-%u", o->seed, room);
  snprintf(out->identity, sizeof out->identity, "load-%llu", (unsigned long long)serial);
  out->role = index == 0 ? "doctor" : "patient";
  out->seed = (uint32_t)(o->seed + serial * 7919 + 1);
  out->media = (struct media_plan){.microphone = sends,
                                   .camera = sends && scenario_of(scenario_people(o))->video && o->video_bps,
                                   .spacing = o->spacing,
                                   .layers = o->layers,
                                   .fps = o->fps,
                                   .video_bps = o->video_bps,
                                   .audio_bps = o->audio_bps,
                                   .audio_ms = o->audio_ms,
                                   .width = 1280,
                                   .height = 720,
                                   .packet_bytes = (uint16_t)o->packet_bytes,
                                   .keyframe_factor = o->keyframe_factor};
  out->data = o->data;
  plan_slots(o, index, out);
  if (!o->video_bps) out->video_slots = 0;
  if (o->janus) plan_janus(o, room, index, out);
}

bool scenario_speaks(const struct load_options *o, unsigned index, unsigned turn) {
  unsigned size = scenario_room_size(o);
  if (scenario_people(o) == SCENARIO_LECTURE) return index == 0;
  return (index + size - turn * SPEAKERS % size) % size < SPEAKERS;
}

size_t scenario_views(const struct load_options *o, unsigned index, unsigned *members, size_t max) {
  unsigned size = scenario_room_size(o);
  if (scenario_people(o) != SCENARIO_GALLERY) return 0;
  size_t count = 0;
  while (count < max && count < GALLERY_PICTURES && count + 1 < size) {
    members[count] = (index + 1 + (unsigned)count) % size;
    count++;
  }
  return count;
}
