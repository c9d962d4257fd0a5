/* server/room/track.c: tracks come, are muted, and go. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

const struct room_sender *member_sender(const struct member *member, const char *mid) {
  for (size_t i = 0; i < member->sender_count; i++)
    if (strcmp(member->senders[i].mid, mid) == 0) return &member->senders[i];
  return NULL;
}

struct track *track_publish(struct room_manager *m, struct member *member, const struct room_sender *sender,
                            enum room_source source) {
  struct track *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->handle = manager_handle(m);
  manager_make_id(m, "t_", t->id);
  memcpy(t->mid, sender->mid, sizeof t->mid);
  t->member = member;
  t->kind = sender->kind;
  t->source = source;
  t->rid_count = sender->rid_count;
  memcpy(t->rids, sender->rids, sizeof t->rids);
  t->codec = codec_bit(m, sender->kind, sender->codec);
  t->level = 127;
  t->heard_us = t->spoke_us = INT64_MIN / 2;
  t->sequence = ++m->last_sequence;
  t->layers_told = t->layers_needed = (uint8_t)((1u << (t->rid_count ? t->rid_count : 1)) - 1);
  HASH_ADD(hh, m->tracks, handle, sizeof t->handle, t);
  HASH_ADD_KEYPTR(hh_id, m->track_ids, t->id, strlen(t->id), t);
  DL_APPEND(member->room->tracks, t);
  member->track_count++;
  room_touch_order(m, member->room);
  return t;
}

void track_unpublish(struct room_manager *m, struct track *t, bool tell) {
  struct member *member = t->member;
  struct room *r = member->room;
  if (tell) {
    member_announce(m, member, "trackUnpublished", json_pack("{s:s, s:s}", "participant", member->id, "track", t->id));
  }
  HASH_DELETE(hh, m->tracks, t);
  HASH_DELETE(hh_id, m->track_ids, t);
  DL_DELETE(r->tracks, t);
  DL_APPEND(r->closing_tracks, t);
  t->closing = true;
  member->track_count--;
  room_touch_order(m, r);
}

void track_set_muted(struct room_manager *m, struct track *t, bool muted, const struct member *actor) {
  if (t->muted == muted) return;
  t->muted = muted;
  struct member *owner = t->member;
  if (t->opened) m->listener.track_forwarding(m->arg, t->handle, !muted);
  json_t *fields = json_pack("{s:s, s:s, s:b}", "participant", owner->id, "track", t->id, "muted", (int)muted);
  json_t *request = NULL;
  if (actor != owner) {
    request = json_pack("{s:s}", "track", t->id);
    if (!actor->hidden) {
      json_object_set_new(fields, "by", json_string(actor->id));
      json_object_set_new(request, "by", json_string(actor->id));
    }
  }
  /* Who acted has the reply; everybody else, the owner of a track muted by a doctor included, is told. */
  room_broadcast(m, owner->room, actor, "trackMuted", fields);
  if (request) member_event(m, owner, "muteRequested", request);
  room_touch_order(m, owner->room);
}
