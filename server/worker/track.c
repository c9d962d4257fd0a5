/* server/worker/track.c: a published source and the slots it flows into: fan-out, layer choice, what the room is told. */
#include <stdlib.h>
#include <string.h>

#include "rtp/layer_selector.h"
#include "server/worker/engine.h"

/* A publisher may call any packet a key frame of a new size; the room works out all slots when it hears of one. */
#define TELL_INTERVAL_US 250000

struct track *track_open(struct engine *engine, const struct room_track *info) {
  struct peer *publisher = engine_find_peer(engine, info->participant);
  struct section *section = publisher ? peer_find_section(publisher, info->mid, strlen(info->mid)) : NULL;
  struct track *track = calloc(1, sizeof *track);
  if (!track || !publisher) {
    free(track);
    return NULL;
  }
  track->handle = info->track;
  track->publisher = publisher;
  track->kind = info->kind;
  track->source = info->source;
  track->forwarding = true;
  track->format = -1;
  track->section = section;
  track->speaker = SPEAKER_NONE;
  if (info->source == ROOM_MICROPHONE && publisher->room->speakers) {
    track->speaker = speaker_detector_add(publisher->room->speakers);
    if (track->speaker != SPEAKER_NONE) publisher->room->speaker_tracks[track->speaker] = track->handle;
  }
  if (section) {
    section->track = track;
    for (size_t i = 0; i < publisher->incoming_count; i++) {
      struct incoming *incoming = &publisher->incoming[i];
      if (incoming->section == section && incoming->stream) track->layers[incoming->layer] = incoming;
    }
  }
  HASH_ADD(hh, engine->tracks, handle, sizeof track->handle, track);
  return track;
}

void track_close(struct track *track) {
  if (track->waiting) fan_out_run(track->publisher->engine, track->publisher->engine->now_us);
  while (track->subscriber_count)
    slot_assign(track->subscribers[track->subscriber_count - 1], NULL, 0);
  struct peer *publisher = track->publisher;
  if (track->section && track->section->track == track) track->section->track = NULL;
  if (track->speaker != SPEAKER_NONE) speaker_detector_remove(publisher->room->speakers, track->speaker);
  HASH_DEL(publisher->engine->tracks, track);
  free(track->subscribers);
  free(track);
}

void slot_wish_if_needed(struct slot *slot, int64_t now_us) {
  struct rtp_incoming_stream *needed = rtp_outgoing_stream_needs_keyframe(slot->out);
  if (!needed) return;
  rtp_incoming_stream_wish_keyframe(needed, now_us);
  if (slot->track) peer_hurry(slot->track->publisher);
}

/* A receiver may take the codec and not the profile (H.264 has four): its slot must not ask for key frames it cannot use. */
__attribute__((cold, noinline)) void track_note_format(struct track *track, const struct rtp_media_packet *media,
                                                       int64_t now_us) {
  if (track->kind == ROOM_VIDEO) track->format = (int8_t)media->format;
  track_choose_layers(track, now_us);
  /* Choosing wished for a key frame, and it begins with this very packet. */
  if (media->info.keyframe) rtp_incoming_stream_cancel_keyframe(media->stream);
}

/* What a packet says of its track; then it waits for the end of its batch (fan_out.h). */
void track_forward(struct track *track, uint8_t layer, struct rtp_media_packet *media, int64_t now_us) {
  if (!track->forwarding) {
    track->publisher->engine->counters.drops[ENGINE_DROP_MUTED]++;
    return;
  }
  if (media->has_audio_level && track->speaker != SPEAKER_NONE) {
    speaker_detector_level(track->publisher->room->speakers, track->speaker, media->audio_level.level,
                           media->audio_level.voice, now_us);
  }
  if (!track->flowing_told || media->info.keyframe) track_tell_room(track, now_us);
  if (track->kind == ROOM_VIDEO && track->format != (int)media->format && !media->padding_only)
    track_note_format(track, media, now_us);
  fan_out_add(track, layer, media);
}

