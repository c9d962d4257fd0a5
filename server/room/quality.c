/* server/room/quality.c: how good each member's connection is, as the media engine judges it: kept for snapshots, told on change. */
#include "server/room/internal.h"

const char *room_grade_name(enum room_grade grade) {
  static const char *const names[] = {"excellent", "good", "poor", "lost"};
  return (unsigned)grade < 4 ? names[grade] : "unknown";
}

const char *room_cause_name(enum room_cause cause) {
  static const char *const names[] = {"none", "uplink", "downlink", "otherUplink", "device"};
  return (unsigned)cause < 5 ? names[cause] : "unknown";
}

json_t *quality_json(const struct member *member) {
  return json_pack("{s:s, s:s, s:s}", "uplink", room_grade_name(member->quality.uplink), "downlink",
                   room_grade_name(member->quality.downlink), "cause", room_cause_name(member->quality.cause));
}

json_t *audio_only_json(const struct member *member) {
  return json_pack("{s:b, s:s?}", "on", (int)(member->audio_only != NULL), "reason", member->audio_only);
}

int room_manager_quality(struct room_manager *m, uint32_t participant, const struct room_quality *quality,
                         int64_t now_us) {
  struct member *member = find_member(m, participant);
  if (!member) return ROOM_ERROR_PARTICIPANT;
  manager_enter(m, now_us);
  const struct room_quality *old = &member->quality;
  bool same = old->uplink == quality->uplink && old->downlink == quality->downlink && old->cause == quality->cause;
  if (!member->quality_known || !same) {
    member->quality = *quality;
    member->quality_known = true;
    json_t *fields = json_pack("{s:s, s:o}", "participant", member->id, "quality", quality_json(member));
    if (member->hidden)
      member_event(m, member, "quality", fields);
    else
      room_broadcast(m, member->room, NULL, "quality", fields);
  }
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_audio_only(struct room_manager *m, uint32_t participant, const char *reason, int64_t now_us) {
  struct member *member = find_member(m, participant);
  if (!member) return ROOM_ERROR_PARTICIPANT;
  if (member->audio_only == reason) return ROOM_OK;
  manager_enter(m, now_us);
  member->audio_only = reason;
  member_event(m, member, "audioOnly", audio_only_json(member));
  manager_leave(m);
  return ROOM_OK;
}
