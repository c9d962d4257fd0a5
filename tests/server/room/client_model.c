/* tests/server/room/client_model.c: see client_model.h. */
#include "tests/server/room/client_model.h"

#include <string.h>

#include "tests/server/room/harness.h"

static const char *text(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}

static ssize_t find(const json_t *list, const char *key, const char *value) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (strcmp(text(json_array_get(list, i), key), value) == 0) return (ssize_t)i;
  return -1;
}

static json_t *participant(const json_t *model, const char *id) {
  json_t *list = json_object_get(model, "participants");
  ssize_t at = find(list, "participant", id);
  if (at < 0) fail_msg("the client has never heard of %s", id);
  return json_array_get(list, (size_t)at);
}

static void set_slots(json_t *model, const json_t *changes) {
  json_t *slots = json_object_get(model, "slots");
  for (size_t i = 0; i < json_array_size(changes); i++) {
    json_t *change = json_array_get(changes, i);
    ssize_t at = find(slots, "mid", text(change, "mid"));
    assert_true(at >= 0);
    json_array_set(slots, (size_t)at, change);
  }
}

static void add_chat(json_t *model, json_t *message) {
  json_t *chat = json_object_get(model, "chat");
  json_array_append_new(chat, message);
  if (json_array_size(chat) > 200) json_array_remove(chat, 0);
}

static void topology_event(json_t *model, const char *name, const json_t *event) {
  json_t *direct = json_object_get(model, "direct"), *attempt = json_object_get(event, "attempt");
  bool mine = direct && json_equal(json_object_get(direct, "attempt"), attempt);
  if (strcmp(name, "direct") == 0) {
    assert_null(direct); /* the one before is over */
    json_t *copy = json_copy((json_t *)event);
    json_object_del(copy, "event");
    json_object_set_new(copy, "state", json_string("connecting"));
    json_object_set_new(model, "direct", copy);
  } else if (strcmp(name, "topologyChanging") == 0) {
    assert_true(mine);
    json_object_set_new(direct, "state", json_string("returning"));
  } else {
    bool p2p = strcmp(text(event, "topology"), "p2p") == 0;
    /* one event a change; an attempt that came to nothing is over for its two alone */
    assert_true((p2p ? strcmp(text(model, "topology"), "sfu") == 0 : strcmp(text(model, "topology"), "p2p") == 0) ||
                mine);
    json_object_set(model, "topology", json_object_get(event, "topology"));
    if (mine && p2p) json_object_set_new(direct, "state", json_string("connected"));
    if (mine && !p2p) json_object_del(model, "direct");
  }
}

static void waiting_event(json_t *model, const char *name, const json_t *event) {
  json_t *list = json_object_get(model, "waiting");
  if (!list) fail_msg("somebody who is no doctor hears of the waiting room");
  ssize_t at = find(list, "waiting", text(event, "waiting"));
  if (strcmp(name, "waitingRemoved") == 0) {
    assert_true(at >= 0);
    json_array_remove(list, (size_t)at);
    return;
  }
  json_t *copy = json_copy((json_t *)event);
  json_object_del(copy, "event");
  if (at >= 0) {
    json_array_set_new(list, (size_t)at, copy);
    return;
  }
  size_t i = 0; /* oldest first */
  while (i < json_array_size(list) && json_integer_value(json_object_get(json_array_get(list, i), "since")) <=
                                          json_integer_value(json_object_get(event, "since")))
    i++;
  json_array_insert_new(list, i, copy);
}

static void track_event(json_t *model, const char *name, const json_t *event) {
  json_t *tracks = json_object_get(participant(model, text(event, "participant")), "tracks");
  if (strcmp(name, "trackPublished") == 0) {
    json_array_append_new(tracks, json_deep_copy(json_object_get(event, "track")));
    return;
  }
  ssize_t at = find(tracks, "track", text(event, "track"));
  assert_true(at >= 0);
  if (strcmp(name, "trackMuted") == 0)
    json_object_set(json_array_get(tracks, (size_t)at), "muted", json_object_get(event, "muted"));
  else
    json_array_remove(tracks, (size_t)at);
}

void client_model_event(json_t **model, const json_t *event) {
  const char *name = text(event, "event");
  if (strcmp(name, "sync") == 0) {
    json_decref(*model);
    *model = json_deep_copy(json_object_get(event, "room"));
    return;
  }
  if (!*model) { /* the session may not be in a room yet */
    static const char *const outside[] = {"draining", "admitted", "waitDeclined", "waitingState", "sentBack", "closed"};
    bool known = false;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
      known |= strcmp(name, outside[i]) == 0;
    if (!known) fail_msg("event %s to a client that has not joined", name);
    return;
  }
  json_t *people = json_object_get(*model, "participants");
  if (strcmp(name, "participantJoined") == 0) {
    json_t *who = json_object_get(event, "participant");
    assert_int_equal(find(people, "participant", text(who, "participant")), -1);
    json_array_append_new(people, json_deep_copy(who));
  } else if (strcmp(name, "participantLeft") == 0) {
    (void)participant(*model, text(event, "participant"));
    json_array_remove(people, (size_t)find(people, "participant", text(event, "participant")));
  } else if (strcmp(name, "participantUpdated") == 0) {
    json_t *who = json_object_get(event, "participant");
    (void)participant(*model, text(who, "participant"));
    json_array_set_new(people, (size_t)find(people, "participant", text(who, "participant")), json_deep_copy(who));
  } else if (strcmp(name, "trackPublished") == 0 || strcmp(name, "trackUnpublished") == 0 ||
             strcmp(name, "trackMuted") == 0) {
    track_event(*model, name, event);
  } else if (strcmp(name, "slots") == 0) {
    set_slots(*model, json_object_get(event, "slots"));
  } else if (strcmp(name, "roomLocked") == 0) {
    json_object_set(*model, "locked", json_object_get(event, "locked"));
  } else if (strcmp(name, "policyChanged") == 0) {
    json_object_set(*model, "policy", json_object_get(event, "policy"));
  } else if (strcmp(name, "direct") == 0 || strncmp(name, "topology", 8) == 0) {
    topology_event(*model, name, event);
  } else if (strcmp(name, "waitingAdded") == 0 || strcmp(name, "waitingRemoved") == 0) {
    waiting_event(*model, name, event);
  } else if (strcmp(name, "sentBack") == 0 || strcmp(name, "waitingState") == 0) {
    json_decref(*model); /* after a resume the latter means that it was sent back meanwhile */
    *model = NULL;
  } else if (strcmp(name, "chat") == 0) {
    json_t *message = json_copy((json_t *)event);
    json_object_del(message, "event");
    add_chat(*model, message);
  }
}

