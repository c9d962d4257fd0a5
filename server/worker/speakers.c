/* server/worker/speakers.c: who speaks in each room: the detector's members are microphone tracks. */
#include <stdlib.h>

#include "server/worker/engine.h"

/* More microphones than a consultation has; a larger room's late comers are heard but not ranked. */
#define MAX_SPEAKERS 128
#define MAX_TOLD     8

struct engine_room *engine_room_enter(struct engine *engine, uint32_t handle) {
  struct engine_room *room;
  HASH_FIND(hh, engine->rooms, &handle, sizeof handle, room);
  if (!room) {
    room = calloc(1, sizeof *room);
    if (!room) return NULL;
    room->handle = handle;
    room->speaker_tracks = calloc(MAX_SPEAKERS, sizeof *room->speaker_tracks);
    if (!room->speaker_tracks || speaker_detector_create(&room->speakers, MAX_SPEAKERS)) {
      free(room->speaker_tracks);
      free(room);
      return NULL;
    }
    HASH_ADD(hh, engine->rooms, handle, sizeof room->handle, room);
  }
  room->peers++;
  return room;
}

void engine_room_leave(struct engine *engine, struct engine_room *room) {
  if (--room->peers) return;
  HASH_DEL(engine->rooms, room);
  speaker_detector_free(room->speakers);
  free(room->speaker_tracks);
  free(room);
}

/* The room's ranking smooths over time: it wants a report with every update while anybody speaks, and one that all are silent. */
static void tell_room(struct engine *engine, struct engine_room *room, int64_t now_us) {
  struct speaker_rank ranks[MAX_TOLD];
  struct room_speaker speakers[MAX_TOLD];
  size_t count = speaker_detector_loudest(room->speakers, ranks, MAX_TOLD), told = 0;
  for (size_t i = 0; i < count; i++) {
    if (!ranks[i].speaking) continue;
    speakers[told++] =
        (struct room_speaker){.track = room->speaker_tracks[ranks[i].member], .level = (uint8_t)(127 - ranks[i].level)};
  }
  const struct track *loudest = told ? engine_find_track(engine, speakers[0].track) : NULL;
  if (loudest) room->speaker = loudest->publisher->participant;
  if (told == 0 && !room->speaking_told) return;
  room->speaking_told = told > 0;
  room_manager_speakers(engine->manager, room->handle, speakers, told, now_us);
}

void engine_rooms_update(struct engine *engine, int64_t now_us) {
  struct engine_room *room, *next;
  HASH_ITER(hh, engine->rooms, room, next) {
    if (room->speakers_due_us > now_us) continue;
    room->speakers_due_us = now_us + SPEAKER_UPDATE_US;
    speaker_detector_update(room->speakers, now_us);
    tell_room(engine, room, now_us);
  }
}
