/* server/room/ranking.c: which tracks matter more in a room, before any receiver's own wishes.
 *
 * Microphones: screen sound first, then who speaks, then who spoke last, then order of publication. Who speaks is ordered by
 * level, and the first `audio_slots` ("on stage") have a bonus of 6 dB and keep "speaking" through pauses of a second,
 * so a challenger has to be louder for a moment, not for a syllable.
 * Videos: screens first, muted ones last, between them by when their owner's last turn to speak began: a turn begins after
 * 200 ms of speech and lasts through pauses of a second, so somebody who goes on speaking does not move.
 * Sorting happens when tracks or speakers changed, not per receiver and never per packet.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

static bool speaking(const struct track *t, int64_t now_us) {
  return t->spoke_us > now_us - ROOM_SPEECH_HOLD_US;
}

/* `now` of the sort under way; qsort() passes no argument, and the process has one thread. */
static int64_t sort_now_us;

static int by_sequence(const struct track *a, const struct track *b) {
  return a->sequence < b->sequence ? -1 : 1;
}

static int compare_audio(const void *left, const void *right) {
  const struct track *a = *(struct track *const *)left, *b = *(struct track *const *)right;
  if ((a->source == ROOM_SCREEN_AUDIO) != (b->source == ROOM_SCREEN_AUDIO))
    return a->source == ROOM_SCREEN_AUDIO ? -1 : 1;
  bool speaks_a = speaking(a, sort_now_us), speaks_b = speaking(b, sort_now_us);
  if (speaks_a != speaks_b) return speaks_a ? -1 : 1;
  if (speaks_a) {
    int level_a = a->level - (a->on_stage ? ROOM_STAGE_BONUS_DB : 0);
    int level_b = b->level - (b->on_stage ? ROOM_STAGE_BONUS_DB : 0);
    if (level_a != level_b) return level_a - level_b; /* RFC 6464: 0 is loudest */
  } else if (a->spoke_us != b->spoke_us) {
    return a->spoke_us > b->spoke_us ? -1 : 1;
  }
  return by_sequence(a, b);
}

static int compare_video(const void *left, const void *right) {
  const struct track *a = *(struct track *const *)left, *b = *(struct track *const *)right;
  if (a->muted != b->muted) return a->muted ? 1 : -1;
  if ((a->source == ROOM_SCREEN) != (b->source == ROOM_SCREEN)) return a->source == ROOM_SCREEN ? -1 : 1;
  if (a->member->turn_us != b->member->turn_us) return a->member->turn_us > b->member->turn_us ? -1 : 1;
  return by_sequence(a, b);
}

static bool reserve(struct room *r, size_t count) {
  if (count <= r->order_room) return true;
  size_t room = count + 16;
  struct track **audio = realloc(r->audio_order, room * sizeof(void *));
  if (audio) r->audio_order = audio;
  struct track **video = realloc(r->video_order, room * sizeof(void *));
  if (video) r->video_order = video;
  if (!audio || !video) return false;
  r->order_room = room;
  return true;
}

void ranking_sort(struct room_manager *m, struct room *r) {
  struct track *t;
  size_t count = 0;
  DL_COUNT(r->tracks, t, count);
  r->audio_count = r->video_count = 0;
  if (!reserve(r, count)) return; /* no memory: nothing is assigned now, and the next change tries again */
  DL_FOREACH(r->tracks, t) {
    if (t->kind == ROOM_AUDIO)
      r->audio_order[r->audio_count++] = t;
    else
      r->video_order[r->video_count++] = t;
  }
  sort_now_us = m->now_us;
  if (r->audio_count) qsort(r->audio_order, r->audio_count, sizeof(void *), compare_audio);
  if (r->video_count) qsort(r->video_order, r->video_count, sizeof(void *), compare_video);
  size_t microphones = 0;
  for (size_t i = 0; i < r->audio_count; i++) {
    t = r->audio_order[i];
    t->on_stage = t->source == ROOM_MICROPHONE && microphones++ < m->settings.audio_slots;
  }
  r->order_stale = false;
}

/* ---- reports of the speaker detector ------------------------------------------------------------------------------ */

static void heard(struct room_manager *m, struct track *t, uint8_t level) {
  bool resumed = m->now_us - t->heard_us > ROOM_SPEECH_GAP_US && !speaking(t, m->now_us);
  if (resumed) t->speech_start_us = m->now_us;
  t->level = (uint8_t)(resumed ? level : (3 * t->level + level) / 4);
  t->heard_us = m->now_us;
  if (m->now_us - t->speech_start_us < ROOM_SPEECH_START_US) return;
  if (!speaking(t, m->now_us)) t->member->turn_us = m->now_us;
  t->spoke_us = m->now_us;
}

/* 0 to 1 in steps of a tenth: finer ones would make every report news. */
static double loudness(uint8_t level) {
  return round((127 - (level > 127 ? 127 : level)) / 12.7) / 10;
}

void ranking_report(struct room_manager *m, struct room *r, const struct room_speaker *speakers, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    struct track *t;
    HASH_FIND(hh, m->tracks, &speakers[i].track, sizeof speakers[i].track, t);
    if (!t || t->member->room != r || t->source != ROOM_MICROPHONE || t->muted) continue;
    heard(m, t, speakers[i].level);
    if (json_array_size(list) < ROOM_SPEAKERS_EVENT_MAX)
      json_array_append_new(
          list, json_pack("{s:s, s:f}", "participant", t->member->id, "level", loudness(speakers[i].level)));
  }
  json_decref(r->speakers);
  r->speakers = list;
  if (count > 0)
    room_touch_order(m, r);
  else
    room_touch(m, r);
}

void ranking_forget(struct room *r, const struct member *member) {
  json_t *kept = json_array(); /* a new list: the old one may have been told and is kept for comparison */
  size_t i;
  json_t *entry;
  json_array_foreach(r->speakers, i, entry) {
    if (strcmp(json_string_value(json_object_get(entry, "participant")), member->id) != 0)
      json_array_append(kept, entry);
  }
  json_decref(r->speakers);
  r->speakers = kept;
}

void ranking_settle_event(struct room_manager *m, struct room *r) {
  if (json_equal(r->speakers, r->speakers_told)) return;
  int64_t due_us = r->speakers_us + ROOM_SPEAKERS_EVENT_US;
  if (m->now_us < due_us) {
    room_wake_at(m, r, due_us);
    return;
  }
  r->speakers_us = m->now_us;
  json_decref(r->speakers_told);
  r->speakers_told = json_incref(r->speakers);
  room_broadcast(m, r, NULL, "speakers", json_pack("{s:O}", "speakers", r->speakers));
}
