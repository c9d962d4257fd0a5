/* server/room/audit.c: who did what to whom with a host's rights, told to the listener once it is done.
 *
 * Identities, not names: the log says who without saying what anybody is called. Whom it was done to is looked up before, because
 * afterwards they may be gone. What people do to themselves is nobody's business.
 */
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

/* NULL: no act on others. */
static const char *act_name(enum signaling_type type) {
  switch (type) {
    case SIGNALING_KICK:
    case SIGNALING_LOCK:
    case SIGNALING_CLOSE:
    case SIGNALING_MUTE:
    case SIGNALING_ADMIT:
    case SIGNALING_ADMIT_ALL:
    case SIGNALING_DECLINE_WAITING:
    case SIGNALING_SEND_BACK:
    case SIGNALING_SET_POLICY:
      return signaling_type_name(type);
    default:
      return NULL;
  }
}

static const struct session *target_of(const struct room_manager *m, const struct room *r, const json_t *f) {
  const char *participant = json_string_value(json_object_get(f, "participant"));
  const char *waiting = json_string_value(json_object_get(f, "waiting"));
  const char *track = json_string_value(json_object_get(f, "track"));
  if (participant) {
    const struct member *member = find_member(m, room_manager_find_participant(m, participant));
    return member ? member->session : NULL;
  }
  if (track) {
    const struct track *t;
    HASH_FIND(hh_id, m->track_ids, track, strlen(track), t);
    return t ? t->member->session : NULL;
  }
  const struct waiter *w;
  if (waiting) DL_FOREACH(r->waiters, w) if (strcmp(w->id, waiting) == 0) return w->session;
  return NULL;
}

void audit_prepare(const struct room_manager *m, const struct session *s, enum signaling_type type, const json_t *f,
                   struct audit *out) {
  out->act = s->member ? act_name(type) : NULL;
  out->target[0] = '\0';
  if (!out->act) return;
  const struct session *target = target_of(m, s->member->room, f);
  if (target == s && type == SIGNALING_MUTE) out->act = NULL;
  if (target) (void)snprintf(out->target, sizeof out->target, "%s", target->identity);
  const json_t *locked = json_object_get(f, "locked");
  if (type == SIGNALING_LOCK && !json_is_true(locked)) out->act = "unlock";
}

void audit_done(struct room_manager *m, const struct session *s, const struct audit *audit) {
  if (!audit->act) return;
  struct room_act act = {.act = audit->act,
                         .room = s->room_name,
                         .by = s->identity,
                         .role = signaling_role_name(s->role),
                         .target = audit->target[0] ? audit->target : NULL};
  m->listener.acted(m->arg, &act);
}
