/* server/room/media.c: the facts that the media engine reports, and the questions it asks. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

struct member *find_member(const struct room_manager *m, uint32_t handle) {
  struct member *member;
  HASH_FIND(hh, m->members, &handle, sizeof handle, member);
  return member;
}

static struct track *find_track(const struct room_manager *m, uint32_t handle) {
  struct track *t;
  HASH_FIND(hh, m->tracks, &handle, sizeof handle, t);
  return t;
}

/* ---- negotiation -------------------------------------------------------------------------------------------------- */

static struct slot *find_slot(struct slot *slots, size_t count, const char *mid, enum room_kind kind) {
  for (size_t i = 0; i < count; i++)
    if (slots[i].kind == kind && strcmp(slots[i].mid, mid) == 0) return &slots[i];
  return NULL;
}

/* Takes over the negotiated slots; those that stay keep their track, those that are gone lose it. */
static void adopt_slots(struct room_manager *m, struct member *member, const struct room_negotiation *n) {
  struct slot fresh[ROOM_MAX_SLOTS];
  size_t count = 0;
  for (size_t i = 0; i < n->slot_count && count < ROOM_MAX_SLOTS; i++) {
    const struct room_slot *given = &n->slots[i];
    if (find_slot(fresh, count, given->mid, ROOM_AUDIO) || find_slot(fresh, count, given->mid, ROOM_VIDEO)) continue;
    struct slot *old = find_slot(member->slots, member->slot_count, given->mid, given->kind);
    fresh[count] = (struct slot){.kind = given->kind, .track = old ? old->track : NULL};
    memcpy(fresh[count].mid, given->mid, sizeof fresh[count].mid);
    fresh[count++].mid[ROOM_MID_BYTES - 1] = '\0';
  }
  struct slot *slots = count ? malloc(count * sizeof *slots) : NULL;
  if (count && !slots) return; /* what was negotiated before goes on */
  if (slots) memcpy(slots, fresh, count * sizeof *slots);
  for (size_t i = 0; i < member->slot_count; i++) {
    const struct slot *old = &member->slots[i];
    if (old->track && !find_slot(fresh, count, old->mid, old->kind))
      m->listener.slot_assign(m->arg, member->handle, old->mid, 0);
  }
  free(member->slots);
  member->slots = slots;
  member->slot_count = count;
}

static void adopt_senders(struct room_manager *m, struct member *member, const struct room_negotiation *n) {
  member->sender_count = n->sender_count < ROOM_MAX_SENDERS ? n->sender_count : ROOM_MAX_SENDERS;
  if (member->sender_count) memcpy(member->senders, n->senders, member->sender_count * sizeof *n->senders);
  for (size_t i = 0; i < member->sender_count; i++) {
    struct room_sender *sender = &member->senders[i];
    sender->mid[ROOM_MID_BYTES - 1] = sender->codec[sizeof sender->codec - 1] = '\0';
    if (sender->rid_count > ROOM_RIDS) sender->rid_count = ROOM_RIDS;
    for (size_t k = 0; k < ROOM_RIDS; k++)
      sender->rids[k][sizeof sender->rids[k] - 1] = '\0';
  }
  bool relayered = false;
  struct track *t, *next;
  DL_FOREACH_SAFE(member->room->tracks, t, next) {
    if (t->member != member) continue;
    const struct room_sender *sender = member_sender(member, t->mid);
    if (!sender || sender->kind != t->kind) {
      track_unpublish(m, t, true);
      member_event(m, member, "trackUnpublished", /* no request of its own said so */
                   json_pack("{s:s, s:s}", "participant", member->id, "track", t->id));
      continue;
    }
    uint8_t codec = codec_bit(m, t->kind, sender->codec);
    if (codec) t->codec = codec;
    if (t->rid_count == sender->rid_count && memcmp(t->rids, sender->rids, sizeof t->rids) == 0) continue;
    t->rid_count = sender->rid_count;
    memcpy(t->rids, sender->rids, sizeof t->rids);
    t->layers_told = (uint8_t)((1u << (t->rid_count ? t->rid_count : 1)) - 1);
    memset(t->idle_since_us, 0, sizeof t->idle_since_us);
    memset(t->limits_bps, 0, sizeof t->limits_bps);
    relayered = true;
  }
  if (relayered)
    room_broadcast(m, member->room, NULL, "participantUpdated",
                   json_pack("{s:o}", "participant", participant_json(member)));
}

