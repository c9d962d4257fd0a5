/* server/room/requests_media.c: the requests about media: offer, publish, unpublish, mute, view. */
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

#define SAME_SOURCE_MAX 2 /* a second camera for the examination, a second microphone for the stethoscope */

enum signaling_error request_offer(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  const json_t *offer = json_object_get(f, "offer");
  if (!offer) { /* the gateway did not parse it */
    out->text = "offer is missing";
    return SIGNALING_BAD_REQUEST;
  }
  out->deferred = true;
  codecs_read_offer(m, s->member, offer);
  room_touch_order(m, s->member->room);
  m->listener.media_offer(m->arg, s->member->handle, offer);
  return SIGNALING_OK;
}

/* ---- publish ------------------------------------------------------------------------------------------------------ */

static bool parse_source(const char *text, enum room_source *out) {
  for (int i = ROOM_MICROPHONE; i <= ROOM_SCREEN_AUDIO; i++) {
    if (strcmp(text, room_source_name((enum room_source)i)) != 0) continue;
    *out = (enum room_source)i;
    return true;
  }
  return false;
}

static enum room_kind source_kind(enum room_source source) {
  return source == ROOM_CAMERA || source == ROOM_SCREEN ? ROOM_VIDEO : ROOM_AUDIO;
}

struct publication {
  const struct room_sender *sender;
  enum room_source source;
  const json_t *request;
};

/* One entry of `tracks` against the room and the entries before it. */
static enum signaling_error check_publication(const struct room_manager *m, const struct member *member,
                                              struct publication *list, size_t index, struct outcome *out) {
  struct publication *p = &list[index];
  const char *mid = json_string_value(json_object_get(p->request, "mid"));
  const char *source = json_string_value(json_object_get(p->request, "source"));
  p->sender = mid ? member_sender(member, mid) : NULL;
  if (!p->sender) {
    out->text = "mid is no negotiated sender";
    return SIGNALING_TRACK_NOT_FOUND;
  }
  if (!source || !parse_source(source, &p->source) || source_kind(p->source) != p->sender->kind) {
    out->text = "source does not fit the m-line's kind";
    return SIGNALING_BAD_REQUEST;
  }
  size_t same = 0;
  bool taken = false;
  const struct track *t;
  DL_FOREACH(member->room->tracks, t) {
    if (t->member != member) continue;
    same += t->source == p->source;
    taken |= strcmp(t->mid, mid) == 0;
  }
  for (size_t i = 0; i < index; i++) {
    same += list[i].source == p->source;
    taken |= list[i].sender == p->sender;
  }
  if (taken) {
    out->text = "mid is published already";
    return SIGNALING_BAD_REQUEST;
  }
  if (same >= SAME_SOURCE_MAX || member->track_count + index >= m->settings.max_tracks)
    return SIGNALING_TOO_MANY_TRACKS;
  return SIGNALING_OK;
}

static json_t *publish_one(struct room_manager *m, struct member *member, const struct publication *p) {
  struct track *t = track_publish(m, member, p->sender, p->source);
  if (!t) return NULL;
  t->muted = json_is_true(json_object_get(p->request, "muted"));
  json_int_t width = json_integer_value(json_object_get(p->request, "width"));
  json_int_t height = json_integer_value(json_object_get(p->request, "height"));
  if (t->kind == ROOM_VIDEO && width > 0 && height > 0) {
    t->width = t->full_width = (uint32_t)width;
    t->height = t->full_height = (uint32_t)height;
  }
  member_announce(m, member, "trackPublished",
                  json_pack("{s:s, s:o}", "participant", member->id, "track", track_json(t)));
  return json_pack("{s:s, s:s}", "track", t->id, "mid", t->mid);
}

