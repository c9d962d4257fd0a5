/* server/room/snapshot.c: rooms, participants, tracks and slots as clients see them (signaling/PROTOCOL.md). */
#include <utlist.h>

#include "server/room/internal.h"

static json_t *track_layers(const struct track *t) {
  json_t *list = json_array();
  for (size_t i = 0; i < t->rid_count; i++)
    json_array_append_new(list, json_string(t->rids[i]));
  return list;
}

json_t *track_json(const struct track *t) {
  json_t *object = json_pack("{s:s, s:s, s:s, s:b, s:o}", "track", t->id, "source", room_source_name(t->source), "kind",
                             room_kind_name(t->kind), "muted", (int)t->muted, "layers", track_layers(t));
  if (t->width && t->height) {
    json_object_set_new(object, "width", json_integer(t->width));
    json_object_set_new(object, "height", json_integer(t->height));
  }
  return object;
}

json_t *participant_json(const struct member *member) {
  json_t *tracks = json_array();
  const struct track *t;
  DL_FOREACH(member->room->tracks, t) {
    if (t->member == member) json_array_append_new(tracks, track_json(t));
  }
  const struct session *s = member->session;
  json_t *object =
      json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:o}", "participant", member->id, "identity", s->identity, "name",
                s->name, "role", signaling_role_name(s->role), "joinedAt", (json_int_t)member->joined_ms, "handRaised",
                (int)member->hand_raised, "connected", (int)s->connected, "tracks", tracks);
  if (member->quality_known) json_object_set_new(object, "quality", quality_json(member));
  return object;
}

json_t *slot_json(const struct slot *slot) {
  const struct track *t = slot->track && !slot->track->closing ? slot->track : NULL;
  return json_pack("{s:s, s:s?, s:s?, s:s?}", "mid", slot->mid, "participant", t ? t->member->id : NULL, "track",
                   t ? t->id : NULL, "source", t ? room_source_name(t->source) : NULL);
}

json_t *snapshot_json(const struct room_manager *m, const struct member *self) {
  const struct room *r = self->room;
  json_t *participants = json_array(), *slots = json_array();
  const struct member *member;
  DL_FOREACH(r->members, member) {
    if (!member->hidden || member == self) json_array_append_new(participants, participant_json(member));
  }
  for (size_t i = 0; i < self->slot_count; i++)
    json_array_append_new(slots, slot_json(&self->slots[i]));
  json_t *snapshot =
      json_pack("{s:s, s:b, s:s, s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "id", r->name, "locked", (int)r->locked,
                "topology", room_topology_name(r), "createdAt", (json_int_t)r->created_ms, "maxParticipants",
                (json_int_t)m->settings.max_participants, "self", self->id, "participants", participants, "chat",
                chat_history(r, self->session->identity), "slots", slots, "policy", policy_json(r));
  json_t *direct = direct_json(m, self);
  if (direct) json_object_set_new(snapshot, "direct", direct);
  if (self->audio_only) json_object_set_new(snapshot, "audioOnly", audio_only_json(self));
  if (signaling_role_may(self->session->role, SIGNALING_ADMIT))
    json_object_set_new(snapshot, "waiting", waiting_json(r));
  return snapshot;
}