void track_set_forwarding(struct track *track, bool on, int64_t now_us) {
  if (track->forwarding == on) return;
  track->forwarding = on;
  if (!on && track->speaker != SPEAKER_NONE) speaker_detector_mute(track->publisher->room->speakers, track->speaker);
  /* What was missed meanwhile is missing from the decoder's references. */
  for (size_t i = 0; i < track->subscriber_count; i++) {
    slot_choose_layer(track->subscribers[i], now_us);
  }
}

/* How many of its simulcast layers are above the largest that comes. */
static uint8_t missing_above(const struct track *track, size_t layer, int64_t now_us) {
  const struct section *section = track->section;
  struct rtp_spatial_layer within[RTP_DD_MAX_SPATIAL];
  if (!section || layer + 1 >= section->rid_count) return 0;
  if (rtp_incoming_stream_spatial(track->layers[layer]->stream, now_us, within) > 1) return 0;
  return (uint8_t)(section->rid_count - 1 - layer);
}

/* Tells the room when media begins to flow and when its largest size or its codec changes; nothing in between. */
void track_tell_room(struct track *track, int64_t now_us) {
  if (track->flowing_told && now_us - track->told_us < TELL_INTERVAL_US) return;
  struct room_track_media media = {.flowing = true};
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
    if (!track->layers[i] || !rtp_incoming_stream_is_live(track->layers[i]->stream, now_us)) continue;
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(track->layers[i]->stream, now_us, &stats);
    if (stats.codec) strncpy(media.codec, rtp_codec_name((enum rtp_codec)stats.codec), sizeof media.codec - 1);
    if ((uint32_t)stats.width * stats.height > media.width * media.height) {
      media.width = stats.width;
      media.height = stats.height;
      media.missing = missing_above(track, i, now_us);
    }
  }
  bool same = track->flowing_told && media.width == track->told_width && media.height == track->told_height &&
              strcmp(media.codec, track->told_codec) == 0;
  if (same) return;
  track->flowing_told = true;
  track->told_us = now_us;
  track->told_width = (uint16_t)media.width;
  track->told_height = (uint16_t)media.height;
  memcpy(track->told_codec, media.codec, sizeof track->told_codec);
  room_manager_track_media(track->publisher->engine->manager, track->handle, &media, now_us);
}

/* ---- slots ---- */

void peer_pause_tracks(struct peer *peer, bool on, int64_t now_us) {
  peer->paused = on;
  for (size_t i = 0; i < peer->section_count; i++)
    if (peer->sections[i]->track) track_choose_layers(peer->sections[i]->track, now_us);
}

/* ---- subscription ---- */

static void leave_track(struct slot *slot) {
  struct track *track = slot->track;
  struct slot *last = track->subscribers[--track->subscriber_count];
  track->subscribers[slot->index] = last;
  last->index = slot->index;
  slot->track = NULL;
  track->limits_stale = true;
  if (track->subscriber_count) return;
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) { /* nobody waits for a key frame any more */
    if (track->layers[i]) rtp_incoming_stream_cancel_keyframe(track->layers[i]->stream);
  }
}

void slot_assign(struct slot *slot, struct track *track, int64_t now_us) {
  if (slot->track == track) return;
  peer_hurry(slot->peer);
  if (slot->track) leave_track(slot);
  /* Another person's picture must not linger under the new one's name: the slot is empty until the new source's key frame.
   * (Between layers of one track the old one flows on.) */
  rtp_outgoing_stream_select(slot->out, NULL);
  slot->share = LAYER_NONE;
  memset(&slot->share_memory, 0, sizeof slot->share_memory);
  slot->wish = (struct layer_wish){.held = LAYER_NONE};
  if (!track) return;
  if (track->subscriber_count == track->subscriber_room) {
    size_t room = track->subscriber_room ? track->subscriber_room * 2 : 8;
    struct slot **subscribers = realloc(track->subscribers, room * sizeof(struct slot *));
    if (!subscribers) return;
    track->subscribers = subscribers;
    track->subscriber_room = room;
  }
  slot->track = track;
  slot->index = track->subscriber_count;
  track->subscribers[track->subscriber_count++] = slot;
  slot_choose_layer(slot, now_us);
}
