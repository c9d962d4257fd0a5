/* tests/server/room/invariants.c: looking things up in a harness, and what must hold after every call. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "tests/server/room/harness.h"

size_t harness_count(const struct seat *s, const char *event) {
  size_t i, count = 0;
  json_t *e;
  json_array_foreach(s->events, i, e) count += strcmp(json_string_value(json_object_get(e, "event")), event) == 0;
  return count;
}

json_t *harness_last(const struct seat *s, const char *event) {
  for (size_t i = json_array_size(s->events); i-- > 0;) {
    json_t *e = json_array_get(s->events, i);
    if (strcmp(json_string_value(json_object_get(e, "event")), event) == 0) return e;
  }
  return NULL;
}

void harness_forget(struct harness *h) {
  for (size_t i = 0; i < SEATS; i++)
    json_array_clear(h->seats[i].events);
  h->assigns = h->views = 0;
}

struct member *harness_member(const struct harness *h, const struct seat *s) {
  struct member *member;
  HASH_FIND(hh, h->m->members, &s->handle, sizeof s->handle, member);
  return member;
}

struct track *harness_track(const struct harness *h, const char *id) {
  struct track *t;
  HASH_FIND(hh_id, h->m->track_ids, id, strlen(id), t);
  assert_non_null(t);
  return t;
}

const char *harness_slot_of(const struct harness *h, const struct seat *receiver, uint32_t track) {
  for (size_t i = 0; i < h->slot_count; i++)
    if (h->slots[i].receiver == receiver->handle && h->slots[i].track == track) return h->slots[i].mid;
  return NULL;
}

/* What a client believes is what it would be told anew. */
static void check_model(const struct harness *h, const struct seat *s, const struct member *member) {
  json_t *fresh = snapshot_json(h->m, member);
  if (!json_equal(fresh, s->model)) {
    char *is = json_dumps(s->model, JSON_INDENT(1) | JSON_SORT_KEYS);
    char *should = json_dumps(fresh, JSON_INDENT(1) | JSON_SORT_KEYS);
    print_error("client:\n%s\nserver:\n%s\n", is, should);
    fail_msg("%s: the client's picture is wrong", s->session);
  }
  json_decref(fresh);
}

