/* server/room/slots_needed.c: when a receiver should offer more receive-only m-lines (`slotsNeeded`).
 *
 * Asked for in fours, so that a growing room does not renegotiate at every join; never more than the caps, not more than
 * once a second, and never twice for the same numbers: a client that does not want more is not nagged.
 */
#include "server/room/internal.h"

#include <utlist.h>

struct demand {
  size_t audio, video;
};

static size_t at_most(size_t value, size_t cap) {
  return value < cap ? value : cap;
}

/* Everything in the room but the receiver's own tracks and the videos it does not show. */
static struct demand demand_of(const struct room_manager *m, const struct room *r, const struct member *receiver,
                               const struct demand *microphones_videos, size_t screen_audio) {
  size_t microphones = microphones_videos->audio, videos = microphones_videos->video;
  for (size_t i = 0; receiver->track_count && i < r->audio_count; i++) {
    if (r->audio_order[i]->member != receiver) continue;
    *(r->audio_order[i]->source == ROOM_SCREEN_AUDIO ? &screen_audio : &microphones) -= 1;
  }
  for (size_t i = 0; receiver->track_count && i < r->video_count; i++)
    videos -= r->video_order[i]->member == receiver;
  const struct view_entry *entry;
  for (entry = receiver->views; entry; entry = entry->hh.next) {
    const struct track *t;
    HASH_FIND(hh, m->tracks, &entry->track, sizeof entry->track, t);
    videos -= t && t->kind == ROOM_VIDEO && !entry->view.visible;
  }
  return (struct demand){
      .audio = at_most(microphones, m->settings.audio_slots) + at_most(screen_audio, m->settings.screen_audio_slots),
      .video = at_most(videos, m->settings.video_slots)};
}

static size_t in_fours(size_t demand, size_t have, size_t cap) {
  size_t wanted = demand > have ? at_most((demand + 3) / 4 * 4, cap) : have;
  return at_most(wanted, ROOM_MAX_SLOTS);
}

static void ask(struct room_manager *m, struct room *r, struct member *receiver, const struct demand *demand) {
  struct demand have = {0};
  for (size_t i = 0; i < receiver->slot_count; i++)
    *(receiver->slots[i].kind == ROOM_AUDIO ? &have.audio : &have.video) += 1;
  if (demand->audio <= have.audio && demand->video <= have.video) {
    receiver->asked_audio = receiver->asked_video = 0;
    return;
  }
  size_t audio = in_fours(demand->audio, have.audio, m->settings.audio_slots + m->settings.screen_audio_slots);
  size_t video = in_fours(demand->video, have.video, m->settings.video_slots);
  if (audio <= receiver->asked_audio && video <= receiver->asked_video) return;
  int64_t due_us = receiver->asked_us + ROOM_SLOTS_NEEDED_US;
  if (m->now_us < due_us) {
    room_wake_at(m, r, due_us);
    return;
  }
  receiver->asked_us = m->now_us;
  receiver->asked_audio = audio;
  receiver->asked_video = video;
  member_event(m, receiver, "slotsNeeded",
               json_pack("{s:I, s:I}", "audio", (json_int_t)audio, "video", (json_int_t)video));
}

void slots_settle_needed(struct room_manager *m, struct room *r) {
  struct demand all = {.video = r->video_count};
  size_t screen_audio = 0;
  for (size_t i = 0; i < r->audio_count; i++)
    *(r->audio_order[i]->source == ROOM_SCREEN_AUDIO ? &screen_audio : &all.audio) += 1;
  struct member *receiver;
  DL_FOREACH(r->members, receiver) {
    if (!receiver->negotiated || receiver->session->offer_id || !receiver->session->connected) continue;
    struct demand demand = demand_of(m, r, receiver, &all, screen_audio);
    ask(m, r, receiver, &demand);
  }
}