int room_manager_media_negotiated(struct room_manager *m, uint32_t participant, const json_t *answer,
                                  const struct room_negotiation *negotiation, int64_t now_us) {
  struct member *member = find_member(m, participant);
  if (!member || !member->session->offer_id) return ROOM_ERROR_PARTICIPANT;
  manager_enter(m, now_us);
  adopt_senders(m, member, negotiation);
  adopt_slots(m, member, negotiation);
  member->negotiated = true;
  for (int i = ROOM_AUDIO; i <= ROOM_VIDEO; i++)
    member->codec_preferred[i] = codec_preferred(m, member, (enum room_kind)i);
  struct session *s = member->session;
  session_reply(m, s, s->offer_id, json_pack("{s:O}", "answer", answer));
  session_release(m, s);
  room_touch_order(m, member->room);
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_media_refused(struct room_manager *m, uint32_t participant, const char *code, const char *text,
                               int64_t now_us) {
  struct member *member = find_member(m, participant);
  if (!member || !member->session->offer_id) return ROOM_ERROR_PARTICIPANT;
  manager_enter(m, now_us);
  struct session *s = member->session;
  session_error(m, s, s->offer_id, signaling_error_parse(code), text);
  session_release(m, s);
  room_touch_order(m, member->room);
  manager_leave(m);
  return ROOM_OK;
}

/* ---- state of transports and tracks ------------------------------------------------------------------------------- */

int room_manager_transport_state(struct room_manager *m, uint32_t participant, enum room_transport state,
                                 int64_t now_us) {
  struct member *member = find_member(m, participant);
  if (!member) return ROOM_ERROR_PARTICIPANT;
  if (member->transport == state) return ROOM_OK;
  manager_enter(m, now_us);
  member->transport = state;
  room_touch(m, member->room); /* two with transports may talk directly */
  if (state == ROOM_TRANSPORT_FAILED) member_event(m, member, "negotiate", json_pack("{s:s}", "reason", "transport"));
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_track_media(struct room_manager *m, uint32_t track, const struct room_track_media *media,
                             int64_t now_us) {
  struct track *t = find_track(m, track);
  if (!t) return ROOM_ERROR_TRACK;
  manager_enter(m, now_us);
  t->flowing = media->flowing;
  char codec[sizeof media->codec];
  memcpy(codec, media->codec, sizeof codec);
  codec[sizeof codec - 1] = '\0';
  uint8_t bit = codec_bit(m, t->kind, codec);
  if (bit) t->codec = bit;
  bool sized = t->kind == ROOM_VIDEO && media->width && media->height;
  /* With the top layer paused the largest live one says nothing about the full picture. */
  bool asked_for = t->rid_count < 2 || t->layers_told >> (t->rid_count - 1);
  /* Nor does it while the top layer has not begun, or its publisher's link does not carry it: browsers halve each. */
  if (sized && asked_for && (!media->missing || !t->full_width)) {
    t->full_width = media->width << media->missing;
    t->full_height = media->height << media->missing;
  }
  if (sized && !t->width) {
    /* Clients are told once: encoders adapt their size all the time, and nobody should hear of each step. */
    t->width = media->width;
    t->height = media->height;
    room_broadcast(m, t->member->room, NULL, "participantUpdated",
                   json_pack("{s:o}", "participant", participant_json(t->member)));
  }
  room_touch_order(m, t->member->room);
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_speakers(struct room_manager *m, uint32_t room, const struct room_speaker *speakers, size_t count,
                          int64_t now_us) {
  struct room *r, *next;
  HASH_ITER(hh, m->rooms, r, next) {
    if (r->handle == room) break;
  }
  if (!r) return ROOM_ERROR_ROOM;
  manager_enter(m, now_us);
  ranking_report(m, r, speakers, count);
  manager_leave(m);
  return ROOM_OK;
}

/* ---- questions ---------------------------------------------------------------------------------------------------- */

size_t room_manager_data_targets(const struct room_manager *m, uint32_t sender, const char *target, size_t target_len,
                                 uint32_t *targets, size_t max) {
  const struct member *from = find_member(m, sender);
  /* A hidden sender would show itself; and data is talk, so the right is chat's. */
  if (!from || from->hidden || !signaling_role_may(from->session->role, SIGNALING_CHAT)) return 0;
  size_t count = 0;
  const struct member *to;
  DL_FOREACH(from->room->members, to) {
    if (to == from || count == max) continue;
    bool named = target_len == strlen(to->id) && memcmp(target, to->id, target_len) == 0;
    if (target_len == 0 || (named && !to->hidden)) targets[count++] = to->handle;
  }
  return count;
}

struct room_view room_manager_view(const struct room_manager *m, uint32_t receiver, uint32_t track) {
  const struct member *member = find_member(m, receiver);
  const struct track *t = find_track(m, track);
  if (!member || !t) return (struct room_view){.visible = true, .priority = ROOM_PRIORITY_NORMAL};
  return member_view(member, t);
}