/* ---- what its own requests change --------------------------------------------------------------------------------- */

static void own_offer(json_t *model, const json_t *offer) {
  json_t *slots = json_array(), *old = json_object_get(model, "slots");
  const json_t *media = json_object_get(offer, "media");
  for (size_t i = 0; i < json_array_size(media); i++) {
    const json_t *line = json_array_get(media, i);
    if (strcmp(text(line, "direction"), "recvonly") != 0) continue;
    ssize_t at = find(old, "mid", text(line, "mid"));
    json_array_append_new(
        slots, at >= 0 ? json_incref(json_array_get(old, (size_t)at))
                       : json_pack("{s:s, s:n, s:n, s:n}", "mid", text(line, "mid"), "participant", "track", "source"));
  }
  json_object_set_new(model, "slots", slots);
}

static void own_publish(json_t *tracks, const json_t *request, const json_t *ok) {
  const json_t *asked = json_object_get(request, "tracks"), *made = json_object_get(ok, "tracks");
  assert_int_equal(json_array_size(asked), json_array_size(made));
  for (size_t i = 0; i < json_array_size(asked); i++) {
    const json_t *a = json_array_get(asked, i);
    const char *source = text(a, "source");
    bool video = strcmp(source, "camera") == 0 || strcmp(source, "screen") == 0;
    json_t *track =
        json_pack("{s:s, s:s, s:s, s:b, s:o}", "track", text(json_array_get(made, i), "track"), "source", source,
                  "kind", video ? "video" : "audio", "muted", json_is_true(json_object_get(a, "muted")), "layers",
                  strcmp(text(a, "mid"), "cam") == 0 ? json_pack("[sss]", "q", "h", "f") : json_array());
    if (video && json_object_get(a, "width")) {
      json_object_set(track, "width", json_object_get(a, "width"));
      json_object_set(track, "height", json_object_get(a, "height"));
    }
    json_array_append_new(tracks, track);
  }
}

static void own_chat(json_t *model, const json_t *self, const json_t *request, const json_t *ok) {
  json_t *message =
      json_pack("{s:s, s:s, s:s, s:s, s:O}", "message", text(ok, "message"), "from", text(self, "participant"), "name",
                text(self, "name"), "text", text(request, "text"), "at", json_object_get(ok, "at"));
  if (json_object_get(request, "to")) json_object_set(message, "to", json_object_get(request, "to"));
  add_chat(model, message);
}

void client_model_reply(json_t **model, const json_t *request, const json_t *ok) {
  const char *type = text(request, "type");
  if (strcmp(type, "join") == 0 && json_is_true(json_object_get(ok, "waiting"))) {
    assert_null(*model);
    return;
  }
  if (strcmp(type, "join") == 0) {
    json_decref(*model);
    *model = json_deep_copy(json_object_get(ok, "room"));
    assert_string_equal(text(*model, "self"), text(ok, "participant"));
    return;
  }
  if (!*model) return;
  if (strcmp(type, "leave") == 0) {
    json_decref(*model);
    *model = NULL;
    return;
  }
  json_t *self = participant(*model, text(*model, "self")), *tracks = json_object_get(self, "tracks");
  if (strcmp(type, "offer") == 0)
    own_offer(*model, json_object_get(request, "offer"));
  else if (strcmp(type, "publish") == 0)
    own_publish(tracks, request, ok);
  else if (strcmp(type, "chat") == 0)
    own_chat(*model, self, request, ok);
  else if (strcmp(type, "setName") == 0)
    json_object_set(self, "name", json_object_get(request, "name"));
  else if (strcmp(type, "raiseHand") == 0)
    json_object_set(self, "handRaised", json_object_get(request, "raised"));
  else if (strcmp(type, "lock") == 0)
    json_object_set(*model, "locked", json_object_get(request, "locked"));
  if (strcmp(type, "setPolicy") == 0) json_object_set(*model, "policy", json_object_get(ok, "policy"));
  if (strcmp(type, "unpublish") == 0) {
    const json_t *ids = json_object_get(request, "tracks");
    for (size_t i = 0; i < json_array_size(ids); i++) {
      ssize_t at = find(tracks, "track", json_string_value(json_array_get(ids, i)));
      if (at >= 0) json_array_remove(tracks, (size_t)at);
    }
  }
  if (strcmp(type, "mute") == 0) { /* its own, or, as a doctor, anybody's */
    size_t i;
    json_t *who;
    json_array_foreach(json_object_get(*model, "participants"), i, who) {
      json_t *list = json_object_get(who, "tracks");
      ssize_t at = find(list, "track", text(request, "track"));
      if (at >= 0) json_object_set(json_array_get(list, (size_t)at), "muted", json_object_get(request, "muted"));
    }
  }
}