enum signaling_error request_publish(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  struct member *member = s->member;
  if (member->hidden) return SIGNALING_FORBIDDEN;
  const json_t *tracks = json_object_get(f, "tracks");
  size_t count = json_array_size(tracks);
  struct publication list[ROOM_MAX_SENDERS];
  if (count == 0) return SIGNALING_BAD_REQUEST;
  if (count > m->settings.max_tracks || count > ROOM_MAX_SENDERS) return SIGNALING_TOO_MANY_TRACKS;
  for (size_t i = 0; i < count; i++) { /* all or nothing */
    list[i] = (struct publication){.request = json_array_get(tracks, i)};
    enum signaling_error error = check_publication(m, member, list, i, out);
    if (error) return error;
  }
  json_t *published = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(published, publish_one(m, member, &list[i]));
  out->ok = json_pack("{s:o}", "tracks", published);
  return SIGNALING_OK;
}

/* ---- what is done to tracks --------------------------------------------------------------------------------------- */

static struct track *find_track(const struct room_manager *m, const struct room *r, const json_t *id) {
  const char *text = json_string_value(id);
  struct track *t = NULL;
  if (text) HASH_FIND(hh_id, m->track_ids, text, strlen(text), t);
  return t && t->member->room == r ? t : NULL; /* a track of another room does not exist here */
}

enum signaling_error request_unpublish(struct room_manager *m, struct session *s, const json_t *f,
                                       struct outcome *out) {
  (void)out;
  const json_t *tracks = json_object_get(f, "tracks");
  size_t i;
  json_t *id;
  json_array_foreach(tracks, i, id) {
    const struct track *t = find_track(m, s->member->room, id);
    if (!t || t->member != s->member) return SIGNALING_TRACK_NOT_FOUND;
  }
  json_array_foreach(tracks, i, id) { /* named twice: the second time it is gone */
    struct track *t = find_track(m, s->member->room, id);
    if (t) track_unpublish(m, t, true);
  }
  return SIGNALING_OK;
}

enum signaling_error request_mute(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  struct track *t = find_track(m, s->member->room, json_object_get(f, "track"));
  bool muted = json_is_true(json_object_get(f, "muted"));
  if (!t) return SIGNALING_TRACK_NOT_FOUND;
  if (t->member != s->member) {
    if (!signaling_role_has(s->role, SIGNALING_RIGHT_MUTE_OTHERS)) return SIGNALING_FORBIDDEN;
    if (!muted || t->source != ROOM_MICROPHONE) {
      out->text = muted ? "only microphones of others" : "only its owner may unmute";
      return SIGNALING_FORBIDDEN;
    }
  }
  track_set_muted(m, t, muted, s->member);
  return SIGNALING_OK;
}

static enum room_priority parse_priority(const json_t *value) {
  const char *text = json_string_value(value);
  if (text && strcmp(text, "high") == 0) return ROOM_PRIORITY_HIGH;
  return text && strcmp(text, "low") == 0 ? ROOM_PRIORITY_LOW : ROOM_PRIORITY_NORMAL;
}

enum signaling_error request_view(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  (void)out;
  struct room_wish wishes[ROOM_MAX_VIEWS];
  size_t i, count = 0;
  json_t *request;
  json_array_foreach(json_object_get(f, "requests"), i, request) {
    struct track *t = find_track(m, s->member->room, json_object_get(request, "track"));
    if (!t || t->member == s->member) continue; /* may have gone while the request was under way: no fault */
    if (t->kind == ROOM_AUDIO || count == ROOM_MAX_VIEWS) continue;
    json_int_t width = json_integer_value(json_object_get(request, "width"));
    json_int_t height = json_integer_value(json_object_get(request, "height"));
    struct room_view view = {.visible = json_is_true(json_object_get(request, "visible")) && width > 0 && height > 0,
                             .width = width > 0 && width <= UINT16_MAX ? (uint32_t)width : 0,
                             .height = height > 0 && height <= UINT16_MAX ? (uint32_t)height : 0,
                             .priority = parse_priority(json_object_get(request, "priority"))};
    wishes[count++] = (struct room_wish){.track = t, .view = view};
  }
  member_set_views(m, s->member, wishes, count);
  return SIGNALING_OK;
}
