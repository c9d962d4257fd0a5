/* server/room/direct.c: the topology machine (topology.h) in its room: who the two are, what they are told, what they say.
 *
 * The machine is asked once at the end of each call that touched the room, and when its time has come; so requests only
 * note what a client reported.
 */
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

const char *room_topology_name(const struct room *r) {
  return topology_is_direct(&r->topology) ? "p2p" : "sfu";
}

static struct member *peer(const struct room_manager *m, const struct room *r, unsigned side) {
  struct member *member;
  HASH_FIND(hh, m->members, &r->topology.peers[side], sizeof(uint32_t), member);
  return member && member->room == r ? member : NULL;
}

/* Which of the two this member is or was in the last attempt, −1: neither. */
static int side_of(const struct room *r, const struct member *member) {
  for (int i = 0; i < 2; i++)
    if (r->topology.peers[i] == member->handle) return i;
  return -1;
}

static struct topology_input look(const struct room_manager *m, const struct room *r) {
  struct topology_input in = {.crowded = r->visible_count + r->hidden_count > 2, .relay = r->policy.relay_only};
  for (unsigned i = 0; i < 2; i++) {
    const struct member *living = peer(m, r, i);
    in.present[i] = living != NULL;
    in.reachable[i] = living && living->session->connected;
  }
  if (r->visible_count != 2 || r->hidden_count != 0 || r->policy.never_direct) return in;
  const struct member *first = r->members, *second = first->next;
  if (first->never_direct || second->never_direct) return in;
  in.wanted[0] = first->handle;
  in.wanted[1] = second->handle;
  in.ready = first->session->connected && second->session->connected && first->transport == ROOM_TRANSPORT_CONNECTED &&
             second->transport == ROOM_TRANSPORT_CONNECTED;
  return in;
}

static const char *ice_policy_name(bool relay) {
  return relay ? "relay" : "all";
}

/* The attempt as one of the two sees it: the event `direct`, and `room.direct` of a snapshot. */
static json_t *attempt_json(const struct room *r, unsigned side, const struct member *other) {
  return json_pack("{s:I, s:s, s:b, s:s}", "attempt", (json_int_t)r->topology.attempt, "peer", other->id, "polite",
                   (int)(side == 1), "iceTransportPolicy", ice_policy_name(r->topology.relay));
}

json_t *direct_json(const struct room_manager *m, const struct member *self) {
  const struct room *r = self->room;
  int side = side_of(r, self);
  if (side < 0 || r->topology.phase == TOPOLOGY_SFU) return NULL;
  const struct member *other = peer(m, r, 1 - (unsigned)side);
  if (!other) return NULL;
  json_t *object = attempt_json(r, (unsigned)side, other);
  json_object_set_new(object, "state", json_string(topology_phase_name(r->topology.phase)));
  return object;
}

/* ---- actions ------------------------------------------------------------------------------------------------------ */

static void hold_media(struct room_manager *m, const struct room *r) {
  for (unsigned i = 0; i < 2; i++) {
    struct member *member = peer(m, r, i);
    if (!member || member->paused == r->topology.held[i]) continue;
    member->paused = r->topology.held[i];
    m->listener.forwarding_pause(m->arg, member->handle, member->paused);
  }
}

static void tell_topology(struct room_manager *m, struct room *r, struct member *const two[2]) {
  json_t *fields =
      json_pack("{s:s, s:I}", "topology", room_topology_name(r), "attempt", (json_int_t)r->topology.attempt);
  if (r->topology.phase == TOPOLOGY_SFU && r->topology.forced) json_object_set_new(fields, "forced", json_true());
  if (r->topology.had_switched) {
    room_broadcast(m, r, NULL, "topology", fields);
    return;
  }
  for (unsigned i = 0; i < 2; i++) /* nobody else has heard of this attempt */
    if (two[i]) member_event(m, two[i], "topology", json_copy(fields));
  json_decref(fields);
}

static void act(struct room_manager *m, struct room *r, enum topology_action action) {
  struct member *two[2] = {peer(m, r, 0), peer(m, r, 1)};
  for (unsigned i = 0; i < 2; i++) {
    struct member *member = two[i], *other = two[1 - i];
    if (member && other && action == TOPOLOGY_BEGIN) member_event(m, member, "direct", attempt_json(r, i, other));
    if (member && action == TOPOLOGY_RETURN)
      member_event(m, member, "topologyChanging",
                   json_pack("{s:s, s:I, s:s}", "to", "sfu", "attempt", (json_int_t)r->topology.attempt, "reason",
                             topology_cause_name(r->topology.cause)));
  }
  if (action == TOPOLOGY_SWITCH || action == TOPOLOGY_END) tell_topology(m, r, two);
}