/* Nobody is told of hidden members: their ids stand in nothing that others got. */
static void check_hidden(const struct harness *h, const struct seat *s) {
  char *text = json_dumps(s->events, JSON_COMPACT), *model = s->model ? json_dumps(s->model, JSON_COMPACT) : NULL;
  const struct member *member;
  for (member = h->m->members; member; member = member->hh.next) {
    if (!member->hidden || strcmp(member->id, s->participant) == 0) continue;
    assert_null(strstr(text, member->id));
    if (model) assert_null(strstr(model, member->id));
  }
  free(text);
  free(model);
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Every track the receiver could have is in a slot while slots suffice, no other is, and none twice. */
static void check_slots(const struct harness *h, const struct member *receiver) {
  size_t slots[2] = {0}, filled[2] = {0}, microphones = 0, screen_audio = 0, videos = 0;
  for (size_t i = 0; i < receiver->slot_count; i++) {
    const struct slot *slot = &receiver->slots[i];
    slots[slot->kind]++;
    if (!slot->track) continue;
    filled[slot->kind]++;
    assert_false(slot->track->closing);
    assert_int_equal(slot->track->kind, slot->kind);
    assert_ptr_not_equal(slot->track->member, receiver);
    assert_ptr_equal(slot->track->member->room, receiver->room);
    if (slot->kind == ROOM_VIDEO) assert_true(member_view(receiver, slot->track).visible);
    for (size_t k = 0; k < i; k++)
      assert_ptr_not_equal(receiver->slots[k].track, slot->track);
    size_t e = 0;
    while (e < h->slot_count && (h->slots[e].receiver != receiver->handle || strcmp(h->slots[e].mid, slot->mid) != 0))
      e++;
    assert_true(e < h->slot_count); /* the engine knows */
    assert_int_equal(h->slots[e].track, slot->track->handle);
  }
  const struct track *t;
  DL_FOREACH(receiver->room->tracks, t) {
    if (t->member == receiver || !member_can_decode(receiver, t)) continue;
    microphones += t->source == ROOM_MICROPHONE;
    screen_audio += t->source == ROOM_SCREEN_AUDIO;
    videos += t->kind == ROOM_VIDEO && member_view(receiver, t).visible;
  }
  size_t sound = smaller(screen_audio, smaller(h->settings.screen_audio_slots, slots[ROOM_AUDIO] / 2));
  assert_int_equal(filled[ROOM_AUDIO],
                   sound + smaller(smaller(microphones, h->settings.audio_slots), slots[ROOM_AUDIO] - sound));
  assert_int_equal(filled[ROOM_VIDEO], smaller(videos, slots[ROOM_VIDEO]));
}

/* An attempt lives between two members who are here; what they send is held from when both have promised to play directly
 * until each has said that it sends again. */
static void check_topology(const struct harness *h, const struct room *r) {
  const struct topology *t = &r->topology;
  bool begun = t->phase == TOPOLOGY_TRYING || t->phase == TOPOLOGY_DIRECT;
  size_t two = 0;
  const struct member *member;
  DL_FOREACH(r->members, member) {
    bool one = member->handle == t->peers[0] || member->handle == t->peers[1];
    two += one;
    assert_int_equal(member->paused, one && t->held[member->handle == t->peers[1]]);
    if (member->paused) assert_true(t->phase != TOPOLOGY_TRYING && t->had_switched);
    if (begun) assert_false(member->hidden || member->never_direct);
    size_t i = 0;
    while (i < h->member_count && h->members[i] != member->handle)
      i++;
    assert_true(i < h->member_count);
    assert_int_equal(h->paused[i], member->paused);
  }
  if (t->phase != TOPOLOGY_SFU) assert_int_equal(two, 2);
  if (!begun) return;
  assert_int_equal(r->visible_count + r->hidden_count, 2);
  assert_false(r->policy.never_direct);
  assert_int_equal(r->policy.relay_only, t->relay);
}

static void check_waiting(const struct harness *h, const struct room *r) {
  size_t count = 0;
  const struct waiter *w;
  DL_FOREACH(r->waiters, w) {
    count++;
    assert_ptr_equal(w->session->waiter, w);
    assert_null(w->session->member);
    assert_false(w->session->removed);
    if (w->next) assert_true(w->since_ms <= w->next->since_ms);
  }
  assert_int_equal(count, r->waiter_count);
  assert_true(count <= h->settings.waiting_room);
}

void harness_check(struct harness *h) {
  size_t members = 0, filled = 0;
  for (size_t i = 0; i < SEATS; i++) {
    struct seat *s = &h->seats[i];
    if (!s->open) continue;
    const struct session *session = session_find(h->m, s->session);
    assert_non_null(session);
    assert_int_equal(session->connected, s->connected);
    if (!session->offer_id) assert_int_equal(json_object_size(s->outstanding), 0); /* every request has its reply */
    check_hidden(h, s);
    const struct member *member = session->member;
    if (s->connected) assert_int_equal(member != NULL, s->model != NULL);
    if (s->connected) assert_int_equal(session->waiter != NULL, s->waiting);
    assert_int_equal(session->wait && !session->admitted, s->wait);
    if (!member) continue;
    members++;
    if (s->connected) check_model(h, s, member);
    check_slots(h, member);
    for (size_t k = 0; k < member->slot_count; k++)
      filled += member->slots[k].track != NULL;
  }
  struct room_counts counts = room_manager_counts(h->m);
  assert_int_equal(counts.participants, members);
  assert_int_equal(h->member_count, members);
  assert_int_equal(h->slot_count, filled); /* no slot dangles in the engine */
  assert_int_equal(h->track_count, counts.tracks);
  for (size_t i = 0; i < h->track_count; i++) {
    const struct track *t;
    HASH_FIND(hh, h->m->tracks, &h->tracks[i].track, sizeof h->tracks[i].track, t);
    assert_non_null(t);
    assert_int_equal(t->muted, !h->tracks[i].forwarding);
    if (t->kind == ROOM_VIDEO && t->rid_count == 3) assert_int_equal(t->layers_told, h->tracks[i].rids);
  }
  const struct room *r;
  for (r = h->m->rooms; r; r = r->hh.next) {
    assert_false(r->dirty);
    assert_null(r->closing_members);
    assert_null(r->closing_tracks);
    assert_true(r->chat_count <= h->settings.chat_messages);
    assert_true(r->visible_count <= h->settings.max_participants);
    check_topology(h, r);
    check_waiting(h, r);
  }
}