void direct_settle(struct room_manager *m, struct room *r) {
  enum topology_action action;
  do {
    struct topology_input in = look(m, r);
    action = topology_next(&r->topology, &in, &m->settings.direct, m->now_us, &m->direct_stats);
    hold_media(m, r);
    if (action != TOPOLOGY_NOTHING) act(m, r, action);
  } while (action != TOPOLOGY_NOTHING);
  if (topology_deadline(&r->topology) != ROOM_NEVER) room_wake_at(m, r, topology_deadline(&r->topology));
}

void direct_interrupt(struct room_manager *m, struct member *member) {
  if (side_of(member->room, member) < 0) return;
  topology_interrupt(&member->room->topology);
  room_touch(m, member->room);
}

/* ---- requests ----------------------------------------------------------------------------------------------------- */

/* A number that is over, or somebody else's, is no fault: the client cannot know yet. */
enum signaling_error request_signal(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  json_t *description = json_object_get(f, "description"), *candidate = json_object_get(f, "candidate");
  if (!description == !candidate) {
    out->text = "either description or candidate";
    return SIGNALING_BAD_REQUEST;
  }
  const struct room *r = s->member->room;
  int side = side_of(r, s->member);
  bool alive = side >= 0 && r->topology.phase != TOPOLOGY_SFU &&
               json_integer_value(json_object_get(f, "attempt")) == (json_int_t)r->topology.attempt;
  const struct member *to = alive ? peer(m, r, 1 - (unsigned)side) : NULL;
  bool delivered = to && to->session->connected;
  out->ok = json_pack("{s:b}", "delivered", (int)delivered);
  if (!delivered) return SIGNALING_OK;
  json_t *fields = json_pack("{s:I, s:s}", "attempt", (json_int_t)r->topology.attempt, "from", s->member->id);
  if (description)
    json_object_set(fields, "description", description);
  else
    json_object_set(fields, "candidate", candidate);
  member_event(m, to, "signal", fields);
  return SIGNALING_OK;
}

static int pair_kind(const char *name) {
  static const char *const names[TOPOLOGY_PAIRS] = {"host", "srflx", "relay"};
  for (int i = 0; name && i < TOPOLOGY_PAIRS; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

enum signaling_error request_direct_state(struct room_manager *m, struct session *s, const json_t *f,
                                          struct outcome *out) {
  struct room *r = s->member->room;
  const json_t *gap = json_object_get(f, "gapMs");
  enum topology_report report;
  if (topology_report_parse(json_string_value(json_object_get(f, "state")), &report)) {
    out->text = "state is unknown";
    return SIGNALING_BAD_REQUEST;
  }
  int side = side_of(r, s->member);
  if (side < 0) return SIGNALING_OK;
  topology_report(&r->topology, (unsigned)side, (uint32_t)json_integer_value(json_object_get(f, "attempt")), report,
                  pair_kind(json_string_value(json_object_get(f, "pair"))), gap ? json_integer_value(gap) : -1,
                  &m->direct_stats);
  room_touch(m, r);
  return SIGNALING_OK;
}

/* ---- policy ------------------------------------------------------------------------------------------------------- */

json_t *policy_json(const struct room *r) {
  return json_pack("{s:s, s:s, s:b}", "topology", r->policy.never_direct ? "never" : "auto", "iceTransportPolicy",
                   ice_policy_name(r->policy.relay_only), "patientsWait", (int)r->policy.patients_wait);
}

enum signaling_error request_set_policy(struct room_manager *m, struct session *s, const json_t *f,
                                        struct outcome *out) {
  struct room *r = s->member->room;
  const struct room_policy before = r->policy;
  const char *topology = json_string_value(json_object_get(f, "topology"));
  const char *ice = json_string_value(json_object_get(f, "iceTransportPolicy"));
  const json_t *wait = json_object_get(f, "patientsWait");
  if (topology) r->policy.never_direct = strcmp(topology, "never") == 0;
  if (ice) r->policy.relay_only = strcmp(ice, "relay") == 0;
  if (wait) r->policy.patients_wait = json_is_true(wait);
  out->ok = json_pack("{s:o}", "policy", policy_json(r));
  if (before.never_direct == r->policy.never_direct && before.relay_only == r->policy.relay_only &&
      before.patients_wait == r->policy.patients_wait)
    return SIGNALING_OK;
  room_broadcast(m, r, s->member, "policyChanged", json_pack("{s:o}", "policy", policy_json(r)));
  room_touch(m, r);
  return SIGNALING_OK;
}
